"""What an application has on record, and how it is kept from recording."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI

from tests.conftest import FreshDatabase


async def trail(application: FastAPI, **conditions: Any) -> list[asyncpg.Record]:
    """The rows of the audit in which these columns have these values, in the order of recording."""
    rows = await application.state.database.rows("SELECT * FROM audit ORDER BY number")
    return [row for row in rows if all(row[name] == value for name, value in conditions.items())]


@asynccontextmanager
async def unrecordable(application: FastAPI) -> AsyncIterator[None]:
    """Takes the application's grant to add to its audit away for a while."""
    database: FreshDatabase = application.state.database
    await database.run("REVOKE INSERT ON audit FROM samepage_app")
    yield
    await database.run("GRANT INSERT ON audit TO samepage_app")
