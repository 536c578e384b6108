"""The two kinds of load: a closed loop (wrk) says how much, an open loop (our Go program) says how long it takes.

wrk sends the next request when the last one was answered, on so many connections. The open loop sends at a fixed
rate whatever the answers do. It is a program of our own because no ready one can take a receipt out of one answer and
ask for it in the next request; it says how late it was itself.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.load.figures import DRIVER, FAILED, LATE, MEDIAN, P99, Measure
from tests.load.subjects import Subject
from tests.load.tools import SOURCES, Tools


class BadRun(Exception):
    """A run whose figures would mean nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What a closed loop found. `used`: how many of the visits have a survey now."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    failed: int
    used: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def closed(tools: Tools, url: str, script: str, connections: int, seconds: int, arguments: Sequence[str]) -> Closed:
    """Load for so many seconds; arguments are those of the script.

    Raises:
        BadRun: a request failed, or none was answered.
    """
    command = [tools.wrk, "--threads=1", f"--connections={connections}", f"--duration={seconds}s"]
    command += ["--timeout=10s", f"--script={SOURCES / script}", url, "--", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    found = closed_of(done.stdout)
    if found is None:
        raise BadRun(f"wrk said nothing that can be read: {done.stderr or done.stdout}")
    if found.failed or not found.requests:
        raise BadRun(f"{script}: {found.requests} requests were answered in {seconds} s and {found.failed} failed.")
    return found


def closed_of(output: str) -> Closed | None:
    """The result in the output of wrk with one of our scripts."""
    line = next((line for line in output.splitlines() if line.startswith("RESULT ")), None)
    return None if line is None else Closed(**json.loads(line.removeprefix("RESULT ")))


@dataclass(frozen=True, slots=True)
class Open:
    """What an open loop found. Delays count from the moment a request was due; a failed one has the whole patience."""

    due: int
    delays_ms: Sequence[float]
    late_ms: Sequence[float]
    failed: dict[str, int]
    cpu_s: float
    lasting_s: float

    def measures(self) -> dict[Measure, float]:
        """Median and 99th percentile over all that were due, how many failed, and whether the driver kept up."""
        ordered = sorted(self.delays_ms)
        return {
            MEDIAN: percentile(ordered, 50),
            P99: percentile(ordered, 99),
            FAILED: 100 * sum(self.failed.values()) / self.due,
            LATE: percentile(sorted(self.late_ms), 99),
            DRIVER: 100 * self.cpu_s / self.lasting_s,
        }


def opened(
    tools: Tools, subject: Subject, folder: Path, kind: str, *, rate: float, seconds: float, skip: int = 0
) -> Open:
    """Send at this rate for so long, and wait ten seconds at most for what is still under way.

    Raises:
        BadRun: the program itself stopped.
    """
    command = [tools.open_loop, f"-targets={folder}", f"-kind={kind}", f"-rate={rate}", f"-seconds={seconds}"]
    command += [f"-skip={skip}", f"-prefix={uuid4().hex}-"]
    command += [f"-intake={subject.url('intake')}", f"-dashboard={subject.url('dashboard')}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if done.returncode != 0:
        raise BadRun(f"The open loop stopped: {done.stderr.strip()}")
    return Open(**json.loads(done.stdout))


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed (nearest rank)."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]
