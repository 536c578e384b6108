"""A disk of PostgreSQL's own that can be full: a file system in memory, made as small as what stands on it.

Where nobody may mount one (it takes root, on Linux) PostgreSQL stays where it is, and its disk is never full.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.stack import Stack

DISK_NEEDS = "root, and a file system in memory"
_ROOM = "4g"
# What may still be written when it is full: PostgreSQL writes on while its size is measured.
_SLACK_BYTES = 256 * 1024
_TRIES = 20


@dataclass(frozen=True)
class SmallDisk:
    """Mounted at `place`."""

    place: Path

    def take(self, data: Path) -> None:
        """Have a folder that nobody uses now on this disk; where it was is a link to it."""
        moved = self.place / data.name
        subprocess.run(["cp", "--archive", str(data), str(moved)], check=True)
        shutil.rmtree(data)
        data.symlink_to(moved)

    def fill(self) -> bool:
        """Leave no room; False where more is written meanwhile, every time, than would leave any."""
        return any(self._resize(str(self._used() + _SLACK_BYTES)) for _ in range(_TRIES))

    def _used(self) -> int:
        there = os.statvfs(self.place)
        return (there.f_blocks - there.f_bfree) * there.f_frsize

    def clear(self) -> None:
        """Leave room again."""
        self._resize(_ROOM)

    def _resize(self, size: str) -> bool:
        return _succeeds(["mount", "-o", f"remount,size={size}", str(self.place)])


@contextmanager
def small_disk(home: Path, place: Path, *, is_wanted: bool) -> Iterator[SmallDisk | None]:
    """A disk for the stack at `home`, which is stopped before the disk goes; None where none can be had."""
    _let_go(home, place)
    try:
        yield SmallDisk(place) if is_wanted and _mounted(place) else None
    finally:
        _let_go(home, place)


def _mounted(place: Path) -> bool:
    place.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_ROOM},mode=0755", "samepage-chaos", str(place)]
    return shutil.which("mount") is not None and _succeeds(mount)


def _let_go(home: Path, place: Path) -> None:
    """Also the disk of a run that was killed."""
    if place.is_mount():
        Stack().down(home)
        subprocess.run(["umount", str(place)], check=True)


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
