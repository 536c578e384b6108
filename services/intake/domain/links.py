"""Links for one visit: how long they live, how they stand, and what is open to the patient behind one.

The secret is an HMAC of the link's random id, so that the same link can be shown again although it is stored nowhere;
at rest there is its SHA-256.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.errors import FieldError, Problem, conflict
from shared.events import VisitState

AFTER_VISIT = timedelta(days=14)
LONGEST = timedelta(days=120)
MOST_WRONG_ANSWERS = 5


class LinkState(StrEnum):
    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"
    LOCKED = "locked"


class Opening(StrEnum):
    """How a part of what the patient is asked stands."""

    LATER = "later"
    NOW = "now"
    DONE = "done"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is kept."""

    link_id: UUID
    visit_id: UUID
    patient_id: UUID
    made_by: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    opened_at: datetime | None = None
    wrong_answers: int = 0

    def state(self, now: datetime) -> LinkState:
        """Only a live link opens; a locked one has met too many wrong birth years."""
        if self.revoked_at is not None:
            return LinkState.REVOKED
        if now >= self.expires_at:
            return LinkState.EXPIRED
        return LinkState.LOCKED if self.wrong_answers >= MOST_WRONG_ANSWERS else LinkState.LIVE


def secret_of(key: bytes, site_id: str, link_id: UUID) -> str:
    """The secret of a link, 256 bits as base64url."""
    mac = hmac.new(key, f"link\x1f{site_id}\x1f{link_id}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def secret_hash(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def secrets_of(keys: Sequence[bytes], site_id: str, link_id: UUID) -> dict[bytes, str]:
    """The secrets of a link that these keys would have made, by what is kept of each."""
    return {secret_hash(secret): secret for secret in (secret_of(key, site_id, link_id) for key in keys)}


def expiry(scheduled_at: datetime, asked: datetime | None, now: datetime) -> datetime:
    """When a new link ends: as asked, else 14 days after the visit.

    Raises:
        Problem: 409 `visit-over`, or 422 where the asked end has passed or is more than 120 days away.
    """
    if asked is None:
        if scheduled_at + AFTER_VISIT <= now:
            raise conflict("visit-over", "The visit was more than 14 days ago. Give expires_at to link to it still.")
        return min(scheduled_at + AFTER_VISIT, now + LONGEST)
    if not now < asked <= now + LONGEST:
        wrong = FieldError("expires_at", f"a time to come, at most {LONGEST.days} days away")
        raise Problem(422, "invalid", "1 field(s) are not valid.", errors=[wrong])
    return asked


@dataclass(frozen=True, slots=True)
class Openings:
    """What a patient can do now about a visit; their own page is open as long as the link lives."""

    survey: Opening
    feedback: Opening


def openings(state: VisitState, *, has_survey: bool) -> Openings:
    """The survey before the visit's end, the feedback after it; neither for a cancelled visit."""
    if has_survey:
        survey = Opening.DONE
    else:
        survey = Opening.NOW if state in (VisitState.SCHEDULED, VisitState.CHECKED_IN) else Opening.OVER
    if state is VisitState.COMPLETED:
        return Openings(survey, Opening.NOW if has_survey else Opening.OVER)
    return Openings(survey, Opening.OVER if state is VisitState.CANCELLED else Opening.LATER)
