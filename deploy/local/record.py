"""What the local stack remembers between two commands: `var/stack.json`, readable by its owner only.

Guarantee: the file is replaced in one step, so a command that is interrupted leaves the old or the new one. An
unreadable file counts as no file.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from deploy.local.process import ProcessId, is_alive

BrokerKind = Literal["kafka", "tansu"]
Kind = Literal["postgres", "kafka", "tansu"]
KINDS: tuple[Kind, ...] = ("postgres", "kafka", "tansu")


@dataclass(frozen=True)
class Part:
    """One server: its ports, kept over a stop so that they can be used again, and its process while it runs."""

    ports: tuple[int, ...]
    process: ProcessId | None

    @property
    def running_pid(self) -> int | None:
        """The pid while the recorded process is there; whether it answers is another question."""
        return self.process.pid if self.process is not None and is_alive(self.process) else None


@dataclass(frozen=True)
class Record:
    """The content of the file. `postgres_password` is the superuser's."""

    postgres_password: str | None = field(repr=False)
    broker_kind: BrokerKind | None
    parts: dict[Kind, Part]

    @classmethod
    def load(cls, path: Path) -> Self:
        """The record, or an empty one when there is no readable file."""
        try:
            stored = json.loads(path.read_text())
            parts: dict[Kind, Part] = {kind: _part(stored["parts"][kind]) for kind in KINDS if kind in stored["parts"]}
            return cls(stored["postgres_password"], stored["broker_kind"], parts)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return cls(None, None, {})

    def save(self, path: Path) -> None:
        """Replace the file in one step, with mode 0600."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=2)
        draft.replace(path)

    @property
    def running_broker_kind(self) -> BrokerKind | None:
        """Which broker the processes that still run were started with; None when none runs."""
        return self.broker_kind if any(part.running_pid for part in self.parts.values()) else None


def _part(stored: dict[str, Any]) -> Part:
    process = stored["process"]
    return Part(tuple(stored["ports"]), ProcessId(**process) if process else None)
