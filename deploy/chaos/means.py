"""What some faults need and not every machine allows; where it does not, those faults are left out, and it is said."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.chaos.clocks import Clocks, clocks_in
from deploy.chaos.disk import DISK_NEEDS, SmallDisk, small_disk
from deploy.chaos.flushes import flushes_in
from deploy.chaos.schedule import Kind
from deploy.chaos.shims import SHIMS_NEED, Dial


@dataclass(frozen=True)
class Means:
    """None where it is not to be had, or not needed. `left_out`: the faults that cannot happen, and what they need."""

    disk: SmallDisk | None = None
    clocks: Clocks | None = None
    flushes: Dial | None = None
    left_out: Mapping[Kind, str] = field(default_factory=dict)


@contextmanager
def means_for(home: Path, kinds: Collection[Kind]) -> Iterator[Means]:
    """What these faults need, beside the home of the stack, which is stopped before its disk goes."""
    place = home.with_name(f"{home.name}-means")
    with small_disk(home, place / "disk", is_wanted="full-disk" in kinds) as small:
        clocks = clocks_in(place / "clocks") if "clock-jump" in kinds else None
        flushes = flushes_in(place / "flushes") if "slow-flush" in kinds else None
        needs: dict[Kind, tuple[object, str]] = {
            "full-disk": (small, DISK_NEEDS),
            "clock-jump": (clocks, SHIMS_NEED),
            "slow-flush": (flushes, SHIMS_NEED),
        }
        left_out = {kind: need for kind, (means, need) in needs.items() if kind in kinds and means is None}
        yield Means(small, clocks, flushes, left_out)
