"""A form of a clinic's staff as it stands on its page, and what of it was refused."""

from collections.abc import Mapping, Set
from typing import NamedTuple


class Filled(NamedTuple):
    """`given` stands in the fields, `wrong` are those that do not do. `id` tells it from other forms of the page."""

    id: str
    given: Mapping[str, str]
    wrong: Set[str] = frozenset()

    @property
    def status(self) -> int:
        """That of the answer which shows it: `version` is wrong where somebody else was faster."""
        if not self.wrong:
            return 200
        return 409 if "version" in self.wrong else 422

    def says(self, name: str) -> str:
        """What a field says; nothing where it is empty."""
        return self.given.get(name, "")


def said_yes_or_no(*, said: bool) -> str:
    """What stands in a field that `yes_or_no` reads."""
    return "yes" if said else "no"
