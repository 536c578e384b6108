"""The stack of the bench: its own PostgreSQL and broker, on a disk that can be slowed down."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.doors import DOORS, Door
from deploy.local.network import Network, lay_out
from deploy.local.stack import Stack
from deploy.prepare import prepare_afresh
from tests.load import databases, subjects
from tests.load.figures import Disk
from tests.load.subjects import Floor, Product
from tests.load.tools import Missing, Tools

SLOWER_MS = 1.0


class NotSlower(Exception):
    """The shim was asked for and commits are as fast as without it: figures would be quoted for a wrong disk."""


@dataclass
class BenchStack:
    """Lives under `home`; nothing else uses it. `flush_ms` is what a durable commit took on each disk."""

    home: Path
    tools: Tools
    disk: Disk = "as it is"
    flush_ms: dict[str, float] = field(default_factory=dict)
    _network: Network | None = None

    @property
    def network(self) -> Network:
        if self._network is None:
            raise RuntimeError("the stack has not begun")
        return self._network

    @property
    def admin_dsn(self) -> str:
        return self.network.addresses.postgres_admin_dsn

    @property
    def logs(self) -> Path:
        return self.home / "var" / "log"

    def begin(self) -> float:
        """Start on nothing; the seconds until databases and topics were ready.

        Raises:
            Missing: the broker is not Kafka, and only Kafka's figures count.
        """
        began = time.perf_counter()
        self.disk = "as it is"
        environment = {} if self.tools.flushes is None else self.tools.flushes.environment
        self._network = prepare_afresh(self.home, Stack(postgres_environment=environment).up)
        seconds = time.perf_counter() - began
        if self.network.addresses.broker_kind != "kafka":
            raise Missing(f"The bench measures with Kafka: {self.network.addresses.note}.")
        self.flush_ms[self.disk] = databases.flush_ms(self.admin_dsn)
        subjects.make_floor(self.admin_dsn)
        return seconds

    def use_disk(self, disk: Disk) -> None:
        """Let PostgreSQL's flushes take longer from now on, or no longer."""
        if self.tools.flushes is not None:
            self.tools.flushes.set(0 if disk == "as it is" else SLOWER_MS / 1000)
        self.disk = disk
        self.flush_ms[disk] = databases.flush_ms(self.admin_dsn)
        if disk != "as it is" and self.flush_ms[disk] < SLOWER_MS:
            raise NotSlower(f"A commit takes {self.flush_ms[disk]:.2f} ms with the shim: it is not in effect.")

    def end(self) -> None:
        Stack().down(self.home)

    def servers(self) -> Mapping[str, int]:
        """The pids of PostgreSQL and the broker."""
        return {server.kind: server.pid for server in Stack().status(self.home) if server.pid is not None}

    @contextmanager
    def doors(self, doors: Sequence[Door] = DOORS, sources: Mapping[str, str] | None = None) -> Iterator[Product]:
        """Doors of the product, ready. `sources` names databases by service: it gets a fresh copy of that one."""
        copies = {service: f"{service}_run" for service in sources or {}}
        for service, copy in copies.items():
            databases.copy_database(self.admin_dsn, (sources or {})[service], copy)
        # Doors that were closed may have lost a port to somebody else on this machine.
        self._network = lay_out(self.home, self.network.addresses)
        with subjects.open_doors(self.network, doors, copies, self.logs) as product:
            yield product

    @contextmanager
    def floor(self, stages: Sequence[str] = ()) -> Iterator[Floor]:
        """The floor's door, ready, and stages of it."""
        with subjects.open_floor(self.network, self.logs, stages) as floor:
            yield floor
