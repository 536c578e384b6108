"""What some faults need: a clock that jumps under a running process, a disk that is slow or full; where none can be."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.chaos.clocks import clocks_in
from deploy.chaos.disk import DISK_NEEDS, SmallDisk, small_disk
from deploy.chaos.flushes import flushes_in
from deploy.chaos.means import means_for
from deploy.chaos.shims import SHIMS_NEED
from deploy.doors import Door

DOOR, OTHER = Door("intake", "app"), Door("clinical", "worker")
SAYS_THE_TIME = """
import sys, time
from datetime import datetime
for _ in sys.stdin:
    print(time.time(), datetime.now().timestamp(), time.monotonic(), flush=True)
"""
SAYS_HOW_LONG_FLUSHES_TAKE = """
import os, sys, time
for _ in sys.stdin:
    with open("/dev/null", "wb") as file:
        for flush in (os.fsync, os.fdatasync):
            began = time.monotonic()
            try:
                flush(file.fileno())
            except OSError:  # there is nothing to flush
                print(time.monotonic() - began, end=" ")
    print(flush=True)
"""
NEAR_S = 30.0


@contextmanager
def a_process(program: str, told: Mapping[str, str]) -> Iterator[Callable[[], list[float]]]:
    """Something that says numbers when it is asked."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env={**os.environ, **told}, text=True) as process:  # noqa: S603 - our own
        asking, answering = process.stdin, process.stdout
        assert asking is not None
        assert answering is not None

        def ask() -> list[float]:
            asking.write("now\n")
            asking.flush()
            return [float(said) for said in answering.readline().split()]

        yield ask
        asking.close()


def test_a_clock_jumps_under_a_running_process_and_back_and_time_itself_runs_on(tmp_path: Path) -> None:
    clocks = clocks_in(tmp_path)
    if clocks is None:
        pytest.skip(SHIMS_NEED)
    with a_process(SAYS_THE_TIME, clocks[DOOR].environment) as ask:
        for ahead_s in (0, 7200, -300, 0):
            clocks[DOOR].set(ahead_s)
            clocks[OTHER].set(99_000)
            *walls, monotonic = ask()
            assert [wall == pytest.approx(time.time() + ahead_s, abs=NEAR_S) for wall in walls] == [True, True]
            assert monotonic == pytest.approx(time.monotonic(), abs=NEAR_S)


def test_a_flush_takes_longer_by_what_the_shim_is_told_while_the_process_runs(tmp_path: Path) -> None:
    flushes = flushes_in(tmp_path)
    if flushes is None:
        pytest.skip(SHIMS_NEED)
    with a_process(SAYS_HOW_LONG_FLUSHES_TAKE, flushes.environment) as ask:
        for longer_s in (0.3, 1.0):
            flushes.set(longer_s)
            assert [took >= longer_s for took in ask()] == [True, True]
        flushes.set(0)
        assert max(ask()) < 1.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "home", tmp_path / "disk", is_wanted=True) as small:
        if small is None:
            pytest.skip(DISK_NEEDS)
        yield small
    assert not (tmp_path / "disk").is_mount()


def test_a_disk_is_full_until_it_is_cleared(disk: SmallDisk, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "kept").write_bytes(b"what was there before")
    disk.take(data)
    assert disk.fill()
    with pytest.raises(OSError, match="No space left") as full:
        (data / "more").write_bytes(bytes(1_000_000))
    assert full.value.errno == errno.ENOSPC
    disk.clear()
    (data / "more").write_bytes(bytes(1_000_000))
    assert (data / "kept").read_bytes() == b"what was there before"


def test_a_machine_that_allows_none_leaves_these_faults_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with means_for(tmp_path / "home", {"full-disk", "clock-jump", "slow-flush", "kill-door"}) as means:
        assert means.left_out == {"full-disk": DISK_NEEDS, "clock-jump": SHIMS_NEED, "slow-flush": SHIMS_NEED}
        assert (means.disk, means.clocks, means.flushes) == (None, None, None)


def test_nothing_is_prepared_and_nothing_left_out_where_no_fault_needs_it(tmp_path: Path) -> None:
    with means_for(tmp_path / "home", {"kill-door"}) as means:
        assert (means.disk, means.clocks, means.flushes, means.left_out) == (None, None, None, {})
