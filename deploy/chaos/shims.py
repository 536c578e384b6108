"""Programs in C that a process preloads, and the numbers that they go by, which may change while it runs."""

import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHIMS_NEED = "a C compiler, on Linux"


def built(name: str, folder: Path) -> Path | None:
    """A shim out of the source beside this file; None where it cannot be had, for want of what `SHIMS_NEED` says."""
    compiler = shutil.which("cc")
    if compiler is None or os.uname().sysname != "Linux":
        return None
    folder.mkdir(parents=True, exist_ok=True)
    shim = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    build = [compiler, "-O2", "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"]
    is_built = subprocess.run(build, capture_output=True, check=False, timeout=60).returncode == 0
    return shim if is_built else None


@dataclass(frozen=True)
class Dial:
    """The number that a preloaded shim goes by: a file that the variable `name` leads it to."""

    shim: Path
    name: str
    file: Path

    def set(self, number: float) -> None:
        """Whether a process that goes by it runs or not."""
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("d", number))

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to go by it, beside what it preloads already."""
        preloaded = " ".join(filter(None, (os.environ.get("LD_PRELOAD"), str(self.shim))))
        return {"LD_PRELOAD": preloaded, self.name: str(self.file)}
