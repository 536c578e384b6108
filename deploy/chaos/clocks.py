"""Wall clocks that jump, each door's own: a preloaded shim adds what a file says, the machine's clock is left alone.

It reaches what a door stamps and compares by the time of day. PostgreSQL's and Kafka's clocks, and all that waits and
times out by the monotonic clock, are not touched.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from deploy.chaos.shims import Dial, built
from deploy.doors import DOORS, Door

Clocks: TypeAlias = Mapping[Door, Dial]
"""The clocks of all doors: seconds ahead of the machine's."""


def clocks_in(folder: Path) -> Clocks | None:
    """Clocks that are right; None where they cannot be had, for want of what `SHIMS_NEED` says."""
    shim = built("jumping_clock", folder)
    if shim is None:
        return None
    clocks = {door: Dial(shim, "JUMPING_CLOCK", folder / str(door)) for door in DOORS}
    for clock in clocks.values():
        clock.set(0)
    return clocks
