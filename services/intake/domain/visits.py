"""How a visit goes on, and whether a survey counts for it.

    scheduled -> checked-in | completed | cancelled      checked-in -> completed | cancelled
    cancelled -> scheduled (booked again)                completed is final

A scheduled visit may be given another time or clinician. All times are aware; they are compared as instants.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.errors import Problem, conflict
from shared.events import VisitState

SURVEY_WINDOW = timedelta(days=14)
UNRECORDED_END = timedelta(hours=24)

_NEXT: dict[VisitState, tuple[VisitState, ...]] = {
    VisitState.SCHEDULED: (VisitState.CHECKED_IN, VisitState.COMPLETED, VisitState.CANCELLED),
    VisitState.CHECKED_IN: (VisitState.COMPLETED, VisitState.CANCELLED),
    VisitState.CANCELLED: (VisitState.SCHEDULED,),
    VisitState.COMPLETED: (),
}


class Eligibility(StrEnum):
    """Whether a survey counts for its visit."""

    COUNTS = "counts"
    TOO_EARLY = "too-early"
    TOO_LATE = "too-late"


@dataclass(frozen=True, slots=True)
class VisitStatus:
    """How a visit stands."""

    state: VisitState
    scheduled_at: datetime
    checked_in_at: datetime | None = None
    completed_at: datetime | None = None


def can_become(current: VisitState, new: VisitState) -> bool:
    """Whether a visit goes on from one state to the other."""
    return new in _NEXT[current]


def advance(current: VisitStatus, new: VisitStatus, *, has_other_clinician: bool = False) -> VisitStatus:
    """The status to record after `current`. A check-in that is known is kept when `new` does not repeat it.

    Raises:
        Problem: 409 `visit-unchanged`, `visit-not-allowed` or `visit-times` (see `check_times`).
    """
    if new.state is current.state:
        _check_same_state(current, new, has_other_clinician=has_other_clinician)
    elif not can_become(current.state, new.state):
        raise _not_allowed(current.state, new.state)
    if new.state in (VisitState.COMPLETED, VisitState.CANCELLED):
        new = replace(new, checked_in_at=new.checked_in_at or current.checked_in_at)
    check_times(new)
    return new


def check_times(status: VisitStatus) -> None:
    """Whether the times fit the state; use it for the first status of a visit too.

    A completed visit has its end, a checked-in one its check-in; no visit has times of what has not happened.

    Raises:
        Problem: 409 `visit-times`.
    """
    wrong = _wrong_times(status)
    if wrong is not None:
        raise conflict("visit-times", wrong)


def eligibility(submitted_at: datetime, scheduled_at: datetime, completed_at: datetime | None = None) -> Eligibility:
    """Whether a survey counts for a visit: submitted at most 14 × 24 hours before it and not after its end.

    Both limits are included. Where no end is recorded the visit is taken to be over 24 hours after its time:
    a visit that nobody closed must not collect surveys for ever. Compute it anew when the visit moves.
    """
    scheduled, submitted = _instant(scheduled_at), _instant(submitted_at)
    ended = scheduled + UNRECORDED_END if completed_at is None else _instant(completed_at)
    if submitted < counts_from(scheduled_at):
        return Eligibility.TOO_EARLY
    return Eligibility.TOO_LATE if submitted > ended else Eligibility.COUNTS


def counts_from(scheduled_at: datetime) -> datetime:
    """When the first survey may be submitted that counts for a visit."""
    return _instant(scheduled_at) - SURVEY_WINDOW


def counts_until(submitted_at: datetime) -> datetime:
    """The last time of a visit for which a survey counts."""
    return _instant(submitted_at) + SURVEY_WINDOW


def is_eligible(submitted_at: datetime, scheduled_at: datetime, completed_at: datetime | None = None) -> bool:
    """Whether `eligibility` says that it counts."""
    return eligibility(submitted_at, scheduled_at, completed_at) is Eligibility.COUNTS


def _instant(time: datetime) -> datetime:
    # Two times in one zone are otherwise compared, and moved, by what its clocks show.
    return time.astimezone(UTC)


def _check_same_state(current: VisitStatus, new: VisitStatus, *, has_other_clinician: bool) -> None:
    if current.state is VisitState.COMPLETED:
        raise _not_allowed(current.state, new.state)
    if current.state is not VisitState.SCHEDULED:
        only = "Only a scheduled visit can be given another time or clinician."
        raise conflict("visit-unchanged", f"The visit is already {current.state}. {only}")
    if new.scheduled_at == current.scheduled_at and not has_other_clinician:
        raise conflict(
            "visit-unchanged", "The visit is already scheduled so. Give it another time, another clinician or both."
        )


def _not_allowed(current: VisitState, new: VisitState) -> Problem:
    if not _NEXT[current]:
        return conflict("visit-not-allowed", f"A {current} visit is final. Record a new visit.")
    allowed = " or ".join(_NEXT[current])
    return conflict("visit-not-allowed", f"A visit that is {current} can become {allowed}, not {new}.")


def _wrong_times(status: VisitStatus) -> str | None:
    state, checked_in, completed = status.state, status.checked_in_at, status.completed_at
    if completed is not None and state is not VisitState.COMPLETED:
        return f"A visit that is {state} has no time of completion. Leave completed_at out."
    if checked_in is not None and state is VisitState.SCHEDULED:
        return "A scheduled visit has no check-in. Leave checked_in_at out."
    if checked_in is None and state is VisitState.CHECKED_IN:
        return "Give checked_in_at, the time of the check-in."
    if completed is None and state is VisitState.COMPLETED:
        return "Give completed_at, the time at which the visit ended."
    if checked_in is not None and completed is not None and _instant(completed) < _instant(checked_in):
        return "The visit ends before its check-in. completed_at must not be earlier than checked_in_at."
    return None
