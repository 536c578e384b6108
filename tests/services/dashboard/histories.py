"""Histories of a synthetic patient, as events in the order in which their publishers number them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.dashboard.domain import assemble, empty, fold
from shared.events import (
    Activity,
    Body,
    Event,
    VisitState,
)
from tests.builders import (
    ANSWERS,
    VISIT_AT,
    a_feedback,
    a_lab,
    a_medication,
    a_site,
    a_step,
    a_survey,
    a_view,
    a_visit,
    an_assessment,
    an_enrollment,
    an_event,
    an_id,
    in_error,
)
from tests.services.dashboard.documented import check_documented

JULY = datetime(2026, 7, 11, 18, 0, tzinfo=UTC)
LAST_VISIT = an_id("visit", "july")


def folded(*events: Event) -> dict[str, Any]:
    facts = empty()
    for event in events:
        facts = fold(facts, event)
    return facts


def in_sequence(*bodies: Body) -> list[Event]:
    """Events as their publishers would number them, topic by topic, an hour apart."""
    counts: dict[type, int] = {}
    events = []
    for body in bodies:
        counts[type(body)] = counts.get(type(body), 0) + 1
        events.append(an_event(body, sequence=counts[type(body)], time=VISIT_AT + timedelta(hours=counts[type(body)])))
    return events


def page_of(*bodies: Body) -> dict[str, Any]:
    """The page of this history, which is as it is documented; of nobody nothing is told, and nobody is shown it."""
    page = assemble(folded(*in_sequence(*bodies)))
    if bodies:
        check_documented(page)
    return page


def a_survey_in_july(**changes: Any) -> Body:
    """The survey before the one that `a_survey()` makes: a score of 10, in remission."""
    answers = {
        **ANSWERS,
        "loose_stools_per_day": 1.5,
        "abdominal_pain": 0,
        "in_remission": "yes",
        "ibd_control": 8,
    }
    return a_survey(
        **{
            "survey_id": an_id("survey", "july"),
            "visit_id": LAST_VISIT,
            "submitted_at": JULY,
            "answers": {**answers, "ed_visits": 0, "ct_scans": 0},
            "concerns": (),
            **changes,
        }
    )


MISTAKES = (
    a_lab(lab_id=an_id("mistake"), value=90.0),
    a_medication(medication_id=an_id("mistake"), name="Prednisone", drug_class="steroid-systemic", dose="40 mg a day"),
    an_assessment(assessment_id=an_id("mistake"), activity=Activity.SEVERE, assessed_at=VISIT_AT),
    a_step(step_id=an_id("mistake"), what="sealed:mistake"),
)
"""One fact of each kind, of another person."""


HISTORY = in_sequence(
    a_site(),
    an_enrollment(),
    an_enrollment(birth_year=1991),
    a_visit(visit_id=LAST_VISIT, scheduled_at=JULY, state=VisitState.COMPLETED, completed_at=JULY),
    a_visit(),
    a_visit(state=VisitState.CHECKED_IN, checked_in_at=VISIT_AT),
    a_survey_in_july(),
    a_survey(),
    a_survey(matters_most="sealed:mended", version=2, change="amended", reason="entry-mistake"),
    a_survey(survey_id=an_id("survey", "mistake"), submitted_at=VISIT_AT),
    a_survey(survey_id=an_id("survey", "mistake"), version=2, change="entered-in-error", reason="wrong-patient"),
    a_lab(),
    a_lab(value=7.0),
    a_lab(lab_id=an_id("older"), taken_at=JULY, value=3.0, comparator="<"),
    an_assessment(),
    an_assessment(activity=Activity.MILD),
    a_medication(),
    a_medication(stopped_on=date(2026, 10, 1), stop_reason="no-response"),
    a_step(),
    a_step(is_done=True, done_on=date(2026, 10, 14)),
    *MISTAKES,
    *(in_error(fact) for fact in MISTAKES),
    a_view(),
    a_feedback(),
)

FIRST_MONTH = datetime(2021, 11, 1, 15, tzinfo=UTC)


def month(number: int) -> datetime:
    return FIRST_MONTH + timedelta(days=30.4 * number)


def a_month(number: int) -> list[Body]:
    """A visit with everything: a survey that was corrected twice, a rating, ten results, a medicine, two steps."""
    at, visit = month(number), an_id("visit", number)
    survey: dict[str, Any] = {"survey_id": an_id("survey", number), "visit_id": visit, "submitted_at": at}
    correction = {"change": "amended", "reason": "entry-mistake", "matters_most": "sealed:" + "w" * 400}
    return [
        a_visit(visit_id=visit, scheduled_at=at),
        a_visit(visit_id=visit, scheduled_at=at, state="completed", completed_at=at),
        a_survey(**survey),
        *(a_survey(**survey, version=version, **correction) for version in (2, 3)),
        an_assessment(assessment_id=an_id("rating", number), visit_id=visit, assessed_at=at),
        *(a_lab(lab_id=an_id("lab", number, test), loinc=f"{test}-0", taken_at=at) for test in range(10)),
        a_lab(lab_id=an_id("lab", number, 0), loinc="0-0", taken_at=at, value=7.0),
        a_medication(medication_id=an_id("medicine", number), started_on=at.date()),
        *(a_step(step_id=an_id("step", number, n), visit_id=visit, agreed_at=at, what="s" * 400) for n in range(2)),
    ]


def a_year_of_care() -> list[Body]:
    """As much as a page of the demo has: a visit a quarter, both markers by two methods, five medicines, other checks,
    a full survey with questions skipped, three concerns and seven steps.
    """
    visits = [VISIT_AT - timedelta(days=91 * n) for n in range(5)]
    past = list(enumerate(visits[1:], start=1))
    return [
        an_enrollment(),
        a_visit(state=VisitState.CHECKED_IN, checked_in_at=VISIT_AT),
        *(
            a_visit(visit_id=an_id("visit", n), scheduled_at=at, state=VisitState.COMPLETED, completed_at=at)
            for n, at in past
        ),
        *(
            a_survey_in_july(
                survey_id=an_id("survey", n), visit_id=an_id("visit", n), submitted_at=at - timedelta(days=2)
            )
            for n, at in past
        ),
        a_survey(
            answers={name: value for name, value in ANSWERS.items() if name not in ("opioid_use", "barriers")},
            skipped={"opioid_use": "prefer-not-to-say", "barriers": "does-not-apply"},
            concerns=[
                {"rank": rank, "topic": topic, "words": f"sealed:concern-{rank}"}
                for rank, topic in enumerate(("symptoms", "steroids", "work-or-school"), start=1)
            ],
        ),
        an_assessment(),
        an_assessment(assessment_id=an_id("rating", 1), visit_id=an_id("visit", 1), assessed_at=visits[1]),
        *_results(visits),
        *_medicines(),
        *(
            a_step(step_id=an_id("step", n), what=f"sealed:step-{n}", due_on=date(2026, 10, 5 + n), is_done=n == 6)
            for n in range(7)
        ),
    ]


def _results(visits: Sequence[datetime]) -> Iterator[Body]:
    calprotectin: dict[str, Any] = {"loinc": "38445-3", "name": "Calprotectin", "unit": "ug/g", "reference_high": None}
    for n, (at, amount, crp) in enumerate(zip(visits, (312, 95, 120, 410, 1240), (6, 3, 3, 8, 22), strict=True)):
        taken_at, method = at - timedelta(days=6), "CLIA" if n == 0 else "ELISA"
        yield a_lab(**calprotectin, lab_id=an_id("calprotectin", n), taken_at=taken_at, value=amount, method=method)
        yield a_lab(lab_id=an_id("crp", n), taken_at=taken_at, value=crp, comparator="<" if crp == 3 else None)
    for loinc, name, value, unit, low in (
        ("718-7", "Hemoglobin", 11.6, "g/dL", 12.0),
        ("2276-4", "Ferritin", 22.0, "ng/mL", 30.0),
        ("1751-7", "Albumin", 4.1, "g/dL", 3.5),
        ("777-3", "Platelets", 310.0, "10*3/uL", 150.0),
        ("62292-8", "25-OH vitamin D (D2 + D3)", 24.0, "ng/mL", 30.0),
        ("2132-9", "Vitamin B12", 420.0, "pg/mL", 200.0),
    ):
        test: dict[str, Any] = {"loinc": loinc, "name": name, "unit": unit, "reference_low": low}
        test["reference_high"] = None
        yield a_lab(**test, lab_id=an_id(loinc, "before"), taken_at=visits[1] - timedelta(days=6), value=value * 1.1)
        yield a_lab(**test, lab_id=an_id(loinc), value=value)


def _medicines() -> Iterator[Body]:
    yield a_medication()
    yield a_medication(medication_id=an_id("folate"), name="Folic acid", drug_class="other", dose="1 mg a day")
    for name, drug_class, started_on, stopped_on, reason in (
        ("Prednisone", "steroid-systemic", date(2025, 10, 20), date(2026, 1, 12), "course-completed"),
        ("Mesalamine", "5-asa", date(2024, 3, 1), date(2025, 11, 3), "no-response"),
        ("Azathioprine", "immunomodulator", date(2025, 1, 8), date(2026, 2, 2), "side-effects"),
    ):
        yield a_medication(
            medication_id=an_id(name),
            name=name,
            drug_class=drug_class,
            dose="40 mg a day",
            route="oral",
            started_on=started_on,
            stopped_on=stopped_on,
            stop_reason=reason,
        )
