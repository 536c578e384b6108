"""Intervals of one medicine that follow on one another are one course, whatever dose each of them has."""

from datetime import date
from itertools import permutations
from typing import Any

import pytest

from services.dashboard.domain import courses_of
from shared.events import ClinicianDataUpdated
from tests.builders import a_medication, a_survey, an_id
from tests.services.dashboard.histories import a_survey_in_july, page_of

MAY, AUGUST = "2026-05-01", "2026-08-01"


def taken(started_on: str, stopped_on: str | None, dose: str | None = "40 mg", name: str = "adalimumab") -> Any:
    """An interval as the page has it."""
    number = f"{name} {started_on}"
    return {"medication_id": number, "name": name, "dose": dose, "started_on": started_on, "stopped_on": stopped_on}


def recorded(started_on: str, stopped_on: str | None, dose: str, name: str = "adalimumab") -> ClinicianDataUpdated:
    """The same as the clinic's list sends it."""
    ended = {"stopped_on": date.fromisoformat(stopped_on), "stop_reason": "dose-changed"} if stopped_on else {}
    return a_medication(
        medication_id=an_id(started_on),
        name=name,
        dose=dose,
        started_on=date.fromisoformat(started_on),
        **ended,
    )


@pytest.mark.parametrize(
    ("again_on", "courses"),
    [("2026-07-15", 1), (AUGUST, 1), ("2026-08-02", 1), ("2026-08-03", 2)],
    ids=["overlapping", "the same day", "the next day", "after a pause"],
)
def test_intervals_that_follow_on_one_another_are_one_course(again_on: str, courses: int) -> None:
    for order in permutations(
        [taken(MAY, AUGUST), taken(again_on, None, "80 mg"), taken(MAY, None, name="mesalamine")]
    ):
        found = [course for course in courses_of(order) if course.name == "adalimumab"]
        assert len(found) == courses
        assert (found[0].started_on, found[-1].last["dose"], found[-1].last["stopped_on"]) == (MAY, "80 mg", None)


def test_a_course_lasts_as_long_as_its_longest_interval() -> None:
    (course,) = courses_of([taken(MAY, None), taken("2026-06-01", "2026-06-20", "10 mg more")])
    assert course.last["stopped_on"] is None
    assert [change["dose"] for change in course.changes()] == ["10 mg more"]


def test_a_dose_that_is_not_known_is_no_change() -> None:
    (course,) = courses_of([taken(MAY, AUGUST), taken(AUGUST, "2026-09-01", None), taken("2026-09-01", None)])
    assert not list(course.changes())


def test_a_new_dose_is_what_changed_and_neither_a_start_nor_a_stop() -> None:
    surveys = (a_survey_in_july(), a_survey())
    before, now = recorded(MAY, AUGUST, "40 mg every 2 weeks"), recorded(AUGUST, None, "40 mg weekly")
    facts = [fact for fact in page_of(*surveys, before, now)["since"] if fact.get("name") == "adalimumab"]
    assert facts == [{"kind": "new-dose", "name": "adalimumab", "on": AUGUST, "now": "40 mg weekly"}]
    started = [fact["kind"] for fact in page_of(*surveys, now)["since"] if fact.get("name") == "adalimumab"]
    assert started == ["started"]


def test_what_changed_is_told_in_one_order_in_whichever_the_medicines_became_known() -> None:
    medicines = [
        recorded("2026-07-20", None, "40 mg"),
        recorded("2026-08-01", None, "20 mg", "prednisone"),
        recorded("2026-08-10", None, "2.4 g", "mesalamine"),
    ]
    told = [page_of(a_survey_in_july(), *order, a_survey())["since"] for order in permutations(medicines)]
    assert told[0][-1] == {"kind": "started", "name": "mesalamine", "on": "2026-08-10"}
    assert all(since == told[0] for since in told)
