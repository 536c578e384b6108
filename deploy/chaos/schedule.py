"""What goes wrong and when: data, made from a seed alone, so that a schedule can be printed, kept and played again.

Faults are dealt like cards: each kind comes once before any comes twice, so a short run meets most of them. They
overlap as chance has it, but between two that take a server away there is a while, or nothing would ever be up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Literal, NamedTuple

from deploy.doors import DOORS, SERVICES, consumes, publishes

Kind = Literal[
    "kill-door",
    "pause-app",
    "pause-worker",
    "restart-storm",
    "kill-broker",
    "pause-broker",
    "kill-postgres",
    "kill-both",
    "end-sessions",
    "idle-writer",
    "slow-wire",
    "trickling-wire",
    "deaf-wire",
    "cut-wire",
    "duplicates",
    "poison",
    "poisoned-patients",
    "rebuild",
    "lost-disk",
    "rolling-restart",
    "full-disk",
    "clock-jump",
    "slow-flush",
]
WORKERS = tuple(str(door) for door in DOORS if door.kind == "worker")
PUBLISHERS = tuple(service for service in SERVICES if publishes(service))
CONSUMERS = tuple(service for service in SERVICES if consumes(service))
APPS = tuple(str(door) for door in DOORS if door.kind == "app")
_NAMES = tuple(map(str, DOORS))
_WIRES = ("postgres", "kafka")
# Time without faults at the begin, to see that all is well; between two faults in the mean; with both servers up.
FIRST_S = 3.0
MEAN_GAP_S = 5.0
SERVERS_UP_S = 12.0


class _Shape(NamedTuple):
    """What a kind of fault is dealt with: how long it lasts, whom it may meet, and how often it is in the deck."""

    shortest_s: float
    longest_s: float
    targets: Sequence[str] = ()
    cards: int = 1


# A pause of a worker outlasts its session at the broker (10 s), so that another member has its partitions meanwhile.
_SHAPES: dict[Kind, _Shape] = {
    "kill-door": _Shape(0, 0, _NAMES, cards=3),
    "pause-app": _Shape(2, 7, APPS),
    "pause-worker": _Shape(12, 15, WORKERS),
    "restart-storm": _Shape(1, 2.5),
    "kill-broker": _Shape(0, 4),
    "pause-broker": _Shape(3, 9),
    "kill-postgres": _Shape(0, 3),
    "kill-both": _Shape(0, 3),
    "end-sessions": _Shape(0, 0, SERVICES, cards=2),
    "idle-writer": _Shape(4, 12, SERVICES),
    "slow-wire": _Shape(2, 6, _WIRES),
    "trickling-wire": _Shape(1, 4, _WIRES),
    "deaf-wire": _Shape(1, 8, _WIRES),
    "cut-wire": _Shape(0, 0, _WIRES),
    "duplicates": _Shape(0, 0, PUBLISHERS, cards=2),
    "poison": _Shape(0, 0, PUBLISHERS),
    "poisoned-patients": _Shape(4, 10),
    "rebuild": _Shape(0, 0, CONSUMERS),
    "lost-disk": _Shape(0, 0),
    "rolling-restart": _Shape(8, 14),
    "full-disk": _Shape(2, 7),
    "clock-jump": _Shape(4, 15, _NAMES, cards=2),
    "slow-flush": _Shape(4, 12),
}
OF_SERVERS: tuple[Kind, ...] = ("kill-broker", "pause-broker", "kill-postgres", "kill-both", "lost-disk", "full-disk")
ALL: tuple[Kind, ...] = tuple(_SHAPES)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, `at_s` seconds after the clients began and for `lasts_s`.

    `target` is a door, a service or the server that a wire leads to, or empty where it meets all. `seed` decides what
    else there is to decide.
    """

    at_s: float
    kind: Kind
    lasts_s: float
    target: str
    seed: int

    @property
    def ends_s(self) -> float:
        return self.at_s + self.lasts_s

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def make_schedule(seed: int, seconds: float, kinds: Sequence[Kind] = ALL) -> tuple[Fault, ...]:
    """The faults of a run, in the order of their begin. All have ended after `seconds`."""
    rng = Random(f"{seed}/schedule")  # noqa: S311 - chance that can be repeated, no secret
    faults: list[Fault] = []
    cards = _dealt(rng, kinds)
    at_s, servers_at_s = FIRST_S, FIRST_S
    while at_s < seconds:
        kind = next(cards)
        shape = _SHAPES[kind]
        lasts_s = round(rng.uniform(shape.shortest_s, shape.longest_s), 1)
        target = rng.choice(shape.targets) if shape.targets else ""
        begins_s = max(at_s, servers_at_s) if kind in OF_SERVERS else at_s
        fault = Fault(round(begins_s, 1), kind, lasts_s, target, rng.getrandbits(31))
        if fault.ends_s <= seconds:
            faults.append(fault)
            servers_at_s = fault.ends_s + SERVERS_UP_S if kind in OF_SERVERS else servers_at_s
        at_s += rng.expovariate(1 / MEAN_GAP_S)
    return tuple(sorted(faults, key=lambda fault: fault.at_s))


def _dealt(rng: Random, kinds: Sequence[Kind]) -> Iterator[Kind]:
    """Whole decks, each shuffled anew."""
    deck = [kind for kind in kinds for _ in range(_SHAPES[kind].cards)]
    while True:
        yield from rng.sample(deck, len(deck))
