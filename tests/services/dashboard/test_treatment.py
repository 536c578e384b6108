"""Whether treatment explains it: what there is to tell stands on one line, with what is not known, and no verdict."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.clinical.domain.labs import LAB_TESTS, canonical
from services.dashboard.domain import without_clinical
from services.dashboard.domain.labs import LEVELS
from services.dashboard.pages.gaps import missing_words
from services.dashboard.pages.reader import Reader
from services.dashboard.pages.treatment import treatment_line
from shared.events import Activity, Body, Language, ViewerRole, VisitState
from tests.builders import (
    ANSWERS,
    VISIT_AT,
    a_lab,
    a_medication,
    a_survey,
    a_visit,
    an_assessment,
    an_enrollment,
    an_id,
)
from tests.services.dashboard.histories import JULY, LAST_VISIT, a_survey_in_july, page_of
from tests.services.dashboard.test_page_html import shown
from tests.services.dashboard.test_what_is_missing import a_reader

LEVEL: dict[str, Any] = {
    "lab_id": an_id("level"),
    "loinc": "86894-3",
    "name": "Adalimumab level",
    "value": 3.2,
    "unit": "ug/mL",
    "reference_high": None,
}
JUNE = datetime(2026, 6, 12, 15, tzinfo=UTC)
JULYS_VISIT = a_visit(visit_id=LAST_VISIT, scheduled_at=JULY, state=VisitState.COMPLETED, completed_at=JULY)
SURVEYS = (an_enrollment(), JULYS_VISIT, a_visit(), a_survey_in_july(), a_survey())
"""A score of 10 on 11 Jul, and of 16, not in remission, for the visit at hand."""
IN_AUGUST = a_medication(started_on=date(2026, 8, 1))


def line(*bodies: Body, reader: Reader | None = None) -> str:
    """What is said of the treatment; nothing where nothing is."""
    said = treatment_line(page_of(*bodies), reader or a_reader())
    return "".join(said) if said else ""


def missing(*bodies: Body) -> list[str]:
    return [words for words in missing_words(page_of(*bodies), a_reader()) if "level" in words]


def in_remission(**changes: Any) -> Body:
    """A survey that says remission in words and in points."""
    well = {**ANSWERS, "in_remission": "yes", "loose_stools_per_day": 0, "abdominal_pain": 0, "well_being": 0}
    return a_survey(answers=well, **changes)


def test_the_score_of_before_a_medicine_began_stands_beside_the_one_of_now() -> None:
    assert line(*SURVEYS, IN_AUGUST).startswith("Since Adalimumab began, 1 Aug: score 10 then, 16 now: worse.")
    assert line(*SURVEYS, IN_AUGUST, reader=a_reader(Language.SPANISH)).startswith(
        "Adalimumab desde el 1 ago: puntuación 10 entonces, 16 ahora: peor."
    )


def test_the_patient_is_told_the_change_and_no_score() -> None:
    reader = Reader(a_reader().now, ViewerRole.PATIENT)
    assert line(*SURVEYS, IN_AUGUST, reader=reader).startswith("Since Adalimumab began, 1 Aug: symptoms worse.")


def test_how_it_went_since_last_time_is_told_before_how_it_went_since_a_medicine_began() -> None:
    june = a_survey_in_july(survey_id=an_id("june"), visit_id=an_id("visit", "june"), submitted_at=JUNE)
    since_june = (june, *SURVEYS, a_medication(started_on=date(2026, 6, 20)))
    said = "score 10 to 16, worse; clinic's list unchanged. Before Adalimumab began, 20 Jun: 10."
    assert line(*since_june) == f"Since 11 Jul: {said}"
    assert line(*since_june, reader=a_reader(Language.SPANISH)) == (
        "Desde el 11 jul: puntuación 10 a 16, peor; lista sin cambios. Antes de empezar Adalimumab, 20 jun: 10."
    )
    assert line(*since_june, reader=Reader(a_reader().now, ViewerRole.PATIENT)) == (
        "Since 11 Jul: symptoms worse; clinic's list unchanged. Since Adalimumab began, 20 Jun: symptoms worse."
    )
    assert not line(*since_june, reader=a_reader(days=20)).startswith("Since 11 Jul"), "an old score is not of late"


def test_a_score_from_after_it_began_or_long_before_is_not_called_one_of_before() -> None:
    assert "No score when Adalimumab began, 10 Jul." in line(*SURVEYS, a_medication(started_on=date(2026, 7, 10)))
    assert ": no score of that time. " in line(*SURVEYS, a_medication(started_on=date(2026, 10, 10)))


def test_a_score_of_the_day_on_which_it_began_is_one_of_before_and_none_of_since() -> None:
    assert ": score 10 then, 16 now: worse." in line(*SURVEYS, a_medication(started_on=JULY.date()))
    on_the_day = a_medication(started_on=(VISIT_AT - timedelta(days=2)).date())
    assert ": no score yet. " in line(*SURVEYS, on_the_day)


def test_a_survey_without_a_score_leaves_the_one_before_with_its_day() -> None:
    unsaid = {name: value for name, value in ANSWERS.items() if name != "abdominal_pain"}
    without = a_survey(answers=unsaid, skipped={"abdominal_pain": "prefer-not-to-say"})
    assert ": no score yet. " in line(*SURVEYS[:-1], without, IN_AUGUST)
    scored = a_survey_in_july(survey_id=an_id("june"), visit_id=an_id("visit", "june"), submitted_at=JUNE)
    since_june = a_medication(started_on=date(2026, 6, 20))
    assert "score 10 then, 10 on 11 Jul: same." in line(scored, *SURVEYS[:-1], without, since_june)


def test_a_survey_without_an_index_says_nothing_of_scores() -> None:
    assert ": the newest survey has no score. " in line(*SURVEYS[:-1], a_survey(scores=()), IN_AUGUST)
    assert line(IN_AUGUST) == "Since Adalimumab began, 1 Aug: no score yet."


def test_a_score_that_is_old_has_its_day() -> None:
    assert "score 10 then, 16 on 11 Oct: worse." in line(*SURVEYS, IN_AUGUST, reader=a_reader(days=20))


def test_what_of_the_medicines_changed_since_last_time_is_named_and_so_is_that_nothing_did() -> None:
    began = a_medication()
    stopped = a_medication(
        medication_id=an_id("budesonide"),
        name="Budesonide",
        drug_class="steroid-local",
        started_on=date(2026, 6, 1),
        stopped_on=date(2026, 8, 9),
        stop_reason="course-completed",
    )
    assert line(*SURVEYS, began) == (
        "Since 11 Jul: score 10 to 16, worse; clinic's list unchanged. No score when Adalimumab began, 3 Nov 2025."
    )
    assert "Since 11 Jul: score 10 to 16, worse; Budesonide stopped, 9 Aug. " in line(*SURVEYS, began, stopped)
    assert "Changed since 11 Jul: Adalimumab started, 1 Aug; Budesonide stopped, 9 Aug." in line(
        *SURVEYS, IN_AUGUST, stopped
    )
    in_the_visit = a_medication(started_on=JULY.date())
    assert "Changed since 11 Jul: Adalimumab started, 11 Jul." in line(*SURVEYS, in_the_visit)
    assert "hanged since" not in line(a_visit(), a_survey(), began)  # there is no last time


def test_a_level_is_told_with_its_day_and_said_to_be_missing_where_it_would_help() -> None:
    assert "level" not in line(*SURVEYS, a_medication()), "that stands with all that is missing"
    assert line(*SURVEYS, a_medication(), a_lab(**LEVEL)).endswith(" Adalimumab level 3.2 µg/mL, 7 Oct.")
    assert line(*SURVEYS, a_medication(), a_lab(**LEVEL, comparator="<")).endswith(
        " Adalimumab level <3.2 µg/mL, 7 Oct."
    )
    assert missing(*SURVEYS, a_medication()) == ["Adalimumab level"]
    own = missing_words(page_of(*SURVEYS, a_medication()), Reader(a_reader().now, ViewerRole.PATIENT))
    assert "blood level of Adalimumab" in [*own][-1]
    assert missing(*SURVEYS, a_medication(), a_lab(**LEVEL)) == []
    old = a_lab(**LEVEL, taken_at=VISIT_AT - timedelta(days=98))
    assert missing(*SURVEYS, a_medication(), old) == ["Adalimumab level after 7 Jul"]


@pytest.mark.parametrize(
    "medicine",
    [
        {"drug_class": "anti-integrin", "name": "Vedolizumab"},
        {"started_on": date(2026, 9, 1)},
        {"stopped_on": date(2026, 10, 1), "stop_reason": "no-response"},
    ],
)
def test_no_level_is_asked_for_of_other_classes_in_induction_or_of_what_was_stopped(medicine: dict[str, Any]) -> None:
    assert missing(*SURVEYS, a_medication(**medicine)) == []


def test_no_level_is_asked_for_in_remission_and_one_voice_that_says_otherwise_is_enough() -> None:
    quiet = (*SURVEYS[:-1], in_remission(), a_medication())
    assert missing(*quiet) == []
    assert missing(*quiet, an_assessment(activity=Activity.REMISSION)) == []
    assert missing(*quiet, an_assessment(activity=Activity.MILD)) == ["Adalimumab level"]


@pytest.mark.parametrize(
    ("medicine", "loinc", "is_level"),
    [
        ("Adalimumab", "86894-3", True),
        ("adalimumab-atto 40 mg", "86894-3", True),
        ("Adalimumab", "39803-2", False),
        ("Infliximab", "39803-2", True),
        ("infliximab-dyyb", "86896-8", True),
        ("Certolizumab pegol", "87404-0", True),
        ("Adalimumab", "62292-8", False),
    ],
)
def test_a_level_is_known_by_its_code_and_the_ingredient(medicine: str, loinc: str, *, is_level: bool) -> None:
    taken = a_medication(name=medicine)
    assert missing(*SURVEYS, taken) == [f"{medicine} level"]
    assert bool(missing(*SURVEYS, taken, a_lab(**{**LEVEL, "loinc": loinc}))) is not is_level


@pytest.mark.parametrize("name", ["Golimumab", "Humira", "5-ASA"])
def test_no_level_is_asked_for_that_nobody_could_bring(name: str) -> None:
    vitamin = a_lab(**{**LEVEL, "loinc": "62292-8", "name": "25-OH vitamin D (D2 + D3)", "unit": "ng/mL"})
    assert missing(*SURVEYS, a_medication(name=name), vitamin) == []
    assert "level" not in line(*SURVEYS, a_medication(name=name), vitamin)


def test_every_level_that_is_asked_for_is_taken_by_clinical() -> None:
    for loinc, ingredient in LEVELS.items():
        assert LAB_TESTS[loinc].name.lower().startswith(f"{ingredient} level")
        assert canonical(loinc, 3.2, "mg/L") == (3.2, "ug/mL")


def test_an_old_rating_or_answers_of_another_visit_do_not_say_that_the_disease_is_active_now() -> None:
    quiet = (*SURVEYS[:-1], in_remission(), a_medication())
    mild = an_assessment(activity=Activity.MILD, assessed_at=VISIT_AT - timedelta(days=91))
    assert missing(*quiet, mild) == []
    assert missing(*SURVEYS[:-2], a_survey(visit_id=LAST_VISIT), a_medication()) == []


def test_what_is_planned_is_neither_begun_nor_stopped() -> None:
    planned = a_medication(medication_id=an_id("next"), name="Infliximab", started_on=date(2026, 11, 1))
    said = line(*SURVEYS, IN_AUGUST, planned)
    assert said.startswith("Since Adalimumab began, 1 Aug:")
    assert "Infliximab" not in said
    ends = a_medication(started_on=date(2026, 8, 1), stopped_on=date(2026, 11, 1), stop_reason="no-response")
    assert line(*SURVEYS, ends).startswith("Since Adalimumab began, 1 Aug:")


def test_the_newest_maintenance_counts_and_neither_steroids_nor_what_was_stopped() -> None:
    others = [
        a_medication(medication_id=an_id(name), name=name, drug_class=drug_class, started_on=date(2026, 8, 20), **stop)
        for name, drug_class, stop in (
            ("Prednisone", "steroid-systemic", {}),
            ("Mesalamine", "5-asa", {"stopped_on": date(2026, 9, 1), "stop_reason": "no-response"}),
        )
    ]
    assert line(*SURVEYS, *others) == ""
    assert line(*SURVEYS, IN_AUGUST, *others).startswith("Since Adalimumab began")
    newer = a_medication(
        medication_id=an_id("azathioprine"), name="Azathioprine", drug_class="immunomodulator", started_on=JULY.date()
    )
    both = line(*SURVEYS, a_medication(), newer)
    assert both.startswith("Since Azathioprine began, 11 Jul")
    assert line(*SURVEYS, a_medication(), newer, a_lab(**LEVEL)).endswith(" Adalimumab level 3.2 µg/mL, 7 Oct.")


def test_a_dose_that_changed_is_no_new_beginning() -> None:
    first = a_medication(medication_id=an_id("first"), started_on=date(2026, 8, 1), stopped_on=date(2026, 9, 1))
    more = a_medication(started_on=date(2026, 9, 2), dose="80 mg every 2 weeks")
    said = line(*SURVEYS, first, more)
    assert said.startswith("Since Adalimumab began, 1 Aug:")
    assert "Changed since 11 Jul: Adalimumab started, 1 Aug." in said


def test_it_stands_on_the_page_and_not_where_the_clinical_part_is_hidden() -> None:
    assert "Since Adalimumab began, 1 Aug: score 10 then, 16 now: worse." in shown(*SURVEYS, IN_AUGUST)
    hidden = without_clinical(page_of(*SURVEYS, a_medication()))
    assert treatment_line(hidden, a_reader()) is None
    assert not [words for words in missing_words(hidden, a_reader()) if "level" in words]
