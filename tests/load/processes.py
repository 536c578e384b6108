"""What processes cost, from /proc: CPU time and resident memory."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far, all its threads together; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


class Clock:
    """CPU seconds of processes from now on. A process that comes later counts from its start."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._begun = {pid: cpu_s(pid) for pid in pids}

    def spent_s(self, pids: Iterable[int]) -> float:
        """What these have used since then."""
        return sum(max(cpu_s(pid) - self._begun.get(pid, 0.0), 0.0) for pid in pids)


def resident_mib(pid: int) -> float:
    """Resident memory of a process and its children; what they share is shared out (proportional set size)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own / 1024 + sum(resident_mib(int(child)) for child in children)
