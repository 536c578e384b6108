"""The supervisor with doors that end, and doors that will not; its clock is moved by hand."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from deploy.doors import Door
from deploy.local.process import start_moment
from deploy.supervisor import Supervisor
from tests.waiting import until

INTAKE, CLINICAL = Door("intake", "app"), Door("clinical", "worker")
ENVIRONMENTS = {INTAKE: {"OWN_SECRET": "of intake"}, CLINICAL: {"OTHER_SECRET": "of clinical"}}
ENDS = ["sh", "-c", "exit 1"]
STAYS = ["sleep", "600"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()",
]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def supervise(tmp_path: Path, clock: Clock) -> Callable[[Sequence[str]], Supervisor]:
    """A supervisor of doors that run this command."""
    return lambda command: Supervisor(ENVIRONMENTS, tmp_path, lambda _: command, clock, stop_s=0.3)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until_it_ended(supervisor: Supervisor, door: Door) -> None:
    """Wait for the process that runs now to end, without the supervisor's looking."""
    pid = supervisor.pid(door)

    async def has_ended() -> bool:
        return start_moment(pid) is None

    await until(has_ended)


async def test_a_door_that_keeps_ending_is_started_again_after_growing_pauses(
    supervise: Callable[[Sequence[str]], Supervisor], clock: Clock
) -> None:
    with supervise(ENDS) as supervisor:
        supervisor.start([INTAKE])
        for number, pause in enumerate((0.5, 1, 2, 4, 8, 10, 10), start=1):
            await until_it_ended(supervisor, INTAKE)
            supervisor.watch()
            clock.now += pause - 0.01
            supervisor.watch()
            assert supervisor.restarts == number - 1
            clock.now += 0.02
            supervisor.watch()
            assert supervisor.restarts == number


async def test_after_a_minute_of_running_the_pause_is_short_again(
    supervise: Callable[[Sequence[str]], Supervisor], clock: Clock
) -> None:
    async def end_and_start_again(pause: float) -> None:
        before = supervisor.restarts
        os.kill(supervisor.pid(INTAKE), signal.SIGKILL)
        await until_it_ended(supervisor, INTAKE)
        supervisor.watch()
        clock.now += pause - 0.01
        supervisor.watch()
        assert supervisor.restarts == before
        clock.now += 0.02
        supervisor.watch()
        assert supervisor.restarts == before + 1

    with supervise(STAYS) as supervisor:
        supervisor.start([INTAKE])
        for pause in (0.5, 1, 2):
            await end_and_start_again(pause)
        clock.now += 61
        await end_and_start_again(0.5)


async def test_one_door_that_ends_leaves_the_others_alone(
    supervise: Callable[[Sequence[str]], Supervisor], clock: Clock
) -> None:
    with supervise(STAYS) as supervisor:
        supervisor.start([INTAKE, CLINICAL])
        before = supervisor.pid(CLINICAL), supervisor.pid(INTAKE)
        os.kill(supervisor.pid(INTAKE), signal.SIGKILL)
        await until_it_ended(supervisor, INTAKE)
        supervisor.watch()
        clock.now += 1
        supervisor.watch()
        assert supervisor.pid(CLINICAL) == before[0]
        assert supervisor.pid(INTAKE) != before[1]


async def test_a_signal_goes_to_a_door_that_runs_and_to_nobody_when_it_has_ended(
    supervise: Callable[[Sequence[str]], Supervisor],
) -> None:
    with supervise(STAYS) as supervisor:
        supervisor.start([INTAKE, CLINICAL])
        supervisor.send(INTAKE, signal.SIGKILL)
        await until_it_ended(supervisor, INTAKE)
        supervisor.send(INTAKE, signal.SIGKILL)
        assert is_running(supervisor.pid(CLINICAL))


async def test_leaving_ends_every_door_also_when_something_failed(
    supervise: Callable[[Sequence[str]], Supervisor],
) -> None:
    pids: list[int] = []

    def fail_inside() -> None:
        with supervise(STAYS) as supervisor:
            supervisor.start([INTAKE, CLINICAL])
            pids.extend(supervisor.pid(door) for door in (INTAKE, CLINICAL))
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert len(pids) == 2
    assert not list(filter(is_running, pids))


async def test_a_door_that_does_not_listen_is_ended_when_its_time_is_over(
    supervise: Callable[[Sequence[str]], Supervisor], tmp_path: Path
) -> None:
    supervisor = supervise(STUBBORN)

    async def are_deaf() -> bool:
        return all((tmp_path / f"{door}.log").read_text() == "deaf\n" for door in (INTAKE, CLINICAL))

    with supervisor:
        supervisor.start([INTAKE, CLINICAL])
        pids = [supervisor.pid(door) for door in (INTAKE, CLINICAL)]
        await until(are_deaf)
    assert not list(filter(is_running, pids))


async def test_each_door_is_told_its_own_secrets_and_writes_its_own_log(
    supervise: Callable[[Sequence[str]], Supervisor], tmp_path: Path
) -> None:
    with supervise(["env"]) as supervisor:
        supervisor.start([INTAKE, CLINICAL])
        for door in (INTAKE, CLINICAL):
            await until_it_ended(supervisor, door)
    intake, clinical = ((tmp_path / f"{door}.log").read_text() for door in (INTAKE, CLINICAL))
    assert "OWN_SECRET=of intake" in intake
    assert "OTHER_SECRET=of clinical" in clinical
    assert "OTHER_SECRET" not in intake
    assert "OWN_SECRET" not in clinical
    assert "SAMEPAGE_SUPERVISED=1" in intake


def test_a_door_runs_the_command_that_people_run(tmp_path: Path) -> None:
    command = Supervisor(ENVIRONMENTS, tmp_path).command(CLINICAL)
    assert [*command[1:]] == ["-m", "deploy.cli", "run", "clinical", "worker"]
