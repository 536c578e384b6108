"""News of a visit from the site's own system, which may come late, twice and in another order than it was made."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.domain.cancellations import NOT_SAID, Cancellation
from services.intake.domain.visits import VisitStatus, advance, check_times
from shared.events import VisitState

_COURSE = (VisitState.SCHEDULED, VisitState.CHECKED_IN, VisitState.COMPLETED)


@dataclass(frozen=True, slots=True)
class VisitNews:
    """A visit as it stood at `told_at`.

    `names` are what the site's system calls it: any of them finds it again. `patient` is our id, or the site's own
    number. `is_as_it_went`: `starts_at` is when it began, which does not move the time that was agreed.
    """

    names: tuple[str, ...]
    patient: UUID | str
    clinician_id: str | None
    state: VisitState
    starts_at: datetime
    told_at: datetime
    checked_in_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled: Cancellation = NOT_SAID
    is_as_it_went: bool = False


def begin(news: VisitNews) -> VisitStatus:
    """How a visit stands of which this is the first news.

    Raises:
        Problem: 409 `visit-times`.
    """
    status = VisitStatus(news.state, news.starts_at, news.checked_in_at, news.completed_at)
    check_times(status)
    return status


def still_holds(current: VisitStatus, news: VisitNews) -> bool:
    """Whether a visit stands as these news said, or has only gone on from there."""
    if VisitState.CANCELLED in (current.state, news.state):
        return current.state is news.state
    has_gone_on = _COURSE.index(current.state) >= _COURSE.index(news.state)
    return has_gone_on and (news.is_as_it_went or current.scheduled_at == news.starts_at)


def follow(current: VisitStatus, news: VisitNews) -> VisitStatus:
    """How a visit stands after news that is not older than what is known; `current` itself where nothing is new.

    A cancelled visit that takes place after all was booked again in between, whether we heard of that or not.

    Raises:
        Problem: 409, see `advance`.
    """
    moves = news.state is VisitState.SCHEDULED or not news.is_as_it_went
    scheduled_at = news.starts_at if moves else current.scheduled_at
    if news.state is current.state and (news.state is not VisitState.SCHEDULED or scheduled_at == current.scheduled_at):
        return current
    if current.state is VisitState.CANCELLED and news.state is not VisitState.SCHEDULED:
        current = advance(current, VisitStatus(VisitState.SCHEDULED, scheduled_at))
    completed_at, checked_in_at = news.completed_at, news.checked_in_at or current.checked_in_at
    if completed_at is not None and checked_in_at is not None:
        completed_at = max(completed_at, checked_in_at)
    return advance(current, VisitStatus(news.state, scheduled_at, news.checked_in_at, completed_at))
