"""A next version of every door, for a rolling restart: the same code, and each event that it writes has a field more.

Run as a program it is one door of that version: `python -m deploy.chaos.release intake-app`. Nothing of
the product knows of it; what readers of this version do with the field is what they would do with a real one.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from deploy.doors import DOORS, Door, run
from deploy.supervisor import command_of
from shared import outbox
from shared.events import Body, encode

FIELD = b',"of_the_next_version":{"counts":[1,2],"words":null}}'
"""How each of its events ends."""


@dataclass
class Releases:
    """Which doors run the next version when they are started again; the others run this one."""

    rolled: set[Door] = field(default_factory=set)

    def command(self, door: Door) -> Sequence[str]:
        """What a door runs."""
        if door in self.rolled:
            return [sys.executable, "-m", "deploy.chaos.release", str(door)]
        return command_of(door)


def encode_next(body: Body) -> bytes:
    """The event as the next version writes it."""
    return encode(body).removesuffix(b"}") + FIELD


if __name__ == "__main__":
    vars(outbox).update(encode=encode_next)
    sys.exit(run(next(door for door in DOORS if str(door) == sys.argv[1])))
