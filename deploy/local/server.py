"""What the stack asks of each of its servers, so that it can treat PostgreSQL and both brokers alike."""

import signal
from pathlib import Path
from typing import Protocol

from deploy.local.errors import StackError, stopped_while_starting, telling_line_of
from deploy.local.process import ProcessId, is_alive, signal_if_alive, wait_until, wait_until_gone
from deploy.local.record import Kind, Part

_READY_SECONDS = 180  # a busy machine is slow; a server that stops is seen at once
_GRACE_SECONDS = 20


class Server(Protocol):
    """One server program of the local stack."""

    @property
    def kind(self) -> Kind:
        """Its name in the record."""

    @property
    def port_count(self) -> int:
        """How many ports it listens on; the first is the clients'."""

    @property
    def log(self) -> Path:
        """Where its output goes."""

    def start(self, ports: tuple[int, ...]) -> ProcessId:
        """Prepare its data where that is missing and start it; does not wait until it answers."""

    def answers(self, ports: tuple[int, ...]) -> bool:
        """Whether a client would be served now."""


def wait_until_ready(server: Server, part: Part) -> None:
    """Return when the server answers; raise with its own words when it stops or stays silent."""
    process = part.process
    if process is None:
        raise StackError(f"{server.kind} was not started")
    came = wait_until(lambda: server.answers(part.ports) or not is_alive(process), seconds=_READY_SECONDS)
    if not is_alive(process):
        raise stopped_while_starting(server.kind, server.log)
    if not came:
        raise StackError(f"{server.kind} did not answer in {_READY_SECONDS} s: {telling_line_of(server.log)}")


def stop(parts: dict[Kind, Part]) -> dict[Kind, Part]:
    """Stop these servers side by side and cleanly; what has not ended in 20 seconds is killed. Ports are kept."""
    for kind, part in parts.items():
        if part.process is not None:
            # SIGINT is PostgreSQL's fast shutdown; on SIGTERM it would wait until every session has left.
            signal_if_alive(part.process, signal.SIGINT if kind == "postgres" else signal.SIGTERM)
    for part in parts.values():
        if part.process is not None:
            wait_until_gone(part.process, grace_seconds=_GRACE_SECONDS)
    return {kind: Part(part.ports, None) for kind, part in parts.items()}
