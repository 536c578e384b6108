"""Whom a site's people tell that an alert waits, and how a notice of it comes on. Pure.

A notice says that there is something to look at, and nothing of what: no answer, no rule, nobody's name or number. It
goes out by mail, which others can read.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.intake.domain.deliveries import DeliveryState, Sending, StopReason
from services.intake.domain.tries import found
from shared.events import Language

MOST_ADDRESSES = 10
LEAST_QUIET_MINUTES, MOST_QUIET_MINUTES = 5, 120


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """`addresses` are told, in `language`; none is nobody. For `quiet_minutes` after a notice all else waits, and goes
    out as one.
    """

    addresses: tuple[str, ...] = ()
    language: Language = Language.ENGLISH
    quiet_minutes: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Sending):
    """A notice to one address. All that were made at one moment tell of the same alerts.

    `is_escalated`: one of them has waited longer than it should.
    """

    site_id: str
    notice_id: UUID
    address: str
    is_escalated: bool
    made_at: datetime


def notice_in_hand(notice: Notice, until: datetime, now: datetime, *, is_wanted: bool) -> Notice:
    """A notice that is due, as it goes on: `sending`, held until then, or why it is not sent any more.

    `is_wanted`: an alert that it tells of is still open, and its address is still one of the site's.
    """
    notice = found(notice, now)
    if notice.state is DeliveryState.NOT_KNOWN:
        return notice
    if not is_wanted:
        return replace(notice, state=DeliveryState.STOPPED, reason=StopReason.NOT_NEEDED)
    return replace(notice, state=DeliveryState.SENDING, reason=None, attempts=notice.attempts + 1, held_until=until)
