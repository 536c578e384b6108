"""Keeps the ten doors running: starts them, starts again what ends, with growing pauses, and stops them all.

A door that ends by itself is started again after 0.5 s, then 1 s, 2 s, ... at most 10 s; after a minute of running the
pause is short again. Each door writes to `var/log/<door>.log`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.doors import Door

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_SETTLED_S = 60.0


def command_of(door: Door) -> Sequence[str]:
    """What runs a door."""
    return [sys.executable, "-m", "deploy.cli", "run", door.service, door.kind]


@dataclass
class _Run:
    process: subprocess.Popen[bytes]
    started_at: float
    pause_s: float = _FIRST_PAUSE_S
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Owns the processes of some doors, each told its own settings. Leaving the context stops them all.

    `command` is what a door runs, `stop_s` how long all of them have to end by themselves.
    """

    environments: Mapping[Door, Mapping[str, str]] = field(repr=False)
    logs: Path
    command: Callable[[Door], Sequence[str]] = command_of
    clock: Callable[[], float] = time.monotonic
    stop_s: float = 10.0
    restarts: int = 0
    _runs: dict[Door, _Run] = field(default_factory=dict)

    def __enter__(self) -> "Supervisor":
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, doors: Iterable[Door]) -> None:
        """Start doors; returns at once."""
        for door in doors:
            self._runs[door] = _Run(self._spawn(door), self.clock())

    def watch(self) -> None:
        """Look once: note what ended, and start it again when its pause is over. Call it a few times a second."""
        now = self.clock()
        for door, run in self._runs.items():
            if run.process.poll() is None:
                continue
            if run.restart_at is None:
                is_settled = now - run.started_at > _SETTLED_S
                run.pause_s = _FIRST_PAUSE_S if is_settled else run.pause_s
                run.restart_at = now + run.pause_s
            elif now >= run.restart_at:
                pause = min(run.pause_s * 2, _LONGEST_PAUSE_S)
                self._runs[door] = _Run(self._spawn(door), now, pause)
                self.restarts += 1

    def pid(self, door: Door) -> int:
        """The process that a door runs in now."""
        return self._runs[door].process.pid

    def send(self, door: Door, number: signal.Signals) -> None:
        """Send a signal to the process of a door, unless it has ended."""
        self._runs[door].process.send_signal(number)

    def stop(self) -> None:
        """Ask all to end, wait, and end what does not."""
        for run in self._runs.values():
            run.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + self.stop_s
        for run in self._runs.values():
            try:
                run.process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                run.process.kill()
                run.process.wait()
        self._runs.clear()

    def _spawn(self, door: Door) -> subprocess.Popen[bytes]:
        with (self.logs / f"{door}.log").open("ab") as log:
            return subprocess.Popen(
                self.command(door),
                env={**os.environ, **self.environments[door], "SAMEPAGE_SUPERVISED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
