"""PostgreSQL and a broker, started, watched and stopped together for one checkout.

Guarantee: `up` ends with two servers that answer, or with a `StackError` and none of its own left running; a second
`up` finds the first; after a crash `up` starts what is missing on the data that were there.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.local.choice import chosen_broker
from deploy.local.errors import system_errors_said_plainly
from deploy.local.kafka import Kafka
from deploy.local.ports import HOST, keep_or_choose
from deploy.local.postgres import Postgres
from deploy.local.record import BrokerKind, Kind, Part, Record
from deploy.local.server import Server, stop, wait_until_ready
from deploy.local.tansu import Tansu


@dataclass(frozen=True)
class Addresses:
    """Where the running stack is reached. `note` says in one line what a memory-only broker means, or is None."""

    postgres_admin_dsn: str = field(repr=False)
    bootstrap_servers: str
    broker_kind: BrokerKind
    note: str | None


@dataclass(frozen=True)
class ServerStatus:
    """One server as the record knows it; `pid` is None when it does not run."""

    kind: Kind
    port: int
    pid: int | None
    log: Path


@dataclass(frozen=True)
class Stack:
    """The local stack of any checkout; `environ` is searched for Java, Maven, the cache and SAMEPAGE_BROKER.

    `broker_settings` go before Kafka's own ones where it is started, `postgres_environment` is added to PostgreSQL's.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    broker_settings: Mapping[str, str] = field(default_factory=dict)
    postgres_environment: Mapping[str, str] = field(default_factory=dict)

    def up(self, root: Path) -> Addresses:
        """Start what does not run, wait until it answers, and say where it is."""
        with _alone(root) as var:
            return _Start(var, self).up()

    def down(self, root: Path) -> None:
        """Stop what was started, cleanly; data and ports are kept for the next start."""
        with _alone(root) as var:
            record = Record.load(_record_path(var))
            if record.parts:
                replace(record, parts=stop(record.parts)).save(_record_path(var))

    def status(self, root: Path) -> tuple[ServerStatus, ...]:
        """PostgreSQL and the broker used last, running or not; empty before the first `up`."""
        var = _var(root)
        with system_errors_said_plainly():
            record = Record.load(_record_path(var))
        parts = [(kind, part) for kind, part in record.parts.items() if kind in ("postgres", record.broker_kind)]
        return tuple(ServerStatus(kind, part.ports[0], part.running_pid, _log(var, kind)) for kind, part in parts)


class _Start:
    """One `up`: what it found, and what it started and so must stop again when it fails."""

    def __init__(self, var: Path, stack: Stack) -> None:
        self._var = var
        self._stack = stack
        self._record = Record.load(_record_path(var))
        self._started: set[Kind] = set()

    def up(self) -> Addresses:
        broker, note = chosen_broker(self._var, self._stack.environ, self._record.running_broker_kind)
        if isinstance(broker, Kafka):
            broker = replace(broker, more=self._stack.broker_settings)
        is_password_new = self._record.postgres_password is None
        password = self._record.postgres_password or secrets.token_urlsafe(24)
        data = _data_of_postgres(self._var, broker.kind)
        environment = self._stack.postgres_environment
        postgres = Postgres(data, _log(self._var, "postgres"), password, is_password_new, environment)
        if broker.kind == "tansu":
            self._begin_empty_with(broker, postgres)
        self._record = replace(self._record, postgres_password=password, broker_kind=broker.kind)
        try:
            # PostgreSQL first: the record that carries a new password is saved once its data know that password.
            for server in (postgres, broker):
                self._start(server)
            for server in (postgres, broker):
                wait_until_ready(server, self._record.parts[server.kind])
        except BaseException:
            self._stop(self._started)
            raise
        port, broker_port = (self._record.parts[kind].ports[0] for kind in ("postgres", broker.kind))
        dsn = f"postgresql://postgres:{password}@{HOST}:{port}/postgres"
        return Addresses(dsn, f"{HOST}:{broker_port}", broker.kind, note)

    def _begin_empty_with(self, broker: Kafka | Tansu, postgres: Postgres) -> None:
        """Offsets that PostgreSQL remembers mean nothing to a memory-only broker that starts anew."""
        if not self._serves(broker):
            self._stop({"postgres"})
            for data in (postgres.data, self._var / audit_folder(broker.kind)):
                shutil.rmtree(data, ignore_errors=True)

    def _start(self, server: Server) -> None:
        if self._serves(server):
            return
        self._stop({server.kind})
        known = self._record.parts.get(server.kind)
        ports = keep_or_choose(known.ports if known else (), server.port_count)
        self._started.add(server.kind)
        self._remember({server.kind: Part(ports, server.start(ports))})

    def _serves(self, server: Server) -> bool:
        part = self._record.parts.get(server.kind)
        return part is not None and part.running_pid is not None and server.answers(part.ports)

    def _stop(self, kinds: set[Kind]) -> None:
        parts = {kind: part for kind, part in self._record.parts.items() if kind in kinds}
        if any(part.process for part in parts.values()):
            self._remember(stop(parts))

    def _remember(self, parts: dict[Kind, Part]) -> None:
        self._record = replace(self._record, parts=self._record.parts | parts)
        self._record.save(_record_path(self._var))


@contextmanager
def _alone(root: Path) -> Iterator[Path]:
    """`var/` of the checkout, while no other command starts or stops its stack."""
    with system_errors_said_plainly():
        var = _var(root)
        var.mkdir(parents=True, exist_ok=True)
        with (var / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield var


def audit_folder(broker: BrokerKind) -> str:
    """Under `var/`, what is signed about PostgreSQL's data; apart where those are deleted with the broker's start."""
    return "audit" if broker == "kafka" else "audit-tansu"


def _var(root: Path) -> Path:
    return root.resolve() / "var"


def _record_path(var: Path) -> Path:
    return var / "stack.json"


def _log(var: Path, kind: Kind) -> Path:
    return var / "log" / f"{kind}.log"


def _data_of_postgres(var: Path, broker: BrokerKind) -> Path:
    """Apart for the memory-only broker, whose start deletes it: data that belong to Kafka's topics stay."""
    return var / ("postgres" if broker == "kafka" else "postgres-tansu")
