"""When the link of a visit is sent to the patient: the site's rule, quiet hours, reminders, and what stops them.

Guarantees, whatever the clocks of the site do: nothing is due in its quiet hours, at the visit or after it; two planned
messages about one visit are at least 20 hours apart; nothing is due once the survey is there, the visit is over or
cancelled, or the patient wants no messages.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from services.intake.domain.links import Link, LinkState
from shared.errors import FieldError
from shared.events import Language, VisitState

FIRST, BY_HAND = "first", "by-hand"
# As whom intake's worker makes links and messages.
THE_WORKER = "intake-worker"
MOST_DAYS_BEFORE = 60
MOST_REMINDERS = 5
LEAST_BETWEEN = timedelta(hours=20)
# A reminder that nobody could send in time is left out rather than sent on another day.
LATEST_REMINDER = timedelta(hours=12)
LONGEST_QUIET = timedelta(hours=16)


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


class DeliveryState(StrEnum):
    """`sending` is what a worker has in hand. After it `not-known`: it may have gone, and a person has to look."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    CAME_BACK = "came-back"
    FAILED = "failed"
    NOT_KNOWN = "not-known"
    STOPPED = "stopped"


_GONE = (DeliveryState.SENT, DeliveryState.NOT_KNOWN)
_SETTLED = (*_GONE, DeliveryState.FAILED)
_ON_ITS_WAY = (DeliveryState.PLANNED, DeliveryState.SENDING)


class StopReason(StrEnum):
    """Why a message is not sent after all."""

    ANSWERED = "answered"
    VISIT_OVER = "visit-over"
    VISIT_CANCELLED = "visit-cancelled"
    NOT_WANTED = "not-wanted"
    NO_CONTACT = "no-contact"
    CAME_BACK = "came-back"
    LINK_CLOSED = "link-closed"
    RULE_OFF = "rule-off"
    NOT_NEEDED = "not-needed"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of the day up to another, by the site's clocks; over midnight where the end comes first."""

    begins: time
    ends: time

    def holds(self, clock: time) -> bool:
        """Whether it is quiet then."""
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends

    @property
    def lasts(self) -> timedelta:
        """On a day without a change of the clocks."""
        day = date(2000, 1, 1)
        apart = datetime.combine(day, self.ends) - datetime.combine(day, self.begins)
        return apart if apart > timedelta() else apart + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DeliveryRule:
    """How a site sends links: so many days before the visit, at a time of the day, and reminders nearer to it.

    `channels` are those that may be used, the usual one first. `sender_name` stands in place of the site's name.
    """

    is_on: bool
    days_before: int
    send_at: time
    reminders: tuple[int, ...]
    quiet: QuietHours | None
    channels: tuple[Channel, ...]
    sender_name: str | None = None


OFF = DeliveryRule(
    is_on=False,
    days_before=7,
    send_at=time(10),
    reminders=(3, 1),
    quiet=QuietHours(time(20), time(8)),
    channels=(Channel.EMAIL, Channel.SMS),
)


def wrong_with_rule(rule: DeliveryRule) -> list[FieldError]:
    """What does not fit together in a rule."""
    days = (rule.days_before, *rule.reminders)
    wrong = []
    if any(later >= earlier for earlier, later in pairwise(days)):
        wrong.append(FieldError("reminders", "days before the visit, fewer each time, and fewer than days_before"))
    if rule.quiet is not None and rule.quiet.begins == rule.quiet.ends:
        wrong.append(FieldError("quiet.ends", "another time than quiet.begins"))
    elif rule.quiet is not None and rule.quiet.lasts > LONGEST_QUIET:
        wrong.append(FieldError("quiet.ends", "quiet hours of at most 16 hours"))
    if rule.quiet is not None and rule.quiet.holds(rule.send_at):
        wrong.append(FieldError("send_at", "a time outside of the quiet hours"))
    if len(set(rule.channels)) < len(rule.channels):
        wrong.append(FieldError("channels", "each channel once"))
    return wrong


@dataclass(frozen=True, slots=True)
class Contact:
    """How a patient can be reached, without the addresses. `language` is None where that of the enrolment holds."""

    has_email: bool
    has_phone: bool
    preferred: Channel | None
    language: Language | None
    wants_messages: bool

    @property
    def channels(self) -> Set[Channel]:
        """Those with an address."""
        has = {Channel.EMAIL: self.has_email, Channel.SMS: self.has_phone}
        return {channel for channel, is_there in has.items() if is_there}


