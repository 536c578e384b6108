"""The coordinator's list: which days a week has, and the one next thing to do about the survey of each visit."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.intake.domain.deliveries import LEAST_BETWEEN, Contact, DeliveryRule, Outlook, channel_for
from services.intake.domain.link_progress import LinkProgress
from shared.events import VisitState

WEEKS_SHOWN = 3
_OPEN = (VisitState.SCHEDULED, VisitState.CHECKED_IN)
_SETTLED = (LinkProgress.ANSWERED, LinkProgress.NOT_WANTED)


class NextStep(StrEnum):
    """`write-down`: the answers that the patient gives on paper or by telephone."""

    SEND = "send"
    REMIND = "remind"
    COPY = "copy"
    WRITE_DOWN = "write-down"
    NOTHING = "nothing"


class Hindrance(StrEnum):
    """Why no message can be sent about a visit now; where several hold, the first."""

    BEGUN = "begun"
    WRITTEN_TO = "written-to"
    NOT_WANTED = "not-wanted"
    NO_ADDRESS = "no-address"


class Week(NamedTuple):
    """Days by the clocks of a site. `begins` and `ends` are instants, the end not included."""

    number: int
    first: date
    last: date
    begins: datetime
    ends: datetime


def week_of(now: datetime, zone: ZoneInfo, number: int) -> Week:
    """The week `number` weeks from this one, Monday to Sunday; of this week, what is left of it."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=number)
    first, last = max(today, monday), monday + timedelta(days=6)
    return Week(number, first, last, _midnight(first, zone), _midnight(last + timedelta(days=1), zone))


def hindrance(
    sends: DeliveryRule, contact: Contact | None, *, has_begun: bool, is_written_to: bool
) -> Hindrance | None:
    """Why no message can be sent; None when one can. `is_written_to`: one went in the last 20 hours, or is about to."""
    reasons = (
        (has_begun, Hindrance.BEGUN),
        (is_written_to, Hindrance.WRITTEN_TO),
        (contact is not None and not contact.wants_messages, Hindrance.NOT_WANTED),
        (channel_for(sends, contact) is None, Hindrance.NO_ADDRESS),
    )
    return next((why for holds, why in reasons if holds), None)


def next_step(progress: LinkProgress, state: VisitState, why_not: Hindrance | None) -> NextStep:
    """What to do next. `why_not`: why no message can be sent now."""
    if state not in _OPEN or progress in _SETTLED:
        return NextStep.NOTHING
    if why_not is Hindrance.BEGUN:
        return NextStep.WRITE_DOWN
    if progress is LinkProgress.PLANNED or why_not is Hindrance.WRITTEN_TO:
        return NextStep.NOTHING
    can_be_sent = why_not is None
    if progress in (LinkProgress.NO_LINK, LinkProgress.NOT_DELIVERED):
        return NextStep.SEND if can_be_sent and progress is LinkProgress.NO_LINK else NextStep.COPY
    return NextStep.REMIND if can_be_sent else NextStep.WRITE_DOWN


def is_lately(moment: datetime | None, now: datetime) -> bool:
    """Whether a message of then is too near for another one now."""
    return moment is not None and now - moment < LEAST_BETWEEN


def has_lately_been_written_to(outlook: Outlook, now: datetime) -> bool:
    """Whether somebody has just sent what somebody else is about to send."""
    return is_lately(outlook.last_message_at, now)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
