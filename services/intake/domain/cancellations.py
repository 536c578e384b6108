"""Why a visit does not take place. Codes only: a reason in words could name a person.

A cancelled visit has a reason where somebody has said one, no other visit has any. That the patient did not come is
such a reason and no state: it is said after the time of the visit, and of nobody who was checked in.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.intake.domain.visits import VisitStatus
from shared.errors import conflict
from shared.events import VisitState


class CancelReason(StrEnum):
    """Why a visit does not take place. `cancelled`: it was called off."""

    CANCELLED = "cancelled"
    NO_SHOW = "no-show"
    ENTERED_IN_ERROR = "entered-in-error"


class CancelledBy(StrEnum):
    """On whose side the reason is for which a visit was called off: the first level of FHIR's `cancelationReason`."""

    PATIENT = "patient"
    CLINIC = "clinic"
    OTHER = "other"


class Cancellation(NamedTuple):
    """What is said of it; `by` only of what was called off."""

    reason: CancelReason | None = None
    by: CancelledBy | None = None


NOT_SAID = Cancellation()


def can_be_missed(visit: VisitStatus, now: datetime) -> bool:
    """Whether it can be said that the patient did not come."""
    return visit.checked_in_at is None and visit.scheduled_at <= now


def why_cancelled(visit: VisitStatus, said: Cancellation, now: datetime) -> Cancellation:
    """What to record of a visit that stands so now.

    Raises:
        Problem: 409 `cancel-reason-not-allowed`.
    """
    wrong = _wrong(visit, said, now)
    if wrong is not None:
        raise conflict("cancel-reason-not-allowed", wrong)
    return said if said.by is None else Cancellation(CancelReason.CANCELLED, said.by)


def still_cancelled(was: Cancellation, told: Cancellation) -> Cancellation:
    """What is known of a visit that is cancelled still: news that say no more than is known leave it."""
    return was if told.by is None and told.reason in (None, was.reason) else told


def _wrong(visit: VisitStatus, said: Cancellation, now: datetime) -> str | None:
    if said == NOT_SAID:
        return None
    if visit.state is not VisitState.CANCELLED:
        return "Only a visit that is cancelled has a reason for that. Leave cancel_reason and cancelled_by out."
    if said.by is not None and said.reason not in (None, CancelReason.CANCELLED):
        return "Only a visit that was called off has somebody who did it. Leave cancelled_by out."
    if said.reason is CancelReason.NO_SHOW and not can_be_missed(visit, now):
        still_to_come = "The visit is still to come: nobody has missed it yet."
        return still_to_come if visit.checked_in_at is None else "The patient was checked in: they came."
    return None
