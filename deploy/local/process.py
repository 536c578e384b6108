"""Processes that outlive the command that started them.

Guarantee: a process is named by its pid and the moment it started, so a recycled pid is never taken for ours.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError, stopped_while_starting, telling_line

_POLL_SECONDS = 0.05
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class ProcessId:
    """A pid and, opaque, when that process started."""

    pid: int
    started: str


def start_moment(pid: int) -> str | None:
    """When the process with this pid started, as an opaque text; None when there is none or it has ended."""
    if _BOOT_ID.exists():
        return _start_moment_from_proc(pid)
    return _start_moment_from_ps(pid)


def program_name(pid: int) -> str | None:
    """What the process with this pid runs, without its directory; None when there is none or it has ended."""
    if start_moment(pid) is None:
        return None
    ask = ["ps", "-o", "comm=", "-p", str(pid)]
    name = Path(f"/proc/{pid}/comm")
    shown = (
        name.read_text() if name.exists() else subprocess.run(ask, capture_output=True, text=True, check=False).stdout
    )
    return Path(shown.strip()).name


def is_alive(process: ProcessId) -> bool:
    """Whether exactly this process still runs."""
    return start_moment(process.pid) == process.started


def spawn(
    kind: str, command: Sequence[str], *, log: Path, cwd: Path, environment: Mapping[str, str] | None = None
) -> ProcessId:
    """Start a server of this kind in its own session; its output goes to `log`, that of before to `log.previous`.

    `environment` is added to ours.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(log.name + ".previous"))
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    finally:
        os.close(output)
    child.returncode = 0  # it is meant to outlive this object, which would otherwise warn that it still runs
    started = start_moment(child.pid)
    if started is None:
        raise stopped_while_starting(kind, log)
    return ProcessId(child.pid, started)


def signal_if_alive(process: ProcessId, number: signal.Signals) -> None:
    """Send the signal, unless the process has ended (its pid may be someone else's by now)."""
    if is_alive(process):
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


def wait_until_gone(process: ProcessId, *, grace_seconds: float) -> None:
    """Wait for a process that was asked to stop; kill it when it has not within the grace."""
    if not wait_until(lambda: not is_alive(process), seconds=grace_seconds):
        signal_if_alive(process, signal.SIGKILL)
        if not wait_until(lambda: not is_alive(process), seconds=10):
            raise StackError(f"Process {process.pid} does not end, even when killed")
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def run(command: Sequence[str], *, what: str, cwd: Path | None = None, seconds: float = 60, stdin: str = "") -> str:
    """The standard output of a short command; a failure is a `StackError` that begins with `what`."""
    try:
        done = subprocess.run(
            command, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"{what} took more than {seconds:.0f} seconds and was stopped") from error
    if done.returncode != 0:
        raise StackError(f"{what} failed: {telling_line(done.stderr + done.stdout)}")
    return done.stdout


def _start_moment_from_proc(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, start_ticks = fields[0], fields[19]
    # The ticks count from boot, so only together with the boot do they name a moment.
    return None if state in "ZX" else f"{_BOOT_ID.read_text().strip()}/{start_ticks}"


def _start_moment_from_ps(pid: int) -> str | None:
    ask = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    shown = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    return None if not shown or shown.startswith("Z") else shown.partition(" ")[2].strip()
