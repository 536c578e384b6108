"""A job is done again whatever was away, at once where there is more, and ends by what is our own mistake."""

import asyncio
from collections.abc import Iterator

import pytest
import structlog

from shared.errors import KeyRingAway, busy
from shared.jobs import all_of, keep_doing

LONG_S = 3600.0


class OurMistake(Exception):
    """What no job foresees."""


async def done(*came_to: object, every_s: float = 0.0, within_s: float = 10.0) -> list[str]:
    """What the log has once a job that comes to these in turn has ended by a mistake of ours."""
    turns: Iterator[object] = iter([*came_to, OurMistake()])

    async def job() -> object:
        turn = next(turns)
        if isinstance(turn, Exception):
            raise turn
        return turn

    with structlog.testing.capture_logs() as logged, pytest.raises(OurMistake):
        await asyncio.wait_for(keep_doing(job, every_s=every_s, otherwise="letters wait"), within_s)
    return [f"{entry['event']}: {entry['failure']}" for entry in logged]


async def test_what_is_away_or_cannot_be_put_on_record_is_waited_for() -> None:
    assert await done(KeyRingAway(), None, ConnectionError(), busy()) == [
        "letters wait: KeyRingAway",
        "letters wait: ConnectionError",
        f"letters wait: {busy().kind}",
    ]


async def test_where_there_is_more_it_is_done_at_once() -> None:
    assert await done(3, True, every_s=LONG_S) == []


async def test_where_there_is_no_more_it_waits() -> None:
    with pytest.raises(TimeoutError):
        await done(0, every_s=LONG_S, within_s=0.05)


async def test_all_are_waited_for_whatever_becomes_of_one() -> None:
    came = list[int]()

    async def work(number: int) -> None:
        if number == 0:
            raise OurMistake
        await asyncio.get_running_loop().run_in_executor(None, came.append, number)

    with pytest.raises(OurMistake):
        await all_of(map(work, range(3)))
    assert sorted(came) == [1, 2]
