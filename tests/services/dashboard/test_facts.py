"""The facts of a patient and the page computed from them: order, repetition and delay change nothing."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.domain import assemble, context_of, empty, fold, freshness, has_words, open_words
from services.dashboard.domain.labs import side_of
from shared.events import (
    Activity,
    Body,
    Concern,
    ConcernTopic,
    Event,
    PatientErased,
    SkipReason,
    ViewContext,
    VisitState,
)
from shared.instruments import PRO_3_CD
from shared.sealing import ERASED, Place, Words, WordsState, in_event
from tests.builders import (
    ANSWERS,
    VISIT,
    VISIT_AT,
    a_feedback,
    a_lab,
    a_medication,
    a_step,
    a_survey,
    a_visit,
    an_assessment,
    an_erasure,
    an_event,
    an_id,
    one_of_each,
)
from tests.services.dashboard.histories import (
    HISTORY,
    JULY,
    LAST_VISIT,
    a_survey_in_july,
    folded,
    page_of,
)


@given(st.data())
def test_any_order_and_repetition_of_events_ends_in_the_same_facts_and_the_same_bytes(
    data: st.DataObject,
) -> None:
    repeated = [*HISTORY, *data.draw(st.lists(st.sampled_from(HISTORY), max_size=20))]
    delivered = data.draw(st.permutations(repeated))
    facts = folded(*delivered)
    assert facts == folded(*HISTORY)
    assert json.dumps(assemble(facts)) == json.dumps(assemble(folded(*HISTORY)))


@given(st.permutations(HISTORY), st.integers(0, len(HISTORY)))
def test_facts_survive_being_stored_at_any_moment(delivered: list[Event], stored_after: int) -> None:
    facts = json.loads(json.dumps(folded(*delivered[:stored_after]), sort_keys=True))
    for event in delivered[stored_after:]:
        facts = fold(facts, event)
    assert facts == folded(*HISTORY)


@given(st.permutations(HISTORY), st.integers(0, len(HISTORY)))
def test_a_page_can_be_made_of_any_part_of_the_history(delivered: list[Event], heard: int) -> None:
    page = assemble(folded(*delivered[:heard]))
    assert json.loads(json.dumps(page)) == page


def test_a_late_event_does_not_replace_a_newer_one() -> None:
    booked, moved = (
        an_event(a_visit(), sequence=1),
        an_event(a_visit(scheduled_at=VISIT_AT + timedelta(1)), sequence=2),
    )
    assert [v["scheduled_at"] for v in assemble(folded(moved, booked))["visits"]] == ["2026-10-14T15:20:00+00:00"]


def test_folding_leaves_the_facts_it_was_given_as_they_were() -> None:
    facts = folded(*HISTORY)
    before = json.dumps(facts)
    fold(facts, an_event(a_lab(value=9.0), sequence=99))
    assert json.dumps(facts) == before


def test_feedback_never_reaches_facts_that_a_clinic_can_see() -> None:
    assert folded(an_event(a_feedback())) == empty()


def test_each_source_says_how_far_it_has_been_read() -> None:
    page = assemble(folded(*HISTORY))
    assert page["versions"]["visit-updated"] == {"sequence": 3, "time": "2026-10-13T18:20:00.000000+00:00"}
    assert page["sources"]["survey"]["at"] == "2026-10-11T18:04:00+00:00"
    assert page["as_of"] == max(page["versions"].values(), key=lambda v: v["time"])["time"].replace(".000000", "")


def test_a_patient_of_whom_nothing_is_known_has_a_page_that_says_so() -> None:
    page = assemble(empty())
    assert [gap["what"] for gap in page["missing"]] == [
        "enrollment",
        "survey",
        "assessment",
        "lab",
        "lab",
        "medications",
    ]
    assert page["as_of"] is None
    assert page["readings"]["agreement"]["state"] == "not-compared"


def test_the_score_is_compared_with_the_last_visit_by_the_threshold_of_its_instrument() -> None:
    computed = page_of(a_survey_in_july(), a_survey())["readings"]["computed"]
    assert (computed["value"], computed["words"], computed["change"]) == (16.0, "mild", "worse")
    assert (computed["last"]["value"], computed["last"]["words"], computed["minimal_change"]) == (
        10.0,
        "remission",
        5,
    )


def test_a_survey_sent_twice_for_a_visit_is_not_compared_with_itself() -> None:
    again = a_survey(survey_id=an_id("again"), submitted_at=VISIT_AT)
    page = page_of(a_survey_in_july(), a_survey(), again)
    assert page["previous"]["submitted_at"] == "2026-07-11T18:00:00+00:00"
    assert len(page["trend"]["points"]) == 3


def test_a_score_with_a_skipped_answer_is_missing_and_never_zero() -> None:
    answers = {name: value for name, value in ANSWERS.items() if name != "abdominal_pain"}
    skipped = {"abdominal_pain": SkipReason.PREFER_NOT_TO_SAY}
    page = page_of(a_survey_in_july(), a_survey(answers=answers, skipped=skipped))
    computed = page["readings"]["computed"]
    assert (computed["value"], computed["change"]) == (None, None)
    assert computed["missing"] == [{"item": "abdominal_pain", "state": "skipped", "reason": "prefer-not-to-say"}]
    assert computed["last_full"]["value"] == 10.0
    assert [point["value"] for point in page["trend"]["points"]] == [10.0, None]


def test_skipped_not_asked_and_no_survey_are_told_apart() -> None:
    answers = {name: value for name, value in ANSWERS.items() if name not in ("opioid_use", "ct_scans")}
    survey = a_survey(answers=answers, skipped={"opioid_use": SkipReason.PREFER_NOT_TO_SAY})
    care = {row["item"]: row for row in page_of(survey)["urgent_care"]}
    assert care["ed_visits"]["now"] == {"state": "answered", "value": 1}
    assert care["opioid_use"]["now"] == {"state": "skipped", "reason": "prefer-not-to-say"}
    assert care["ct_scans"]["now"] == {"state": "not-asked"}
    assert care["ct_scans"]["last"] is None


REMISSION = {
    **ANSWERS,
    "in_remission": "yes",
    "loose_stools_per_day": 1,
    "abdominal_pain": 0,
    "well_being": 0,
}
SEVERE = {**ANSWERS, "loose_stools_per_day": 20, "abdominal_pain": 3, "well_being": 4, "in_remission": "no"}


@pytest.mark.parametrize(
    ("answers", "rated", "state", "words"),
    [
        (ANSWERS, Activity.REMISSION, "differ", "I feel worse than my clinician rated."),
        (REMISSION, Activity.MILD, "differ", "I feel better than my clinician rated."),
        (REMISSION, Activity.REMISSION, "agree", None),
        (ANSWERS, Activity.MODERATE, "agree", None),
        (
            {**ANSWERS, "in_remission": "yes"},
            None,
            "differ",
            "I feel in remission, but my answers show mild activity.",
        ),
        (
            {**REMISSION, "in_remission": "no"},
            Activity.MILD,
            "differ",
            "I do not feel in remission, but my answers add up to remission.",
        ),
        (
            {**ANSWERS, "in_remission": "unsure"},
            Activity.REMISSION,
            "differ",
            "My answers show mild activity, but my clinician rated remission.",
        ),
        (SEVERE, Activity.MILD, "differ", "My answers show severe activity, but my clinician rated mild."),
        (SEVERE, Activity.MODERATE, "agree", None),
    ],
)
def test_the_three_readings_differ_by_one_rule(
    answers: dict[str, Any], rated: Activity | None, state: str, words: str | None
) -> None:
    ratings = [] if rated is None else [an_assessment(activity=rated)]
    agreement = page_of(a_survey(answers=answers), *ratings)["readings"]["agreement"]
    assert (agreement["state"], agreement["words"]) == (state, words)


def test_a_rating_of_another_season_is_not_compared() -> None:
    agreement = page_of(a_survey(), an_assessment(assessed_at=JULY))["readings"]["agreement"]
    assert (agreement["state"], agreement["rating_apart_days"]) == ("agree", 92)
    assert agreement["compared"] == ["patient", "computed"]


def test_one_reading_alone_neither_agrees_nor_differs() -> None:
    assert page_of(an_assessment())["readings"]["agreement"]["state"] == "not-compared"


def test_what_changed_is_told_with_the_most_serious_first() -> None:
    page = page_of(a_survey_in_july(), a_survey())
    assert [(fact["kind"], fact.get("item")) for fact in page["since"]] == [
        ("care", "ed_visits"),
        ("index", None),
        ("care", "ct_scans"),
        ("missed-doses", None),
    ]


def test_nothing_is_called_a_change_without_an_earlier_survey() -> None:
    assert page_of(a_survey())["since"] == []


def test_a_concern_whose_topic_stood_there_before_says_since_when() -> None:
    before = a_survey_in_july(concerns=(Concern(rank=1, topic=ConcernTopic.STEROIDS),))
    concerns = page_of(before, a_survey())["concerns"]
    assert [(c["topic"], c["raised_before"]) for c in concerns] == [
        ("symptoms", None),
        ("steroids", "2026-07-11T18:00:00+00:00"),
    ]


def test_a_course_of_steroids_that_the_clinic_does_not_list_is_marked() -> None:
    def is_marked(*bodies: Body) -> bool:
        return any(r["differs"] for r in page_of(*bodies)["urgent_care"])

    steroid = {"name": "Prednisone", "drug_class": "steroid-systemic"}
    assert is_marked(a_survey())
    assert is_marked(a_survey(), a_medication(**steroid, stopped_on=date(2026, 1, 12), stop_reason="course-completed"))
    assert not is_marked(a_survey(), a_medication(**steroid))
    assert not is_marked(a_survey(answers={**ANSWERS, "steroid_courses": 0}))


@pytest.mark.parametrize(
    ("value", "comparator", "side"),
    [
        (250.1, None, "over"),
        (250.0, None, "within"),
        (16.0, "<", "within"),
        (250.0, "<", "within"),
        (300.0, "<", None),
        (250.0, ">", "over"),
        (250.0, ">=", None),
        (3000.0, ">", "over"),
        (100.0, ">", None),
    ],
)
def test_a_censored_result_is_judged_only_where_it_can_be(value: float, comparator: str | None, side: str) -> None:
    assert side_of(value, comparator, None, 250) == side


def test_a_result_under_a_lower_limit_is_under() -> None:
    assert [side_of(value, None, 12, 16) for value in (11.9, 12, 16, 16.1)] == [
        "under",
        "within",
        "within",
        "over",
    ]


def test_a_change_of_method_breaks_the_series_and_is_not_called_a_rise() -> None:
    calprotectin: dict[str, Any] = {"loinc": "38445-3", "name": "Calprotectin", "unit": "ug/g"}
    old = a_lab(**calprotectin, lab_id=an_id("old"), value=95, method="ELISA", taken_at=JULY)
    new = a_lab(**calprotectin, lab_id=an_id("new"), value=312, method="CLIA")
    page = page_of(a_survey_in_july(submitted_at=JULY - timedelta(2)), a_survey(), old, new)
    series = page["labs"][0]
    assert [(c["from"], c["to"], c["at"]) for c in series["method_changes"]] == [
        ("ELISA", "CLIA", "2026-10-07T14:00:00+00:00")
    ]
    assert ("new-method", 312.0) in [(f["kind"], f.get("value")) for f in page["since"]]
    assert "lab" not in [f["kind"] for f in page["since"]]


def test_a_change_of_method_is_seen_behind_a_result_that_names_none() -> None:
    calprotectin: dict[str, Any] = {"loinc": "38445-3", "name": "Calprotectin", "unit": "ug/g"}
    results = [
        a_lab(**calprotectin, lab_id=an_id(f"lab {n}"), method=method, taken_at=JULY + timedelta(days=n))
        for n, method in enumerate(("ELISA", None, "CLIA", None, "CLIA"))
    ]
    (change,) = page_of(*results)["labs"][0]["method_changes"]
    assert (change["from"], change["to"]) == ("ELISA", "CLIA")
    assert (change["after"], change["at"]) == tuple((JULY + timedelta(days=n)).isoformat() for n in (1, 2))


def test_a_corrected_result_keeps_what_it_replaced() -> None:
    point = page_of(a_lab(value=31.2), a_lab(value=312))["labs"][0]["points"][0]
    assert (point["value"], [was["value"] for was in point["was"]]) == (312.0, [31.2])


def test_a_survey_for_the_visit_at_hand_that_is_not_there_is_missing() -> None:
    page = page_of(a_survey_in_july(), a_visit())
    assert {"what": "survey-for-visit", "visit_id": str(VISIT)} in page["missing"]


def test_a_visit_that_nobody_closed_is_not_at_hand_for_ever() -> None:
    old = an_event(a_visit(scheduled_at=JULY), sequence=1, time=JULY)
    assert assemble(folded(old))["visit"]["visit_id"] == str(VISIT)
    assert assemble(folded(old, an_event(a_survey(), time=VISIT_AT)))["visit"] is None


def test_open_steps_come_first_by_the_day_they_are_due() -> None:
    steps = [
        a_step(step_id=an_id("done"), is_done=True, done_on=date(2026, 8, 28)),
        a_step(step_id=an_id("no day"), due_on=None),
        a_step(step_id=an_id("soon"), due_on=date(2026, 10, 1)),
    ]
    assert [step["step_id"] for step in page_of(*steps)["plan"]] == [
        str(an_id(name)) for name in ("soon", "no day", "done")
    ]


def test_words_are_opened_for_their_event_and_field_and_say_why_they_are_not_there() -> None:
    survey, step = an_event(a_survey()), an_event(a_step())
    places: dict[str, Place] = {}

    def opener(sealed: str, place: Place) -> Words:
        places[sealed] = place
        return ERASED if sealed == "sealed:step" else Words(WordsState.READABLE, f"words of {sealed}")

    page = assemble(folded(survey, step))
    assert has_words(page)
    opened = open_words(page, opener)
    assert places == {
        "sealed:cramps": in_event(survey.event_id, "concerns.1.words"),
        "sealed:matters": in_event(survey.event_id, "matters_most"),
        "sealed:step": in_event(step.event_id, "change.what"),
    }
    assert opened["concerns"][0] | {"raised_before": None} == {
        "rank": 1,
        "topic": "symptoms",
        "words": "words of sealed:cramps",
        "words_state": "readable",
        "raised_before": None,
    }
    assert (opened["concerns"][1]["words"], opened["concerns"][1]["words_state"]) == (None, None)
    assert (opened["matters_most"], opened["matters_most_state"]) == ("words of sealed:matters", "readable")
    assert (opened["plan"][0]["what"], opened["plan"][0]["what_state"]) == (None, "erased")


def test_of_an_erased_patient_nothing_is_left_whatever_came_before_and_comes_after() -> None:
    before, erasure, after = HISTORY[:12], an_event(an_erasure()), HISTORY[12:]
    facts = folded(*before, erasure, *after)
    assert facts == folded(erasure, *reversed(HISTORY), erasure)
    assert facts["items"] == empty()["items"]
    assert facts["sources"]["survey-completed"]["sequence"] == 5, "how far it was read stays known"
    page = assemble(facts)
    assert page["erased"] == {"at": "2026-11-02T16:30:00+00:00", "reason": "patient-request"}
    assert not has_words(page)
    assert (page["patient"]["birth_year"], page["visits"], page["labs"], page["trend"]) == (None, [], [], None)


def test_any_history_with_an_erasure_in_it_ends_in_the_same_facts() -> None:
    expected = folded(*HISTORY, an_event(an_erasure()))
    for place in range(len(HISTORY)):
        assert folded(*HISTORY[:place], an_event(an_erasure()), *HISTORY[place:]) == expected


def test_age_is_counted_in_days_of_the_readers_zone() -> None:
    page = page_of(a_survey())
    now = datetime(2026, 10, 13, 15, 20, tzinfo=UTC)
    assert freshness(page, now)["survey"] is not None
    ages = [freshness(page, now + timedelta(days=days))["survey"] for days in (0, 12, 13)]
    assert [(age.days, age.is_old) for age in ages if age] == [(2, False), (14, False), (15, True)]
    assert freshness(page, now)["labs"] is None


MINUTE = timedelta(minutes=1)
CHECKED_IN = VISIT_AT + 10 * MINUTE
COMPLETED = VISIT_AT + 40 * MINUTE


@pytest.mark.parametrize(
    ("changes", "at", "context"),
    [
        ({}, VISIT_AT - 31 * MINUTE, ViewContext.BEFORE_VISIT),
        ({}, VISIT_AT - 30 * MINUTE, ViewContext.IN_VISIT),
        ({}, VISIT_AT + 120 * MINUTE, ViewContext.IN_VISIT),
        ({}, VISIT_AT + 121 * MINUTE, ViewContext.AFTER_VISIT),
        ({"checked_in_at": CHECKED_IN}, CHECKED_IN - 31 * MINUTE, ViewContext.BEFORE_VISIT),
        ({"checked_in_at": CHECKED_IN}, CHECKED_IN - 30 * MINUTE, ViewContext.IN_VISIT),
        ({"completed_at": COMPLETED}, COMPLETED + 60 * MINUTE, ViewContext.IN_VISIT),
        ({"completed_at": COMPLETED}, COMPLETED + 61 * MINUTE, ViewContext.AFTER_VISIT),
        ({}, VISIT_AT - timedelta(days=15), ViewContext.OUTSIDE),
        ({}, VISIT_AT + timedelta(days=15), ViewContext.OUTSIDE),
        ({"state": VisitState.CANCELLED}, VISIT_AT, ViewContext.OUTSIDE),
    ],
)
def test_a_look_is_before_in_or_after_a_visit_by_stated_limits(
    changes: dict[str, Any], at: datetime, context: ViewContext
) -> None:
    visits = page_of(a_visit(**changes))["visits"]
    assert context_of(visits, at) == (context, None if context is ViewContext.OUTSIDE else VISIT)


def test_between_two_visits_the_nearer_one_is_meant() -> None:
    later = VISIT_AT + timedelta(days=10)
    visits = page_of(a_visit(), a_visit(visit_id=LAST_VISIT, scheduled_at=later))["visits"]
    assert context_of(visits, VISIT_AT + timedelta(days=1)) == (ViewContext.AFTER_VISIT, VISIT)
    assert context_of(visits, later - timedelta(days=1)) == (ViewContext.BEFORE_VISIT, LAST_VISIT)


def test_one_event_of_every_topic_makes_a_page_with_the_index_of_the_diagnosis() -> None:
    page = assemble(folded(*(event for event in one_of_each() if not isinstance(event.body, PatientErased))))
    assert page["trend"]["instrument"] == PRO_3_CD.key
    assert [gap["what"] for gap in page["missing"]] == ["lab"]


def corrected(*, then: str = "amended") -> list[Body]:
    """A survey and its correction."""
    again = a_survey(version=2, change=then, reason="entry-mistake", answers={**ANSWERS, "abdominal_pain": 3})
    return [a_visit(), a_survey(), again]


def test_an_amended_survey_counts_as_it_is_now_and_says_what_stood_there_before() -> None:
    page = page_of(*corrected())
    assert len(page["trend"]["points"]) == 1
    correction = page["survey"]["correction"]
    assert (correction["version"], correction["reason"]) == (2, "entry-mistake")
    (before,) = correction["earlier"]
    assert (before["version"], before["answers"]["abdominal_pain"]) == (1, ANSWERS["abdominal_pain"])
    assert page["readings"]["computed"]["value"] != before["scores"][0]["value"]


def test_a_survey_entered_in_error_is_nowhere_on_the_page() -> None:
    page = page_of(*corrected(then="entered-in-error"))
    assert page["survey"] is None
    assert page["sources"]["survey"] is None
    assert {"what": "survey"} in page["missing"]


def test_corrections_that_arrive_in_any_order_leave_the_same_page() -> None:
    bodies = [*corrected(), a_survey(version=3, change="amended", reason="other", answers=ANSWERS)]
    visit, *surveys = [an_event(body, sequence=number) for number, body in enumerate(bodies)]
    first = folded(visit, *surveys)
    assert folded(*reversed(surveys), visit) == first
    assert folded(surveys[1], visit, surveys[0], surveys[2], surveys[1], surveys[0]) == first
    assert [one["version"] for one in assemble(first)["survey"]["correction"]["earlier"]] == [2, 1]
