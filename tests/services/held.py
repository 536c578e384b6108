"""Somebody else who holds what an application needs, so that a test decides what happens first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI

from shared.db import Connection, Lockable, lock
from shared.group_commit import GroupSettings
from tests.conftest import FreshDatabase
from tests.waiting import until

# One writer of groups, which waits for what is held: what comes meanwhile is the next group.
ONE_GROUP = GroupSettings(writers=1, lock_wait_s=30)
WAITING = """
    SELECT count(DISTINCT pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@asynccontextmanager
async def held(application: FastAPI, *things: Lockable) -> AsyncIterator[Connection]:
    """Holds these things in a transaction, which may write meanwhile and is committed at the end."""
    database: FreshDatabase = application.state.database
    connection = await asyncpg.connect(database.admin)
    try:
        async with connection.transaction():
            await lock(connection, things)
            yield connection
    finally:
        await connection.close()


async def until_waiting(application: FastAPI, number: int = 1) -> None:
    """Until so many wait in the application's database for what others hold."""
    database: FreshDatabase = application.state.database

    async def are_waiting() -> bool:
        return bool(await database.value(WAITING) >= number)

    await until(are_waiting)
