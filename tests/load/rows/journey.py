"""From a survey to its page with the whole system on this machine: all ten doors, the database and the broker.

One journey: a survey is submitted, and its page read, waiting until it shows the survey. The floor does it with its
door, its relay and its projection, on the same database and broker, while the ten doors stand idle beside it. CPU is
counted above what the same processes use while nobody asks for anything.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from shared.kafka import KafkaBroker
from tests.load import floor_stages, subjects
from tests.load.bed import Bed
from tests.load.figures import CPU, SHARE, Figure, Sample, alternate
from tests.load.loops import opened
from tests.load.subjects import Floor, Product, Subject, metered

_IDLE_S = 3.0
_QUIET_S = 0.5
_LONGEST_S = 120.0


@dataclass(frozen=True, slots=True)
class Sides:
    """Product and floor, both running, with the CPU seconds a second that each uses idle."""

    product: Product
    floor: Floor
    idle: dict[int, float]

    def idle_of(self, subject: Subject) -> float:
        return self.idle[id(subject)]


def row(rate: int) -> str:
    return f"survey to page at {rate}/s"


def measure(bed: Bed, rates: Sequence[int]) -> list[Figure]:
    """Journeys at each rate, after a run to warm up."""
    with open_sides(bed) as sides:
        run(bed, sides, sides.product, rate=rates[0], seconds=1, name="warm-up")
        run(bed, sides, sides.floor, rate=rates[0], seconds=1, name="warm-up")
        figures = alternate(1, bed.stack.disk, lambda: {("ten doors, idle", SHARE): 100 * sides.idle_of(sides.product)})
        for rate in rates:
            figures += compare(bed, sides, rate=rate, name=row(rate))
        return figures


def compare(bed: Bed, sides: Sides, *, rate: int, name: str) -> list[Figure]:
    """Journeys of product and floor in turn."""

    def of(subject: Subject) -> Sample:
        return run(bed, sides, subject, rate=rate, seconds=bed.plan.journey_s, name=name)

    return alternate(bed.plan.alternations, bed.stack.disk, lambda: of(sides.product), lambda: of(sides.floor))


@contextmanager
def open_sides(bed: Bed) -> Iterator[Sides]:
    """All ten doors and the floor's chain, ready and quiet."""
    subjects.make_floor(bed.stack.admin_dsn)
    broker = KafkaBroker(bed.stack.network.addresses.bootstrap_servers, client_id="bench")
    asyncio.run(broker.create_topics([floor_stages.SURVEYS]))
    with bed.stack.doors() as product, bed.stack.floor(("relay", "surveys")) as floor:
        settle(product)
        yield Sides(product, floor, {id(subject): _idle(subject) for subject in (product, floor)})


def run(bed: Bed, sides: Sides, subject: Subject, *, rate: int, seconds: float, name: str) -> Sample:
    """One run of one side; returns when nothing of it is under way any more."""
    skip = bed.targets.take(int(rate * seconds))
    began = time.monotonic()
    with metered(subject) as cpu_s:
        found = opened(bed.tools, subject, bed.targets.folder, "journey", rate=rate, seconds=seconds, skip=skip)
        settle(sides.product)
        above_idle_s = cpu_s() - (time.monotonic() - began) * sides.idle_of(subject)
    sample: Sample = {(name, measure): value for measure, value in found.measures().items()}
    return {**sample, (name, CPU): max(above_idle_s, 0.0) / found.due * 1e6}


def settle(product: Product) -> None:
    """Wait until the workers have nothing to do: for half a second none applied anything and nothing is unsent."""
    workers = [door for door in product.doors if door.kind == "worker"]
    until, quiet_since, before = time.monotonic() + _LONGEST_S, time.monotonic(), -1.0
    while time.monotonic() - quiet_since < _QUIET_S and time.monotonic() < until:
        applied = sum(product.metric(door, "samepage_consumer_applied_total") for door in workers)
        unsent = sum(product.metric(door, "samepage_relay_oldest_unsent_seconds") for door in workers)
        if applied != before or unsent > 0:
            quiet_since, before = time.monotonic(), applied
        time.sleep(0.1)


def _idle(subject: Subject) -> float:
    with metered(subject) as cpu_s:
        time.sleep(_IDLE_S)
        return cpu_s() / _IDLE_S
