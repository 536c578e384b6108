"""From a survey to its page with the whole system on this machine: all ten doors, the database and the broker.

One journey: a survey is submitted, and its page read, waiting until it shows the survey. The floor does it with its
door, its relay and its projection, on the same database and broker, while the ten doors stand idle beside it. CPU is
counted above what the same processes use while nobody asks for anything.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from shared.kafka import KafkaBroker
from tests.load import floor_stages, subjects
from tests.load.bed import Bed
from tests.load.figures import CPU, PART, SHARE, Figure, Measure, Sample, alternate
from tests.load.loops import opened
from tests.load.settling import settle
from tests.load.subjects import Floor, Meter, Product, Subject
from tests.waiting import wait_until

_IDLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Sides:
    """Product and floor, both running, with the CPU seconds a second that the parts of each use idle."""

    product: Product
    floor: Floor
    idle: Mapping[str, float]

    def above_idle_s(self, spent_s: Mapping[str, float], lasting_s: float) -> dict[str, float]:
        """What parts used beyond that."""
        return {name: max(spent - self.idle.get(name, 0.0) * lasting_s, 0.0) for name, spent in spent_s.items()}


def row(rate: int) -> str:
    return f"survey to page at {rate}/s"


def measure(bed: Bed, rates: Sequence[int]) -> list[Figure]:
    """Journeys at each rate, after a run to warm up."""
    with open_sides(bed) as sides:
        run(bed, sides, sides.product, rate=rates[0], seconds=1, name="warm-up")
        run(bed, sides, sides.floor, rate=rates[0], seconds=1, name="warm-up")
        idle = 100 * sum(sides.idle[name] for name in sides.product.pids())
        figures = alternate(1, bed.stack.disk, lambda: {("ten doors and their sessions, idle", SHARE): idle})
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
        yield Sides(product, floor, _idle((product, floor)))


def run(bed: Bed, sides: Sides, subject: Subject, *, rate: int, seconds: float, name: str) -> Sample:
    """One run of one side; returns when nothing of it is under way any more."""
    skip = bed.targets.take(int(rate * seconds))
    began, meter = time.monotonic(), Meter(subject)
    found = opened(bed.tools, subject, bed.targets.folder, "journey", rate=rate, seconds=seconds, skip=skip)
    settle(sides.product)
    spent_s = sides.above_idle_s(meter.spent_by_s(), time.monotonic() - began)
    sample: Sample = {(name, measure): value for measure, value in found.measures().items()}
    sample[name, CPU] = sum(spent_s.values()) / found.due * 1e6
    for part, part_s in spent_s.items():
        sample[name, Measure(PART + part, "µs")] = part_s / found.due * 1e6
    return sample


def _idle(both: Sequence[Subject]) -> dict[str, float]:
    meters, over_at = [Meter(subject) for subject in both], time.monotonic() + _IDLE_S
    wait_until(lambda: time.monotonic() >= over_at, seconds=2 * _IDLE_S)
    return {name: spent_s / _IDLE_S for meter in meters for name, spent_s in meter.spent_by_s().items()}
