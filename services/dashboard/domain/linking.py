"""A person who is a patient of two sites: linked by a code that one site makes and the other gives back.

Nothing is merged: each site keeps its own record, and a row that says who the other patient is. A code says which site
made it and nothing of the patient; its secret has 128 random bits.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

SECRET_BYTES = 16
CODE_LIVES_FOR = timedelta(days=7)
_CODE = re.compile(r"^([a-z0-9][a-z0-9-]{0,39})\.([a-z2-7]{26})$")


class LinkConsent(StrEnum):
    """How the patient said yes. Each side asks for itself, and keeps who was told."""

    ON_PAPER = "on-paper"
    AT_VISIT = "at-visit"


@dataclass(frozen=True, slots=True)
class Code:
    """A code as it is told: `riverbend.` and 26 letters and digits."""

    site_id: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.site_id}.{self.secret}"

    @property
    def hash(self) -> bytes:
        """What is kept of it."""
        return hashlib.sha256(str(self).encode()).digest()


@dataclass(frozen=True, slots=True)
class LinkCode:
    """The one code of a patient, as the site that made it keeps it; a new one takes its place."""

    site_id: str
    patient_id: UUID
    code_hash: bytes
    agreed: LinkConsent
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """It opens once, for a week."""
        return self.used_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class LinkedPatient:
    """One side of a link, kept by its site. Who the other patient is, is forgotten when one of the two is erased."""

    link_id: UUID
    site_id: str
    patient_id: UUID
    other_site: str
    other_name: str
    other_patient_id: UUID | None
    since: datetime
    agreed: LinkConsent
    agreed_with: str
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def on_record(self) -> str:
        """How the audit names it."""
        return f"link_id={self.link_id}"

    @property
    def is_live(self) -> bool:
        """Either side ends it for both."""
        return self.ended_at is None and self.other_patient_id is not None

    def is_other_side_of(self, side: "LinkedPatient") -> bool:
        """Whether each says of the other's patient that they are one person."""
        return (self.site_id, self.patient_id) == (side.other_site, side.other_patient_id) and (
            (side.site_id, side.patient_id) == (self.other_site, self.other_patient_id)
        )


def code_of(site_id: str, secret: bytes) -> Code:
    """The code of 16 random bytes."""
    return Code(site_id, base64.b32encode(secret).decode().rstrip("=").lower())


def read_code(text: str) -> Code | None:
    """A code as somebody typed it; None when it cannot be one."""
    match = _CODE.fullmatch("".join(text.split()).lower())
    return None if match is None else Code(match[1], match[2])
