"""One transaction a request or batch, whatever becomes of the connection under it."""

import asyncio

import pytest

from shared.db import open_pool, savepoint, transaction
from tests.shared.wire import wire_to
from tests.waiting import until


async def test_a_task_that_is_cancelled_while_its_connection_is_lost_ends_cancelled(source_dsn: str) -> None:
    """Else a worker that is told to stop during an outage takes the failed rollback for a reason to try again."""
    is_open = asyncio.Event()
    async with wire_to(source_dsn) as wire, open_pool(wire.dsn, size=1) as pool:

        async def work() -> None:
            async with transaction(pool) as connection, savepoint(connection):
                is_open.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await is_open.wait()
        wire.unplug()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_what_was_to_be_rolled_back_is_not_committed_by_who_comes_next(source_dsn: str) -> None:
    """The pool hands a connection on as it is: one whose rollback was cancelled must not be in it any more."""
    async with wire_to(source_dsn) as wire, open_pool(wire.dsn, size=1) as pool:
        await pool.execute("CREATE TABLE note (words text)")

        async def fail() -> None:
            async with transaction(pool) as connection:
                await connection.execute("INSERT INTO note VALUES ('not meant')")
                wire.hold()
                raise ValueError("no")

        task = asyncio.create_task(fail())

        async def is_rolling_back() -> bool:
            return wire.is_holding_something

        await until(is_rolling_back)
        task.cancel()
        wire.release()
        with pytest.raises((asyncio.CancelledError, ValueError)):
            await task
        async with transaction(pool) as connection:
            await connection.execute("INSERT INTO note VALUES ('meant')")
        assert [row["words"] for row in await pool.fetch("SELECT words FROM note")] == ["meant"]
