"""What the scripts of an open page are told: which look this is, and which version is on the screen."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Live:
    """A page that can be followed; `view_id` is the look that a newer version is part of."""

    patient_id: UUID
    view_id: UUID
    version: str

    @property
    def path(self) -> str:
        return f"/patients/{self.patient_id}"
