"""What is measured, the product or the floor: where it is reached, what it wrote, what it cost."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from deploy.databases import at
from deploy.doors import Door
from deploy.local.network import Network
from deploy.local.ports import HOST, keep_or_choose
from deploy.supervisor import Supervisor
from tests.load import databases, floor_tables
from tests.load.processes import Clock
from tests.waiting import wait_until

READY_S = 120.0
FLOOR = "floor"
# Made once: a client for every look would cost more than what is looked at.
_CLIENT = httpx.Client(timeout=10, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
# All load comes from one machine and few people: measured is what a door can do, not what it lets one client do.
UNHURRIED = {"SAMEPAGE_RATES__PERSON": '{"burst": 1000000, "per_minute": 60000000}'}
_VALUE = re.compile(r"^(\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


class NotReady(Exception):
    """A process of the bench did not answer in time or ended; the message says which."""


class Subject(Protocol):
    """One side of an alternation. `is_once`: it takes one survey a visit, as the product does."""

    is_once: bool

    def url(self, service: str) -> str:
        """Where the door of a service is reached."""

    def written(self) -> int:
        """Events that its doors have made durable so far."""

    def pids(self) -> Mapping[str, list[int]]:
        """Its processes and the sessions of its databases in PostgreSQL, by what they are."""


class Meter:
    """CPU seconds that a subject uses from now on, its sessions in PostgreSQL included."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._clock = Clock(pid for pids in subject.pids().values() for pid in pids)

    def spent_s(self) -> float:
        return sum(self.spent_by_s().values())

    def spent_by_s(self) -> dict[str, float]:
        """By what the processes are."""
        return {name: self._clock.spent_s(pids) for name, pids in self._subject.pids().items()}


def written_at_rest(subject: Subject) -> int:
    """What it has written when nothing is under way any more: two looks, a third of a second apart, see the same."""
    before, now = -2, -1  # nothing was seen yet: the first look is compared with none

    def is_seen_twice() -> bool:
        nonlocal before, now
        before, now = now, subject.written()
        return before == now

    wait_until(is_seen_twice, seconds=READY_S, every_s=0.3, otherwise=lambda: NotReady("It went on writing."))
    return now


@dataclass
class Product:
    """Some of the ten doors, each on its own database or on a copy of it."""

    network: Network
    supervisor: Supervisor
    doors: Sequence[Door]
    copies: Mapping[str, str]
    is_once: bool = True

    def url(self, service: str) -> str:
        return self.network.url(service)

    def written(self) -> int:
        apps = [door for door in self.doors if door.kind == "app"]
        return int(sum(self.metrics(door)["samepage_events_accepted_total"] for door in apps))

    def pids(self) -> dict[str, list[int]]:
        services = {self.copies.get(door.service, door.service): door.service for door in self.doors}
        sessions = databases.sessions_of(self.network.addresses.postgres_admin_dsn, services)
        return {str(door): [pid] for door, pid in self.door_pids().items()} | {
            f"sessions of {service}": sessions[database] for database, service in services.items()
        }

    def door_pids(self) -> dict[Door, int]:
        return {door: self.supervisor.pid(door) for door in self.doors}

    def metrics(self, door: Door) -> Mapping[str, float]:
        """What a door shows, each metric summed over its labels; 0 for one that it does not show."""
        sums: defaultdict[str, float] = defaultdict(float)
        text = _CLIENT.get(f"http://{HOST}:{self.network.ports[door]}/metrics").raise_for_status().text
        for name, value in _VALUE.findall(text):
            sums[name] += float(value)
        return sums


@contextmanager
def open_doors(network: Network, doors: Sequence[Door], copies: Mapping[str, str], logs: Path) -> Iterator[Product]:
    """Start doors, wait until all are ready, stop them at the end. `copies` names other databases by service."""
    environments = {
        door: {**environment, **_on_copy(door, environment, copies.get(door.service)), **UNHURRIED}
        for door, environment in network.environments.items()
    }
    with Supervisor(environments, logs) as supervisor:
        supervisor.start(doors)
        await_ready([(str(door), network.ports[door]) for door in doors], supervisor.watch)
        yield Product(network, supervisor, doors, copies)


def _on_copy(door: Door, environment: Mapping[str, str], copy: str | None) -> dict[str, str]:
    """The door's own database by another name; the key ring's stays."""
    name = f"SAMEPAGE_{door.service.upper()}_DATABASE_URL"
    return {} if copy is None else {name: at(environment[name], copy)}


def await_ready(ports: Iterable[tuple[str, int]], watch: Callable[[], object]) -> None:
    """Wait until every one of these answers that it is ready.

    Raises:
        NotReady: one does not within two minutes.
    """
    waiting = list(ports)

    def are_ready() -> bool:
        watch()
        waiting[:] = [(name, port) for name, port in waiting if not _is_ready(port)]
        return not waiting

    wait_until(
        are_ready,
        seconds=READY_S,
        otherwise=lambda: NotReady(f"Not ready after {READY_S:.0f} s: {', '.join(name for name, _ in waiting)}."),
    )


def _is_ready(port: int) -> bool:
    try:
        return _CLIENT.get(f"http://{HOST}:{port}/health/ready").is_success
    except httpx.HTTPError:
        return False


@dataclass
class Floor:
    """The floor's door, and its stages where they run, on one database."""

    admin_dsn: str
    port: int
    is_once: bool = False
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        return at(self.admin_dsn, FLOOR)

    def url(self, service: str) -> str:
        return f"http://{HOST}:{self.port}"

    def check(self) -> None:
        """Raises `NotReady` when one of its processes has ended."""
        if any(process.poll() is not None for process in self.processes):
            raise NotReady("A process of the floor ended by itself; see its log.")

    def written(self) -> int:
        return int(databases.fetch(self.dsn, floor_tables.WRITTEN)[0]["events"])

    def pids(self) -> dict[str, list[int]]:
        return {"floor": [process.pid for process in self.processes], **databases.sessions_of(self.admin_dsn, [FLOOR])}


def make_floor(admin_dsn: str) -> None:
    """An empty database with the floor's tables, in place of one that was there."""
    databases.drop_database(admin_dsn, FLOOR)
    databases.execute(admin_dsn, f"CREATE DATABASE {FLOOR}")
    databases.execute(at(admin_dsn, FLOOR), floor_tables.TABLES)


@contextmanager
def open_floor(network: Network, logs: Path, stages: Sequence[str] = ()) -> Iterator[Floor]:
    """Start the floor's door and some of its stages, and stop them at the end."""
    (port,) = keep_or_choose((), 1)
    floor = Floor(network.addresses.postgres_admin_dsn, port)
    with ExitStack() as ending:
        ending.callback(_end, floor.processes)
        for number, arguments in enumerate((["tests.load.floor"], *(["tests.load.floor_stages", s] for s in stages))):
            with (logs / f"floor-{number}.log").open("ab") as log:
                environment = floor_environment(network) | {"FLOOR_PORT": str(port)}
                command = [sys.executable, "-m", *arguments]
                floor.processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        await_ready([("the floor", port)], floor.check)
        yield floor


def floor_environment(network: Network) -> dict[str, str]:
    """What a process of the floor is told."""
    return os.environ | {
        "FLOOR_DATABASE_URL": at(network.addresses.postgres_admin_dsn, FLOOR),
        "FLOOR_BOOTSTRAP_SERVERS": network.addresses.bootstrap_servers,
    }


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
