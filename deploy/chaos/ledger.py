"""What clients were told, each answer as it came: a file of JSON lines that is only ever added to.

The ledger is the clients' own: the auditor believes it against every table of the system. An answer is on disk before
its client asks for anything else.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

NEVER = 0
"""The status of what was never answered."""
_TAIL = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item and what became of it.

    `what` is a key of `deploy.chaos.writes.WRITES`. `problem` says why it was refused, `is_expected` that it had to be.
    `thing` is the id that the service gave, `receipt` the event's. `state` is what the item changed the thing to.
    `lost` counts how often it was asked before and not answered: where no key binds them, each may have had an effect.
    """

    what: str
    site_id: str
    status: int
    patient_id: str | None = None
    thing: str | None = None
    receipt: str | None = None
    state: str | None = None
    problem: str | None = None
    is_expected: bool = False
    lost: int = 0

    @property
    def is_accepted(self) -> bool:
        return 200 <= self.status < 300


class Ledger:
    """The file, open for adding."""

    def __init__(self, file: Path) -> None:
        self._out = file.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        os.fsync(self._out.fileno())
        self._out.close()

    def add(self, entries: Sequence[Entry]) -> None:
        """One write, so that whoever reads meanwhile sees whole lines."""
        self._out.write(b"".join(orjson.dumps(asdict(entry)) + b"\n" for entry in entries))


def entries_of(file: Path) -> Iterator[Entry]:
    """Everything in a ledger, in the order in which it was answered."""
    with file.open("rb") as lines:
        yield from map(_entry, lines)


def newest_of(file: Path, what: str, most: int) -> list[Entry]:
    """What was accepted last of one kind, oldest first; no more of it than stands near the end of the ledger."""
    with file.open("rb") as lines:
        before = max(0, lines.seek(0, os.SEEK_END) - _TAIL)
        lines.seek(before)
        whole = lines.read().splitlines()[1 if before else 0 :]
    found = [entry for entry in map(_entry, whole) if entry.what == what and entry.is_accepted]
    return found[-most:]


def ledger_in(home: Path) -> Path:
    """Where the clients of a network keep it."""
    return home / "ledger.jsonl"


def _entry(line: bytes) -> Entry:
    return Entry(**orjson.loads(line))
