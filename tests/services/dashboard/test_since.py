"""What changed since last time: what is known now beside what was known then, whatever came in between."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.events import Activity, Body, VisitState
from tests.builders import VISIT_AT, a_lab, a_medication, a_survey, a_visit, an_assessment, an_id
from tests.services.dashboard.histories import LAST_VISIT, a_survey_in_july, page_of
from tests.services.dashboard.test_page_html import CALPROTECTIN, shown

SEEN = datetime(2026, 7, 13, 15, tzinfo=UTC)
"""The visit that the survey of 11 Jul was for."""
SURVEYS = (
    a_visit(visit_id=LAST_VISIT, scheduled_at=SEEN, state=VisitState.COMPLETED, completed_at=SEEN),
    a_visit(),
    a_survey_in_july(),
    a_survey(),
)
DAY = timedelta(days=1)


def since(*bodies: Body, kinds: set[str]) -> list[dict[str, Any]]:
    """The changes of these kinds."""
    return [fact for fact in page_of(*SURVEYS, *bodies)["since"] if fact["kind"] in kinds]


def rated(activity: Activity, at: datetime) -> Body:
    return an_assessment(assessment_id=an_id("rating", str(at)), activity=activity, assessed_at=at)


def measured(value: float, at: datetime, method: str = "ELISA") -> Body:
    return a_lab(**CALPROTECTIN, lab_id=an_id("lab", str(at)), value=value, taken_at=at, method=method)


def test_a_rating_is_held_against_the_one_of_last_time_and_not_against_the_one_in_between() -> None:
    then = rated(Activity.MILD, SEEN + timedelta(minutes=20))
    twice = (rated(Activity.SEVERE, SEEN + 40 * DAY), rated(Activity.SEVERE, VISIT_AT - DAY))
    assert since(then, *twice, kinds={"rating"}) == [{"kind": "rating", "was": "mild", "now": "severe"}]
    and_back = rated(Activity.MILD, VISIT_AT)
    assert since(then, *twice, and_back, kinds={"rating"}) == []
    first = (rated(Activity.MILD, SEEN + 20 * DAY), *twice)
    assert since(*first, kinds={"rating"}) == [{"kind": "rating", "was": "mild", "now": "severe"}], "nobody rated then"


def test_a_marker_is_held_against_what_stood_last_time() -> None:
    then, between, now = measured(80, SEEN - 30 * DAY), measured(400, SEEN + 20 * DAY), measured(500, VISIT_AT - DAY)
    (fact,) = since(then, between, now, kinds={"lab"})
    assert (fact["value"], fact["side"]) == (500, "over")
    assert since(between, now, kinds={"lab"}) == [], "it was over from the first one on"
    assert since(then, between, measured(90, VISIT_AT - DAY), kinds={"lab"}) == []


def test_a_method_that_changed_in_between_is_told_whatever_came_after_it() -> None:
    results = (measured(80, SEEN - DAY), measured(400, SEEN + DAY, "CLIA"), measured(500, VISIT_AT - DAY, "CLIA"))
    assert [fact["kind"] for fact in since(*results, kinds={"lab", "new-method"})] == ["new-method"]
    before = (measured(80, SEEN - 9 * DAY), measured(90, SEEN - DAY, "CLIA"), measured(400, VISIT_AT - DAY, "CLIA"))
    assert [fact["kind"] for fact in since(*before, kinds={"lab", "new-method"})] == ["lab"]


@pytest.mark.parametrize(
    ("began", "is_told"),
    [
        (date(2026, 7, 12), False),  # before the visit, in which all of it was seen
        (date(2026, 7, 13), True),  # in the visit
        (date(2026, 8, 1), True),
        (date(2026, 12, 1), False),  # planned
    ],
)
def test_a_medicine_counts_from_the_day_of_the_visit_on_and_not_before_it_is_taken(
    began: date, *, is_told: bool
) -> None:
    assert bool(since(a_medication(started_on=began), kinds={"started"})) is is_told


def test_the_evening_of_a_clinic_in_america_is_the_day_of_its_own_calendar() -> None:
    late = a_survey_in_july(submitted_at=datetime(2026, 7, 12, 1, tzinfo=UTC))  # 20:00 of 11 Jul in Chicago
    bodies = (late, a_survey(), a_medication(started_on=date(2026, 7, 11)))
    assert [fact["kind"] for fact in page_of(*bodies)["since"] if fact["kind"] == "started"] == ["started"]


def test_what_changed_up_to_an_old_survey_says_until_when() -> None:
    assert "Since 13 Jul , " not in shown(*SURVEYS)
    later = VISIT_AT + 20 * DAY
    assert "as answered on 11 Oct" in shown(*SURVEYS, now=later)
    assert "as answered on" not in shown(*SURVEYS)
    other = a_visit(visit_id=an_id("visit", "next"), scheduled_at=VISIT_AT + 5 * DAY)
    done = a_visit(state=VisitState.COMPLETED, completed_at=VISIT_AT)
    assert "as answered on 11 Oct" in shown(*SURVEYS, done, other)
