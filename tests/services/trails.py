"""What an application has on record, and how it is kept from recording."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI

from deploy.local.stack import Addresses


async def trail(application: FastAPI, **conditions: Any) -> list[asyncpg.Record]:
    """The rows of the audit in which these columns have these values, in the order of recording."""
    rows = await application.state.pool.fetch("SELECT * FROM audit ORDER BY number")
    return [row for row in rows if all(row[name] == value for name, value in conditions.items())]


@asynccontextmanager
async def unrecordable(application: FastAPI, stack: Addresses) -> AsyncIterator[None]:
    """Takes the application's grant to add to its audit away for a while."""
    pool = application.state.pool
    database, user = await pool.fetchval("SELECT current_database()"), await pool.fetchval("SELECT current_user")
    superuser = await asyncpg.connect(f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{database}")
    try:
        await superuser.execute(f'REVOKE INSERT ON audit FROM "{user}"')
        yield
        await superuser.execute(f'GRANT INSERT ON audit TO "{user}"')
    finally:
        await superuser.close()