def channel_for(rule: DeliveryRule, contact: Contact | None) -> Channel | None:
    """The channel to use: the patient's preferred one where the site uses it, else the site's first with an address."""
    if contact is None:
        return None
    possible = [channel for channel in rule.channels if channel in contact.channels]
    return contact.preferred if contact.preferred in possible else next(iter(possible), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How far a message has come, whoever it is for.

    Nobody takes it before `held_until`: a worker has it, or a try has just failed. `reason` is why it was stopped, or
    the code that the last try ended with. `repeats` counts the tries of which it is not known whether the message went.
    """

    held_until: datetime
    state: DeliveryState = DeliveryState.PLANNED
    reason: str | None = None
    attempts: int = 0
    repeats: int = 0
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Sending):
    """One message about a visit, as it is kept; `visit_at` is the time of the visit that it was planned for."""

    delivery_id: UUID
    visit_id: UUID
    patient_id: UUID
    kind: str
    visit_at: datetime
    due_at: datetime
    made_by: str
    channel: Channel | None = None
    link_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that sending depends on, for one visit. `link` is the one that was sent last, in whatever message."""

    visit_at: datetime
    visit_state: VisitState
    zone: ZoneInfo
    has_survey: bool
    rule: DeliveryRule
    contact: Contact | None
    contact_changed_at: datetime | None = None
    deliveries: Sequence[Delivery] = ()
    link: Link | None = None

    @property
    def settled(self) -> Set[str]:
        """The kinds of message about the visit at its present time that are not planned again."""
        return {one.kind for one in self.deliveries if one.state in _SETTLED and one.visit_at == self.visit_at}

    @property
    def last_sent_at(self) -> datetime | None:
        """When a message about the visit went last, as far as it is known that one did."""
        sent = (one.ended_at for one in self.deliveries if one.state in _GONE)
        return max((at for at in sent if at is not None), default=None)

    @property
    def last_message_at(self) -> datetime | None:
        """The same, or when one goes that a person has asked for: the rule does not send another beside it."""
        asked = [one.due_at for one in self.deliveries if one.kind == BY_HAND and one.state in _ON_ITS_WAY]
        return max((at for at in (self.last_sent_at, *asked) if at is not None), default=None)

    @property
    def has_come_back(self) -> bool:
        """Whether a message did, and the contact has not changed since."""
        back = [one.ended_at for one in self.deliveries if one.state is DeliveryState.CAME_BACK]
        changed = self.contact_changed_at
        return any(at is not None and (changed is None or changed <= at) for at in back)


def stop_reason(outlook: Outlook, now: datetime, *, by_hand: bool = False) -> StopReason | None:
    """Why nothing may be sent about this visit, if so. A person may send where the rule alone would not."""
    if outlook.has_survey:
        return StopReason.ANSWERED
    if outlook.visit_state is VisitState.CANCELLED:
        return StopReason.VISIT_CANCELLED
    if outlook.visit_state is not VisitState.SCHEDULED or now >= outlook.visit_at:
        return StopReason.VISIT_OVER
    if outlook.contact is not None and not outlook.contact.wants_messages:
        return StopReason.NOT_WANTED
    if channel_for(outlook.rule, outlook.contact) is None:
        return StopReason.NO_CONTACT
    return None if by_hand else _rule_stops(outlook, now)


def _rule_stops(outlook: Outlook, now: datetime) -> StopReason | None:
    if not outlook.rule.is_on:
        return StopReason.RULE_OFF
    if outlook.has_come_back:
        return StopReason.CAME_BACK
    # Who revoked a link, or guessed at it until it locked, is no reason to hand out another one.
    if outlook.link is not None and outlook.link.state(now) in (LinkState.REVOKED, LinkState.LOCKED):
        return StopReason.LINK_CLOSED
    return None


def plan(outlook: Outlook, now: datetime) -> dict[str, datetime]:
    """The messages still to be sent about a visit, each with when it is due; the earliest first."""
    if stop_reason(outlook, now) is not None:
        return {}
    planned: dict[str, datetime] = {}
    last = outlook.last_message_at
    for kind, ideal in _ideal(outlook):
        if kind in outlook.settled or (kind == FIRST and last is not None):
            continue
        due = awake(max(ideal, now), outlook.zone, outlook.rule.quiet)
        is_missed = kind != FIRST and due - ideal > LATEST_REMINDER
        if due < outlook.visit_at and not is_missed and (last is None or due - last >= LEAST_BETWEEN):
            planned[kind] = last = due
    return planned


def _ideal(outlook: Outlook) -> Iterator[tuple[str, datetime]]:
    """When each message would be sent if nothing were in the way."""
    day, rule = outlook.visit_at.astimezone(outlook.zone).date(), outlook.rule
    yield FIRST, _at(day - timedelta(days=rule.days_before), rule.send_at, outlook.zone)
    for number, days in enumerate(rule.reminders, start=1):
        yield f"reminder-{number}", _at(day - timedelta(days=days), rule.send_at, outlook.zone)


def awake(moment: datetime, zone: ZoneInfo, quiet: QuietHours | None) -> datetime:
    """The moment, or where that is in quiet hours their end; an hour that the clocks show twice counts both times."""
    local = moment.astimezone(zone)
    if quiet is None or not quiet.holds(local.time()):
        return moment
    ends = (_at(local.date() + timedelta(days=days), quiet.ends, zone, fold=fold) for days in (0, 1) for fold in (0, 1))
    return min(end for end in ends if end > moment)


def _at(day: date, clock: time, zone: ZoneInfo, *, fold: int = 0) -> datetime:
    """The instant at which the clocks of the zone show this; where they skip it, as much later as they skip."""
    return datetime.combine(day, clock.replace(fold=fold), tzinfo=zone).astimezone(UTC)
