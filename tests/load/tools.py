"""What is not Python: the load generators, and a disk that can be slowed down; built when needed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.chaos.flushes import flushes_in
from deploy.chaos.shims import SHIMS_NEED, Dial

SOURCES = Path(__file__).parent / "programs"


class Missing(Exception):
    """A program that the bench cannot do without is not here; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """`flushes` is None where there is no C compiler: then disks stay as fast as they are."""

    wrk: str
    open_loop: str
    flushes: Dial | None
    left_out: tuple[str, ...]


def find_tools(folder: Path) -> Tools:
    """All programs, ready to run; what has to be built is built in `folder`.

    Raises:
        Missing: no wrk, or nothing to build the open loop with.
    """
    wrk, go = (shutil.which(name) for name in ("wrk", "go"))
    if wrk is None:
        raise Missing("wrk sends the load and is not here: install it with `apt-get install wrk`.")
    if go is None:
        raise Missing("The open loop is a Go program and there is no Go here: `apt-get install golang-go`.")
    folder.mkdir(parents=True, exist_ok=True)
    open_loop = _built(folder / "openloop", "openloop.go", [go, "build", "-o"])
    flushes = flushes_in(folder)
    left_out = () if flushes else (f"The disk could not be slowed down, which needs {SHIMS_NEED}.",)
    return Tools(wrk, str(open_loop), flushes, left_out)


def _built(program: Path, source: str, command: list[str]) -> Path:
    code = SOURCES / source
    if not program.exists() or program.stat().st_mtime < code.stat().st_mtime:
        subprocess.run([*command, str(program), str(code)], check=True, timeout=300)
    return program
