"""Which moment the clocks of a place show: none where they are put forward, and two where they are put back."""

from zoneinfo import ZoneInfo

import pytest

from services.intake.domain import read_moment

CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2026-10-19T09:00", "2026-10-19T09:00:00-05:00"),
        ("2026-10-19 09:00", "2026-10-19T09:00:00-05:00"),
        ("2026-12-31T23:30", "2026-12-31T23:30:00-06:00"),
        ("2026-03-08T01:59", "2026-03-08T01:59:00-06:00"),
        ("2026-03-08T03:00", "2026-03-08T03:00:00-05:00"),
    ],
)
def test_a_day_and_a_time_are_one_moment_by_the_clocks(said: str, moment: str) -> None:
    assert read_moment(said, CHICAGO) == moment


@pytest.mark.parametrize(
    "said", ["2026-03-08T02:30", "2026-11-01T01:30", "2026-10-19", "9 am", "", "2026-10-19T09:00+02:00", "99999"]
)
def test_what_comes_twice_or_never_or_is_no_time_is_left_as_it_is(said: str) -> None:
    assert read_moment(said, CHICAGO) == said
