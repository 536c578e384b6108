"""A patient's row has a bound, and whatever the order in which a long history arrives it ends in the same facts."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.domain import assemble, empty, fold
from services.dashboard.domain.history import BOUNDS, Bounds
from shared.events import Body, Event
from tests.builders import SURVEY, a_lab, a_step, a_survey, a_visit, an_erasure, an_event, an_id
from tests.services.dashboard.histories import FIRST_MONTH, a_month, in_sequence, month

TIGHT = Bounds(most=dict.fromkeys(BOUNDS.most, 3), versions=2, whole_surveys=2)
DAYS = st.integers(0, 6).map(lambda days: FIRST_MONTH + timedelta(days=days))
THINGS = st.integers(0, 5)


def folded(*events: Event, bounds: Bounds = BOUNDS) -> dict[str, Any]:
    facts = empty()
    for event in events:
        facts = fold(facts, event, bounds)
    return facts


BODIES: st.SearchStrategy[Body] = st.one_of(
    st.builds(lambda n, at: a_visit(visit_id=an_id("v", n), scheduled_at=at), THINGS, DAYS),
    st.builds(
        lambda n, at, version: a_survey(survey_id=an_id("s", n), submitted_at=at, version=version),
        THINGS,
        DAYS,
        st.integers(1, 3),
    ),
    st.builds(
        lambda n, at: a_survey(survey_id=an_id("s", n), submitted_at=at, version=9, change="entered-in-error"),
        THINGS,
        DAYS,
    ),
    st.builds(
        lambda n, at, value: a_lab(lab_id=an_id("l", n), taken_at=at, value=value), THINGS, DAYS, st.integers(1, 9)
    ),
    st.builds(lambda n, at: a_step(step_id=an_id("p", n), agreed_at=at), THINGS, DAYS),
)
HISTORIES = st.lists(BODIES, min_size=1, max_size=24).map(lambda bodies: in_sequence(*bodies))


@given(HISTORIES, st.data())
def test_a_history_beyond_its_bounds_ends_in_the_same_facts_in_any_order_and_repetition(
    history: list[Event], data: st.DataObject
) -> None:
    repeated = [*history, *data.draw(st.lists(st.sampled_from(history), max_size=12))]
    facts = folded(*data.draw(st.permutations(repeated)), bounds=TIGHT)
    assert facts == folded(*history, bounds=TIGHT)
    assert json.dumps(assemble(facts, TIGHT)) == json.dumps(assemble(folded(*history, bounds=TIGHT), TIGHT))


@given(HISTORIES, st.data())
def test_an_erasure_at_any_moment_of_a_long_history_leaves_nothing(history: list[Event], data: st.DataObject) -> None:
    erasure = an_event(an_erasure())
    delivered = data.draw(st.permutations([*history, erasure]))
    facts = folded(*delivered, bounds=TIGHT)
    assert (facts["items"], facts["floors"], facts["newest_surveys"]) == (empty()["items"], {}, {})
    assert facts == folded(erasure, *history, bounds=TIGHT)


@given(HISTORIES, st.data())
def test_what_is_kept_stands_in_its_newest_version_and_nothing_recorded_later_is_left_out(
    history: list[Event], data: st.DataObject
) -> None:
    facts, whole = folded(*data.draw(st.permutations(history)), bounds=TIGHT), folded(*history)
    for section, most in TIGHT.most.items():
        newest = {item_id: item["sequence"] for item_id, item in whole["items"][section].items()}
        last = sorted(newest, key=lambda item_id: newest[item_id])[-most:]
        kept = {item_id: item["sequence"] for item_id, item in facts["items"][section].items()}
        assert kept == {item_id: newest[item_id] for item_id in last}


def test_the_newest_surveys_are_whole_and_older_ones_points_of_the_same_trend() -> None:
    surveys = [
        an_event(
            a_survey(survey_id=an_id(n), visit_id=an_id("v", n), submitted_at=month(n)), sequence=n + 1, time=month(n)
        )
        for n in range(20)
    ]
    facts = folded(*surveys)
    points = [survey for survey in facts["items"]["surveys"].values() if survey.get("is_point")]
    assert len(points) == 20 - BOUNDS.whole_surveys
    assert not any({"concerns", "matters_most", "words", "skipped"} & point.keys() for point in points)
    page = assemble(facts)
    assert [point["value"] for point in page["trend"]["points"]] == [16.0] * 20
    assert page["trend"]["points"][0]["items"] == page["trend"]["points"][-1]["items"]
    until = month(7).isoformat(timespec="microseconds")
    kept: dict[str, Any] = {"kept": 20, "most": 260, "has_more": False}
    assert page["history"]["surveys"] == kept | {"only_scores": 8, "only_scores_until": until}


def test_a_survey_that_comes_late_is_a_point_when_it_comes_and_one_that_is_corrected_into_today_is_whole() -> None:
    recent = [an_event(a_survey(survey_id=an_id(n), submitted_at=month(n + 9)), sequence=n + 2) for n in range(12)]
    late = an_event(a_survey(survey_id=an_id("late"), submitted_at=month(0)), sequence=1)
    facts = folded(*recent, late)
    assert facts["items"]["surveys"][str(an_id("late"))]["is_point"]
    moved = a_survey(survey_id=an_id("late"), submitted_at=month(30), version=2, change="amended", reason="other")
    page = assemble(fold(facts, an_event(moved, sequence=99)))
    assert page["survey"]["survey_id"] == str(an_id("late"))
    assert [one["is_point"] for one in page["survey"]["correction"]["earlier"]] == [True]


def test_a_backfill_of_old_surveys_leaves_the_newest_one_on_the_page() -> None:
    now = an_event(a_survey(survey_id=an_id("now"), submitted_at=month(60)), sequence=1)
    old = [an_event(a_survey(survey_id=an_id(n), submitted_at=month(n)), sequence=n + 2) for n in range(48)]
    assert assemble(folded(now, *old))["survey"]["survey_id"] == str(an_id("now"))


def test_facts_from_before_there_were_bounds_are_folded_further() -> None:
    corrected = [an_event(a_survey(version=number), sequence=number) for number in (1, 2)]
    facts = folded(*corrected)
    del facts["floors"], facts["newest_surveys"], facts["items"]["surveys"][str(SURVEY)]["earlier"]["1"]["submitted_at"]
    facts = {**empty(), **facts}
    assert assemble(facts)["survey"]["correction"]["earlier"][0]["submitted_at"] is None
    later = [an_event(a_survey(survey_id=an_id(n), submitted_at=month(n + 61)), sequence=n + 3) for n in range(14)]
    for event in later:
        facts = fold(facts, event)
    assert assemble(facts)["history"]["surveys"]["only_scores"] == 3


def after(months: int, bounds: Bounds = BOUNDS) -> dict[str, Any]:
    """Facts of so many full months. Sequences and times are written in equally many characters throughout."""
    return folded(
        *(
            an_event(body, sequence=10_000 + 100 * number + place, time=month(number))
            for number in range(months)
            for place, body in enumerate(a_month(number))
        ),
        bounds=bounds,
    )


def test_of_five_years_of_full_monthly_visits_nothing_is_left_out() -> None:
    page = assemble(after(60))
    assert not any(section["has_more"] for section in page["history"].values())
    assert (len(page["visits"]), len(page["trend"]["points"]), len(page["plan"])) == (60, 60, 120)


def test_a_row_that_has_reached_its_bounds_stays_as_large_as_it_is() -> None:
    tenth = Bounds({section: most // 10 for section, most in BOUNDS.most.items()}, versions=4, whole_surveys=12)
    at_first, later = after(30, tenth), after(40, tenth)
    assert all(section["has_more"] for section in assemble(later, tenth)["history"].values())
    assert abs(len(json.dumps(later)) - len(json.dumps(at_first))) < 200, "days and names of different length"


@pytest.mark.parametrize("section", ["surveys", "labs"])
def test_a_thing_corrected_again_and_again_keeps_its_newest_versions_and_one_place(section: str) -> None:
    bodies: dict[str, Body] = {"surveys": a_survey(), "labs": a_lab()}
    facts = folded(*(an_event(bodies[section], sequence=number) for number in range(1, 40)))
    (item,) = facts["items"][section].values()
    name = {"surveys": "earlier", "labs": "versions"}[section]
    last = {"surveys": ["35", "36", "37", "38"], "labs": ["36", "37", "38", "39"]}[section]
    assert sorted(item[name]) == last
