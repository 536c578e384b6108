"""Visits: each pair of states, times that fit, and which surveys count."""

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain import VisitStatus, advance, check_times, counts_from, counts_until, is_eligible
from shared.errors import Problem
from shared.events import VisitState

SCHEDULED, CHECKED_IN, COMPLETED, CANCELLED = VisitState
ALLOWED = {
    (SCHEDULED, CHECKED_IN),
    (SCHEDULED, COMPLETED),
    (SCHEDULED, CANCELLED),
    (CHECKED_IN, COMPLETED),
    (CHECKED_IN, CANCELLED),
    (CANCELLED, SCHEDULED),
}
PLANNED = datetime(2026, 10, 13, 10, 20, tzinfo=UTC)
ARRIVED = PLANNED - timedelta(minutes=12)
ENDED = PLANNED + timedelta(minutes=25)
MOMENT = timedelta(microseconds=1)


def visit(state: VisitState) -> VisitStatus:
    """A visit in this state with the times that belong to it."""
    return VisitStatus(
        state=state,
        scheduled_at=PLANNED,
        checked_in_at=ARRIVED if state in (CHECKED_IN, COMPLETED) else None,
        completed_at=ENDED if state is COMPLETED else None,
    )


def refusal(current: VisitStatus, new: VisitStatus) -> Problem:
    with pytest.raises(Problem) as refused:
        advance(current, new)
    assert refused.value.status == 409
    return refused.value


@pytest.mark.parametrize(("current", "new"), sorted(ALLOWED))
def test_an_allowed_step_is_taken(current: VisitState, new: VisitState) -> None:
    assert advance(visit(current), visit(new)).state is new


@pytest.mark.parametrize(
    ("current", "new"),
    [pair for pair in product(VisitState, repeat=2) if pair not in ALLOWED and pair[0] != pair[1]],
)
def test_any_other_step_is_told_what_would_be_possible(current: VisitState, new: VisitState) -> None:
    problem = refusal(visit(current), visit(new))
    assert problem.kind == "visit-not-allowed"
    possible = [end for start, end in ALLOWED if start is current]
    assert all(end in problem.detail for end in possible)
    assert possible or "final" in problem.detail


@pytest.mark.parametrize("state", [SCHEDULED, CHECKED_IN, CANCELLED])
def test_the_same_status_again_is_a_conflict(state: VisitState) -> None:
    assert refusal(visit(state), visit(state)).kind == "visit-unchanged"


def test_a_scheduled_visit_can_be_moved() -> None:
    moved = VisitStatus(SCHEDULED, PLANNED + timedelta(days=1))
    assert advance(visit(SCHEDULED), moved) == moved


@pytest.mark.parametrize("state", [CHECKED_IN, CANCELLED])
def test_a_visit_that_is_not_scheduled_cannot_be_moved(state: VisitState) -> None:
    moved = VisitStatus(state, PLANNED + timedelta(days=1), visit(state).checked_in_at)
    assert refusal(visit(state), moved).kind == "visit-unchanged"


def test_a_completed_visit_stays_as_it_is() -> None:
    longer = VisitStatus(COMPLETED, PLANNED, ARRIVED, ENDED + timedelta(hours=1))
    assert refusal(visit(COMPLETED), longer).kind == "visit-not-allowed"


@pytest.mark.parametrize(
    "end",
    [VisitStatus(COMPLETED, PLANNED, None, ENDED), VisitStatus(CANCELLED, PLANNED)],
)
def test_a_known_check_in_is_kept_when_the_visit_ends(end: VisitStatus) -> None:
    assert advance(visit(CHECKED_IN), end).checked_in_at == ARRIVED


def test_a_visit_booked_again_starts_without_its_old_check_in() -> None:
    left = VisitStatus(CANCELLED, PLANNED, ARRIVED)
    again = VisitStatus(SCHEDULED, PLANNED + timedelta(days=7))
    assert advance(left, again) == again


