"""Who was erased, kept where a restored database cannot undo it: an append-only file beside it, one line a patient.

Guarantee: a line is on the disk before the key is destroyed, and is never taken back. A file that is missing or
cannot be read says nothing, so then no key is given or made: forgetting to mount it must not bring anybody back.
"""

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Protocol
from uuid import UUID

import orjson

from shared.errors import KeyRingAway
from shared.events import ErasureReason
from shared.sealing import Patient


class Tombstone(NamedTuple):
    reason: ErasureReason
    erased_at: datetime


class Tombstones(Protocol):
    """The list of the erased. A bucket that can only be added to may stand behind it."""

    def all(self) -> Mapping[Patient, Tombstone]:
        """Everybody on it, the first erasure of each. Cheap when nothing was added.

        Raises:
            KeyRingAway: it cannot be read.
        """

    def add(self, patient: Patient, tombstone: Tombstone) -> None:
        """Put a patient on it, durably; adding again changes nothing.

        Raises:
            KeyRingAway: it cannot be written, and nothing was added.
        """


@dataclass
class FileTombstones:
    """The list as a file that is there from the start, empty. All processes must see the same file."""

    file: Path
    _known: dict[Patient, Tombstone] = field(default_factory=dict)
    _read_up_to: int = 0
    _reading: Lock = field(default_factory=Lock)

    def all(self) -> Mapping[Patient, Tombstone]:
        try:
            with self._reading:
                if (size := self.file.stat().st_size) != self._read_up_to:
                    self._read_on(size)
        except OSError:
            raise KeyRingAway("the file of tombstones cannot be read") from None
        return self._known

    def add(self, patient: Patient, tombstone: Tombstone) -> None:
        if patient in self.all():
            return
        entry = {"site_id": patient.site_id, "patient_id": str(patient.patient_id), **tombstone._asdict()}
        try:
            _append(self.file, orjson.dumps(entry) + b"\n")
        except OSError:
            raise KeyRingAway("the file of tombstones cannot be written") from None

    def _read_on(self, size: int) -> None:
        if size < self._read_up_to:
            raise KeyRingAway("the file of tombstones is shorter than it was")
        with self.file.open("rb") as lines:
            lines.seek(self._read_up_to)
            for line in lines:
                if line.endswith(b"\n"):  # else somebody is writing it
                    self._learn(line)
                    self._read_up_to += len(line)

    def _learn(self, line: bytes) -> None:
        try:
            entry = orjson.loads(line)
            patient = Patient(entry["site_id"], UUID(entry["patient_id"]))
            tombstone = Tombstone(ErasureReason(entry["reason"]), datetime.fromisoformat(entry["erased_at"]))
        except (ValueError, KeyError, TypeError):
            raise KeyRingAway("the file of tombstones has a line that cannot be read") from None
        self._known.setdefault(patient, tombstone)


def _append(file: Path, line: bytes) -> None:
    """All of the line or nothing of it; what a crash left of a line is cut off first."""
    with file.open("rb+", buffering=0) as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        end = out.read().rfind(b"\n") + 1
        out.truncate(end)
        out.seek(end)
        if out.write(line) != len(line):
            out.truncate(end)
            raise OSError("no space for the line")
        os.fsync(out)
