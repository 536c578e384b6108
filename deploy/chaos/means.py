"""What some faults need and not every machine allows; where it does not, those faults are left out, and it is said."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.chaos.clocks import CLOCKS_NEED, Clocks, clocks_in
from deploy.chaos.disk import DISK_NEEDS, SmallDisk, small_disk
from deploy.chaos.schedule import Kind


@dataclass(frozen=True)
class Means:
    """None where it is not to be had, or not needed. `left_out`: the faults that cannot happen, and what they need."""

    disk: SmallDisk | None = None
    clocks: Clocks | None = None
    left_out: Mapping[Kind, str] = field(default_factory=dict)


@contextmanager
def means_for(home: Path, kinds: Collection[Kind]) -> Iterator[Means]:
    """What these faults need, beside the home of the stack, which is stopped before its disk goes."""
    place = home.with_name(f"{home.name}-means")
    left_out: dict[Kind, str] = {}
    with small_disk(home, place / "disk", is_wanted="full-disk" in kinds) as small:
        hands = clocks_in(place / "clocks") if "clock-jump" in kinds else None
        if "full-disk" in kinds and small is None:
            left_out["full-disk"] = DISK_NEEDS
        if "clock-jump" in kinds and hands is None:
            left_out["clock-jump"] = CLOCKS_NEED
        yield Means(small, hands, left_out)
