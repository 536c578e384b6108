"""The two servers of the rig and the wires that lead to them: killed with their whole family, and started where they
were.

Doors know PostgreSQL by its wire's port. Kafka tells its clients where it is by itself: here it says its wire's port.
Signals go to processes by pid and the moment they began, and only to those of this stack.
"""

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Literal

from deploy.chaos.clocks import Clocks
from deploy.chaos.disk import SmallDisk
from deploy.chaos.shims import Dial
from deploy.chaos.wire import Wire
from deploy.local.errors import StackError
from deploy.local.network import Network
from deploy.local.ports import HOST
from deploy.local.process import ProcessId, is_alive, signal_if_alive, start_moment, wait_until
from deploy.local.stack import Addresses, Stack

ServerKind = Literal["postgres", "kafka"]
_GONE_S = 10.0
_UNHURRIED = {"SAMEPAGE_RATES__LINKS": '{"burst": 1000, "per_minute": 60000}'}


@dataclass
class Servers:
    """PostgreSQL and Kafka at `home`, each behind its wire. `turn` is held by who takes a server away."""

    home: Path
    to_postgres: Wire
    to_kafka: Wire
    flushes: Dial | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _addresses: Addresses | None = None

    def up(self, home: Path) -> Addresses:
        """Start what does not run, where it was, and lead the wires there.

        Raises:
            StackError: one of them does not start, or its port is somebody else's by now.
        """
        told_by_kafka = {"advertised.listeners": f"CLIENTS://{HOST}:{self.to_kafka.port}"}
        flushing = {} if self.flushes is None else self.flushes.environment
        addresses = Stack(broker_settings=told_by_kafka, postgres_environment=flushing).up(home)
        if self._addresses not in (None, addresses):
            raise StackError("A server of the rig lost its port to another program while it was down: begin again.")
        self._addresses = addresses
        self.to_postgres.to_port = _port_in(_place_in(addresses.postgres_admin_dsn))
        self.to_kafka.to_port = _port_in(addresses.bootstrap_servers)
        return addresses

    def move_postgres(self, disk: SmallDisk) -> None:
        """To a disk of its own, where it goes on."""
        self.kill(["postgres"])
        disk.take(self.home / "var" / "postgres")
        self.up(self.home)

    async def up_again(self) -> str:
        """The same in the middle of a run; how long it took."""
        began = time.monotonic()
        await asyncio.to_thread(self.up, self.home)
        return f"up again in {time.monotonic() - began:.1f} s"

    def kill(self, kinds: Sequence[ServerKind]) -> None:
        """Kill servers and every process that they began, all at once as far as that can be."""
        everybody = list(chain.from_iterable([one, *_children(one)] for one in map(self.process, kinds)))
        for one in everybody:
            signal_if_alive(one, signal.SIGKILL)
        if not wait_until(lambda: not any(map(is_alive, everybody)), seconds=_GONE_S):
            raise StackError(f"{' or '.join(kinds)} does not end, even when killed")

    def process(self, kind: ServerKind) -> ProcessId:
        """The process that a server runs in.

        Raises:
            StackError: it has ended, and nobody here ended it.
        """
        (pid,) = (server.pid for server in Stack().status(self.home) if server.kind == kind)
        started = None if pid is None else start_moment(pid)
        if pid is None or started is None:
            raise StackError(f"{kind} has ended by itself: see its log in {self.home / 'var' / 'log'}.")
        return ProcessId(pid, started)

    def wire(self, kind: str) -> Wire:
        """The wire to a server."""
        return {"postgres": self.to_postgres, "kafka": self.to_kafka}[kind]


def through(network: Network, port: int, clocks: Clocks | None) -> Network:
    """The same network, its doors led to PostgreSQL by another port, by clocks of their own, all patients at one
    address.
    """
    address, other = _place_in(network.addresses.postgres_admin_dsn), f"{HOST}:{port}"
    environments = {
        door: {
            name: value.replace(address, other) if name.endswith("DATABASE_URL") else value
            for name, value in environment.items()
        }
        | _UNHURRIED
        | (dict(clocks[door].environment) if clocks and door in clocks else {})
        for door, environment in network.environments.items()
    }
    return replace(network, environments=environments)


def _place_in(dsn: str) -> str:
    return dsn.rpartition("@")[2].partition("/")[0]


def _port_in(place: str) -> int:
    return int(place.rpartition(":")[2])


def _children(parent: ProcessId) -> list[ProcessId]:
    listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    found = [(int(pid), start_moment(int(pid))) for pid in listed]
    return [ProcessId(pid, started) for pid, started in found if started is not None]
