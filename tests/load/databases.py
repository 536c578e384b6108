"""Databases of the bench's own PostgreSQL, asked and copied as its superuser."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import asyncpg


def fetch(dsn: str, statement: str, *arguments: object) -> list[Any]:
    """The rows of one statement on a connection of its own."""

    async def ask() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    return asyncio.run(ask())


def execute(dsn: str, statements: str) -> None:
    """Run statements that answer nothing, in one go."""

    async def do() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    asyncio.run(do())


def copy_into(dsn: str, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """Add rows by COPY."""

    async def do() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.copy_records_to_table(table, records=rows, columns=columns)
        finally:
            await connection.close()

    asyncio.run(do())


def copy_database(admin_dsn: str, source: str, copy: str) -> None:
    """A copy with everything in it, in place of one that was there. Nobody may be connected to the source."""
    (owner,) = fetch(
        admin_dsn, "SELECT quote_ident(pg_get_userbyid(datdba)) AS name FROM pg_database WHERE datname = $1", source
    )
    drop_database(admin_dsn, copy)
    execute(admin_dsn, f'CREATE DATABASE "{copy}" TEMPLATE "{source}" OWNER {owner["name"]} STRATEGY file_copy')


def drop_database(admin_dsn: str, name: str) -> None:
    execute(admin_dsn, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def sessions_of(admin_dsn: str, databases: Collection[str]) -> dict[str, list[int]]:
    """The pids of PostgreSQL's processes that serve clients of these databases, by database."""
    statement = "SELECT datname, pid FROM pg_stat_activity WHERE datname = ANY($1) AND backend_type = 'client backend'"
    found: dict[str, list[int]] = {database: [] for database in databases}
    for row in fetch(admin_dsn, statement, list(databases)):
        found[row["datname"]].append(row["pid"])
    return found


def flush_ms(admin_dsn: str) -> float:
    """What one durable commit takes here, the median of a hundred, in milliseconds."""

    async def ask() -> float:
        connection = await asyncpg.connect(admin_dsn)
        try:
            await connection.execute("CREATE TABLE IF NOT EXISTS flush (n integer)")
            loop, times = asyncio.get_running_loop(), []
            for _ in range(100):
                began = loop.time()
                await connection.execute("INSERT INTO flush VALUES (1)")
                times.append((loop.time() - began) * 1000)
            return sorted(times)[50]
        finally:
            await connection.close()

    return asyncio.run(ask())
