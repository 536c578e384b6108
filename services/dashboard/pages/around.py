"""What stands around a page: who else reads it now, where the patient is seen too, how this reader came."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.dashboard.domain import BrokenGlass, LinkedPatient
from services.dashboard.pages.reader import Reader
from shared.speech import Said


@dataclass(frozen=True, slots=True)
class Around:
    """`glass` is what is open now, `links` those of the patient. A reader of another site came `through` glass, or
    `came_by` their own side of a link.
    """

    glass: Sequence[BrokenGlass] = ()
    links: Sequence[LinkedPatient] = ()
    through: BrokenGlass | None = None
    came_by: LinkedPatient | None = None

    @property
    def is_elsewhere(self) -> bool:
        """The page is of another site than the reader."""
        return self.through is not None or self.came_by is not None


def since_words(link: LinkedPatient, reader: Reader) -> str:
    """`since 3 Mar 2026`."""
    return reader.say(Said("since {day}", "desde el {day}"), day=reader.full_day(link.since.isoformat()))