@pytest.mark.parametrize(
    "status",
    [
        *map(visit, VisitState),
        VisitStatus(COMPLETED, PLANNED, None, ENDED),
        VisitStatus(COMPLETED, PLANNED, ENDED, ENDED),
        VisitStatus(CANCELLED, PLANNED, ARRIVED),
    ],
)
def test_times_that_fit_their_state_pass(status: VisitStatus) -> None:
    check_times(status)


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (VisitStatus(SCHEDULED, PLANNED, ARRIVED), "Leave checked_in_at out"),
        (VisitStatus(SCHEDULED, PLANNED, None, ENDED), "Leave completed_at out"),
        (VisitStatus(CHECKED_IN, PLANNED), "Give checked_in_at"),
        (VisitStatus(CHECKED_IN, PLANNED, ARRIVED, ENDED), "Leave completed_at out"),
        (VisitStatus(COMPLETED, PLANNED, ARRIVED), "Give completed_at"),
        (VisitStatus(COMPLETED, PLANNED, ARRIVED, ARRIVED - MOMENT), "ends before its check-in"),
        (VisitStatus(CANCELLED, PLANNED, None, ENDED), "Leave completed_at out"),
    ],
)
def test_times_that_do_not_fit_are_told_how_to_fit(status: VisitStatus, hint: str) -> None:
    with pytest.raises(Problem, match=hint) as refused:
        check_times(status)
    assert refused.value.kind == "visit-times"


def test_an_end_before_the_check_in_is_seen_only_with_the_check_in_on_record() -> None:
    early = VisitStatus(COMPLETED, PLANNED, None, ARRIVED - MOMENT)
    assert refusal(visit(CHECKED_IN), early).kind == "visit-times"


def test_times_are_compared_as_instants_when_the_clock_goes_back() -> None:
    chicago = ZoneInfo("America/Chicago")
    first_half_past_one = datetime(2026, 11, 1, 1, 30, tzinfo=chicago, fold=0)
    second_ten_past_one = datetime(2026, 11, 1, 1, 10, tzinfo=chicago, fold=1)
    check_times(VisitStatus(COMPLETED, first_half_past_one, first_half_past_one, second_ten_past_one))


@pytest.mark.parametrize(
    ("submitted_at", "counts"),
    [
        (PLANNED - timedelta(days=14) - MOMENT, False),
        (PLANNED - timedelta(days=14), True),
        (PLANNED - timedelta(days=2), True),
        (PLANNED, True),
        (ENDED, True),
        (ENDED + MOMENT, False),
    ],
)
def test_a_survey_counts_from_fourteen_days_before_to_the_end_of_the_visit(
    submitted_at: datetime, counts: bool
) -> None:
    assert is_eligible(submitted_at, PLANNED, ENDED) is counts


@pytest.mark.parametrize(("late", "counts"), [(timedelta(0), True), (MOMENT, False)])
def test_a_visit_that_nobody_closed_takes_surveys_for_a_day(late: timedelta, counts: bool) -> None:
    assert is_eligible(PLANNED + timedelta(hours=24) + late, PLANNED) is counts


def test_eligibility_follows_a_visit_that_moves() -> None:
    submitted_at = PLANNED - timedelta(days=10)
    assert is_eligible(submitted_at, PLANNED)
    assert not is_eligible(submitted_at, PLANNED + timedelta(days=5))


def test_fourteen_days_are_the_same_length_when_the_clock_changes() -> None:
    chicago = ZoneInfo("America/Chicago")
    planned = datetime(2026, 11, 10, 9, 0, tzinfo=chicago)
    by_the_clock = datetime(2026, 10, 27, 9, 0, tzinfo=chicago)
    assert not is_eligible(by_the_clock, planned)
    assert is_eligible(by_the_clock + timedelta(hours=1), planned)


def test_only_a_scheduled_visit_is_given_to_another_clinician_at_its_time() -> None:
    assert advance(visit(SCHEDULED), visit(SCHEDULED), has_other_clinician=True) == visit(SCHEDULED)
    for state in (CHECKED_IN, COMPLETED, CANCELLED):
        with pytest.raises(Problem) as refused:
            advance(visit(state), visit(state), has_other_clinician=True)
        assert refused.value.status == 409


def test_the_first_survey_that_counts_and_the_last_visit_that_it_counts_for_are_the_bounds_of_what_counts() -> None:
    first = counts_from(PLANNED)
    assert (is_eligible(first, PLANNED), is_eligible(first - MOMENT, PLANNED)) == (True, False)
    last = counts_until(PLANNED)
    assert (is_eligible(PLANNED, last), is_eligible(PLANNED, last + MOMENT)) == (True, False)
