"""Histories of a synthetic patient, as events in the order in which their publishers number them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.dashboard.domain import assemble, empty, fold
from shared.events import Activity, Body, Event, VisitState
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
)

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
    return assemble(folded(*in_sequence(*bodies)))


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


HISTORY = in_sequence(
    a_site(),
    an_enrollment(),
    an_enrollment(birth_year=1991),
    a_visit(visit_id=LAST_VISIT, scheduled_at=JULY, state=VisitState.COMPLETED, completed_at=JULY),
    a_visit(),
    a_visit(state=VisitState.CHECKED_IN, checked_in_at=VISIT_AT),
    a_survey_in_july(),
    a_survey(),
    a_survey(matters_most="sealed:corrected", version=2, change="amended", reason="entry-mistake"),
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
