"""What stands in the databases of a service, past the walls."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from shared.db import Connection

_TABLES = """
SELECT relname AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'audit'
AND (NOT $1 OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'site_id'))
"""
_ROWS = """
SELECT '{table}' AS name, count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '')
AS rows FROM {table} AS t WHERE {condition}
"""
_WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE NOT granted AND datname = current_database()
"""


@dataclass(frozen=True)
class Inside:
    """The service's own database first, then that of the key ring where it has one."""

    databases: Sequence[Connection]

    @classmethod
    @asynccontextmanager
    async def of(cls, *dsns: str) -> AsyncIterator["Inside"]:
        async with AsyncExitStack() as opened:
            connections = [await asyncpg.connect(dsn) for dsn in dsns]
            for connection in connections:
                opened.push_async_callback(connection.close)
            yield cls(connections)

    async def rows(self, site: str | None = None) -> dict[str, str]:
        """Number and digest of the rows of each table but the audit; of a site's only, where one is named."""
        condition, arguments = ("true", []) if site is None else ("site_id = $1", [site])
        found: dict[str, str] = {}
        for database in self.databases:
            tables = await database.fetch(_TABLES, site is not None)
            counts = [_ROWS.format(table=table["name"], condition=condition) for table in tables]
            rows = await database.fetch(" UNION ALL ".join(counts), *arguments)
            found |= {row["name"]: row["rows"] for row in rows}
        return found

    @asynccontextmanager
    async def unwritable(self, table: str) -> AsyncIterator[None]:
        """Whoever would insert into this table waits until the end."""
        async with self.databases[0].transaction():
            await self.databases[0].execute(f"LOCK TABLE {table} IN SHARE MODE")
            yield

    async def is_waited(self) -> bool:
        """Whether somebody waits in the service's own database."""
        return bool(await self.databases[0].fetchval(_WAITING))

    async def on_record(self, request_ids: Collection[str]) -> list[asyncpg.Record]:
        """The rows of the audit that these requests have left."""
        return await self.databases[0].fetch("SELECT * FROM audit WHERE request_id = ANY($1)", list(request_ids))
