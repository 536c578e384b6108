"""Wall clocks that jump, each door's own: a preloaded shim adds what a file says, the machine's clock is left alone.

It reaches what a door stamps and compares by the time of day. PostgreSQL's and Kafka's clocks, and all that waits and
times out by the monotonic clock, are not touched.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.doors import DOORS, Door

CLOCKS_NEED = "a C compiler, on Linux"
_SOURCE = Path(__file__).with_name("jumping_clock.c")


@dataclass(frozen=True)
class Clocks:
    """The clocks of all doors, in files of one folder; `shim` is what doors must preload."""

    folder: Path
    shim: Path

    def told_to(self, door: Door) -> Mapping[str, str]:
        """The environment by which a door goes by its clock, beside what it preloads already."""
        preloaded = " ".join(filter(None, (os.environ.get("LD_PRELOAD"), str(self.shim))))
        return {"LD_PRELOAD": preloaded, "JUMPING_CLOCK": str(self._file(door))}

    def set(self, door: Door, ahead_s: int) -> None:
        """Let a door's clock jump, whether the door runs or not: so far ahead of the machine's."""
        with self._file(door).open("r+b") as file:
            file.write(struct.pack("d", float(ahead_s)))

    def _file(self, door: Door) -> Path:
        return self.folder / str(door)


def clocks_in(folder: Path) -> Clocks | None:
    """Clocks that are right; None where they cannot be had, for want of what `CLOCKS_NEED` says."""
    compiler = shutil.which("cc")
    if compiler is None or os.uname().sysname != "Linux":
        return None
    folder.mkdir(parents=True, exist_ok=True)
    shim = folder / "jumping_clock.so"
    build = [compiler, "-O2", "-shared", "-fPIC", "-o", str(shim), str(_SOURCE), "-ldl"]
    if subprocess.run(build, capture_output=True, check=False, timeout=60).returncode != 0:
        return None
    for door in DOORS:
        (folder / str(door)).write_bytes(struct.pack("d", 0.0))
    return Clocks(folder, shim)
