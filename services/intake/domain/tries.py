"""How a message comes on: taken in hand, tried, sent, and what is done when that fails. Pure.

It is kept as `sending` before it is sent. So a crash in between, or a connection that is cut before the server has
answered, leaves a message of which nobody knows whether it went. Such a one is sent once more, under the same id, by
which many servers know it again; a second time it is left to a person, as `not-known`. A patient who gets a link twice
loses less than one who gets none; and nobody gets it without end.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from services.intake.domain.deliveries import (
    BY_HAND,
    Delivery,
    DeliveryState,
    Outlook,
    Sending,
    StopReason,
    awake,
    channel_for,
    plan,
    stop_reason,
)

MOST_ATTEMPTS = 8
MOST_REPEATS = 1
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=4)
S = TypeVar("S", bound=Sending)


class SendOutcome(StrEnum):
    """What a try came to. `refused` is for good, `try-later` for now."""

    TAKEN = "taken"
    REFUSED = "refused"
    TRY_LATER = "try-later"
    NOT_KNOWN = "not-known"


def in_hand(delivery: Delivery, outlook: Outlook, now: datetime) -> Delivery:
    """A message that is due, as it goes on: `sending`, or why not now, not yet or not at all.

    All is judged anew: whatever it was planned from may have changed since.
    """
    delivery = found(delivery, now)
    if delivery.state is DeliveryState.NOT_KNOWN:
        return delivery
    is_by_hand = delivery.kind == BY_HAND
    reason = stop_reason(outlook, now, by_hand=is_by_hand)
    due = awake(now, outlook.zone, outlook.rule.quiet) if is_by_hand else plan(outlook, now).get(delivery.kind)
    is_moved = delivery.visit_at != outlook.visit_at and not is_by_hand
    if reason is not None or due is None or is_moved:
        return replace(delivery, state=DeliveryState.STOPPED, reason=reason or StopReason.NOT_NEEDED)
    if due > now:
        return replace(delivery, state=DeliveryState.PLANNED, due_at=due, held_until=due)
    chosen = delivery.channel if is_by_hand and _can_use(delivery, outlook) else None
    return replace(
        delivery,
        state=DeliveryState.SENDING,
        reason=None,
        channel=chosen or channel_for(outlook.rule, outlook.contact),
        attempts=delivery.attempts + 1,
    )


def found(message: S, now: datetime) -> S:
    """A message that is due, as it was found: `sending` was left behind by a worker that did not come back."""
    if message.state is not DeliveryState.SENDING:
        return message
    again = replace(message, repeats=message.repeats + 1)
    if again.repeats <= MOST_REPEATS:
        return again
    return replace(again, state=DeliveryState.NOT_KNOWN, reason="worker-lost", ended_at=now)


def come_to(message: S, outcome: SendOutcome, code: str | None, now: datetime) -> S:
    """A message after a try. After what may pass it waits 1, 4, 16, 64 minutes, then 4 hours, and at most 8 times."""
    tried = replace(message, reason=code)
    if outcome is SendOutcome.NOT_KNOWN:
        tried = replace(tried, repeats=message.repeats + 1)
    is_last = tried.repeats > MOST_REPEATS if outcome is SendOutcome.NOT_KNOWN else tried.attempts >= MOST_ATTEMPTS
    ends = {
        SendOutcome.TAKEN: DeliveryState.SENT,
        SendOutcome.REFUSED: DeliveryState.CAME_BACK,
        SendOutcome.TRY_LATER: DeliveryState.FAILED if is_last else None,
        SendOutcome.NOT_KNOWN: DeliveryState.NOT_KNOWN if is_last else None,
    }
    state = ends[outcome]
    if state is not None:
        return replace(tried, state=state, ended_at=now)
    pause = min(_FIRST_PAUSE * 4 ** (tried.attempts - 1), _LONGEST_PAUSE)
    return replace(tried, state=DeliveryState.PLANNED, held_until=now + pause)


def put_back(delivery: Delivery, reason: str, now: datetime) -> Delivery:
    """A message that could not be tried, for no fault of its own: it is due again in a minute, and not counted."""
    return replace(
        delivery,
        state=DeliveryState.PLANNED,
        reason=reason,
        attempts=delivery.attempts - 1,
        held_until=now + _FIRST_PAUSE,
    )


def _can_use(delivery: Delivery, outlook: Outlook) -> bool:
    return outlook.contact is not None and delivery.channel in outlook.contact.channels
