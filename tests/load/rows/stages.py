"""The stages behind the doors, each alone and as fast as it can: relay, projection, analytics, in events a second.

Each run begins with a fresh process on a fresh copy of the database, behind a full outbox or a full topic of real
Kafka. The speed counts from the first batch that was done, so that start and connections are left out.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.databases import at
from deploy.doors import Door
from shared.events import TOPICS
from shared.kafka import KafkaBroker
from tests.load import databases, floor_stages, subjects
from tests.load.bed import INTAKE_AT_FIRST, Bed
from tests.load.figures import CPU, RATE, Figure, Sample, alternate
from tests.load.loops import BadRun
from tests.load.settling import records_on
from tests.load.stage_events import fill_topics
from tests.load.subjects import Meter, Product, floor_environment
from tests.waiting import wait_until

_LOOK_S = 0.1
_FIRST_S = 60.0
_LONGEST_S = 20.0


@dataclass(frozen=True, slots=True)
class Speed:
    """So many records in so many seconds, and the CPU seconds of the process and its sessions."""

    records: float
    seconds: float
    cpu_s: float

    def sample(self, name: str) -> Sample:
        return {(name, RATE): self.records / self.seconds, (name, CPU): self.cpu_s / self.records * 1e6}


def relay(bed: Bed) -> list[Figure]:
    """Intake's relay over everything that was written before any relay ran."""
    door, admin_dsn = Door("intake", "worker"), bed.stack.admin_dsn
    events = databases.fetch(
        at(admin_dsn, INTAKE_AT_FIRST), "SELECT event_id, site_id, key, value FROM outbox ORDER BY position"
    )
    broker = KafkaBroker(bed.stack.network.addresses.bootstrap_servers, client_id="bench")
    asyncio.run(broker.create_topics([floor_stages.SURVEYS]))

    def product() -> Sample:
        with bed.stack.doors([door], {"intake": INTAKE_AT_FIRST}) as subject:
            return _speed(subject, door, "samepage_relay_sent_total", len(events)).sample("relay")

    def floor() -> Sample:
        subjects.make_floor(admin_dsn)
        columns = ("event_id", "site_id", "key", "value")
        databases.copy_into(at(admin_dsn, subjects.FLOOR), "outbox", columns, [tuple(e) for e in events])
        return floor_run(bed, "relay", len(events)).sample("relay")

    return alternate(bed.plan.alternations, bed.stack.disk, product, floor)


def reading(bed: Bed) -> list[Figure]:
    """Projection and analytics over a log that is the same in every run of the bench; on a fresh stack."""
    fill_topics(bed.stack.network, of_care=bed.plan.projection_events, all_in_all=bed.plan.analytics_events)
    projection = _reader(bed, "projection", Door("dashboard", "worker"), floor_stages.OF_PATIENTS)
    return projection + _reader(bed, "analytics", Door("analytics", "worker"), list(TOPICS))


def _reader(bed: Bed, stage: str, door: Door, topics: Sequence[str]) -> list[Figure]:
    records = records_on(bed.stack.network, topics)

    def product() -> Sample:
        with bed.stack.doors([door], {door.service: door.service}) as subject:
            return _speed(subject, door, "samepage_consumer_applied_total", records).sample(stage)

    def floor() -> Sample:
        subjects.make_floor(bed.stack.admin_dsn)
        return floor_run(bed, stage, records).sample(stage)

    return alternate(bed.plan.alternations, bed.stack.disk, product, floor)


def _speed(subject: Product, door: Door, metric: str, until: int) -> Speed:
    """How fast a door's count goes from its first step to the end, or for twenty seconds at most."""

    def done_by_now() -> float:
        subject.supervisor.watch()
        return subject.metrics(door)[metric]

    first = wait_until(
        done_by_now,
        seconds=_FIRST_S,
        every_s=_LOOK_S,
        otherwise=lambda: BadRun(f"{door} had done nothing after {_FIRST_S:.0f} s; see its log."),
    )
    meter, began = Meter(subject), time.perf_counter()
    done = first

    def is_over() -> bool:
        nonlocal done
        done = done_by_now()
        return done >= until or time.perf_counter() - began >= _LONGEST_S

    wait_until(is_over, seconds=_LONGEST_S + _FIRST_S, every_s=_LOOK_S)
    if done <= first:
        raise BadRun(f"{door} did {first:.0f} in one step: too few to tell its speed.")
    return Speed(done - first, time.perf_counter() - began, meter.spent_s())


def floor_run(bed: Bed, stage: str, records: int) -> Speed:
    """A stage of the floor over so many records; it counts by itself."""
    command = [sys.executable, "-m", "tests.load.floor_stages", stage, str(records)]
    done = subprocess.run(
        command, env=floor_environment(bed.stack.network), capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        raise BadRun(f"The floor's {stage} stopped: {done.stderr.strip().splitlines()[-1:]}")
    return Speed(**json.loads(done.stdout))
