"""Breaking the glass: a clinician of another site opens one patient's page for a while, and says why.

Whoever broke it is known by subject and sites together: subjects are unique at one issuer only.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class GlassReason(StrEnum):
    """Why, as a code; the words beside it say more."""

    EMERGENCY = "emergency"
    TRANSFER = "transfer"
    ON_CALL_COVER = "on-call-cover"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """One opening of one patient's page, as the patient's site keeps it; `words` are sealed."""

    glass_id: UUID
    site_id: str
    patient_id: UUID
    subject: str
    of_sites: tuple[str, ...]
    reason: GlassReason
    words: str
    broken_at: datetime
    until: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None

    @property
    def on_record(self) -> str:
        """How the audit names it."""
        return f"glass_id={self.glass_id}"

    def is_of(self, subject: str, sites: Collection[str]) -> bool:
        """Whether this person broke it, being of the same sites still."""
        return subject == self.subject and tuple(sorted(sites)) == self.of_sites


@dataclass(frozen=True, slots=True)
class GlassTry:
    """One try, as the site of who tried keeps it. `glass_id` is what it led to; None when to nothing."""

    site_id: str
    subject: str
    tried_at: datetime
    at_site: str
    patient_id: UUID
    glass_id: UUID | None


class GlassUse(NamedTuple):
    """What a site is told of broken glass: how often the page was opened through it, and the site's time zone."""

    glass: BrokenGlass
    looks: int
    time_zone: str
