"""A read model built again from the log beside the live one, compared with it, and put in its place.

The rebuild runs the same handlers on tables of the same names in the schema `rebuild`, with offsets of its own from
0, while the live consumer goes on. For the comparison the live offsets are held for a moment; a patient whose events
were applied equally far on both sides must have equal bytes. The tables that were live before stay in the schema
`previous` for going back.

The worker's role fills and compares the tables, as it may in the live ones; the owner, who sees no row of either, makes
and swaps them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from deploy.databases import Database
from deploy.twin import make_twin
from shared.broker import Broker, Sink, Source
from shared.consumer import Consumer
from shared.db import Connection, open_pool
from shared.delivery import Subscription

_READING = ("consumer_offset", "consumer_head", "delivery", "dead_letter")
_KEEP_DROPPED = """
INSERT INTO rebuild.dead_letter SELECT * FROM public.dead_letter WHERE consumer = $1 AND state = 'dropped'
"""
_BEHIND = """
SELECT count(*) FROM public.consumer_offset AS live
LEFT JOIN rebuild.consumer_offset AS built USING (consumer, topic, partition)
WHERE consumer = $1 AND coalesce(built.next_offset, 0) < live.next_offset
"""
_AHEAD = """
SELECT DISTINCT built.site_id, built.key FROM rebuild.consumer_head AS built
LEFT JOIN public.consumer_head AS live USING (site_id, consumer, topic, key)
WHERE consumer = $1 AND live.sequence IS DISTINCT FROM built.sequence
"""


@dataclass(frozen=True)
class Report:
    """Rows of the projections: compared, different, and not compared because one side was further on."""

    compared: int
    different: int
    in_flight: int
    is_swapped: bool


async def rebuild(database: Database, broker: Broker, subscription: Subscription, projections: Sequence[str]) -> Report:
    """Build `projections` anew and swap them in if nothing differs. Traffic may flow meanwhile."""
    tables = [*projections, *_READING]
    async with _connected(database.owner) as owner, _connected(database.worker) as worker:
        await _make_schema(owner, tables)
        # What was given up stays so; without it, it would be set aside anew, and what follows it parked.
        await worker.execute(_KEEP_DROPPED, subscription.name)
        async with _building(database, broker, subscription) as building:
            await _until_level(worker, subscription.name, building)
            async with owner.transaction():
                # Readers go on; who would apply an event waits, for that begins with holding its offset.
                await owner.execute("LOCK TABLE public.consumer_offset IN EXCLUSIVE MODE")
                await _until_level(worker, subscription.name, building)
                await _end(building)
                report = await _compare(worker, subscription.name, projections)
                if report.is_swapped:
                    await _swap(owner, tables)
                return report


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    """A connection whose statements and whose idle transaction may take as long as a comparison does."""
    connection = await asyncpg.connect(dsn, server_settings={"idle_in_transaction_session_timeout": "0"})
    try:
        yield connection
    finally:
        await connection.close()


class _Apart:
    """The broker, read by a group of its own beside the live consumer's."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def source(self, group: str, topics: Sequence[str]) -> Source:
        return await self._broker.source(f"{group}-rebuild", topics)

    async def sink(self) -> Sink:
        return await self._broker.sink()


@asynccontextmanager
async def _building(
    database: Database, broker: Broker, subscription: Subscription
) -> AsyncIterator[asyncio.Task[None]]:
    """The consumer that fills the tables in `rebuild`, from the start of the log."""
    async with open_pool(database.worker, size=4, search_path="rebuild, public") as pool:
        building = asyncio.create_task(Consumer(subscription, _Apart(broker), pool).run())
        try:
            yield building
        finally:
            await _end(building)


async def _end(building: asyncio.Task[None]) -> None:
    building.cancel()
    await asyncio.gather(building, return_exceptions=True)


async def _make_schema(owner: Connection, tables: Sequence[str]) -> None:
    await owner.execute("DROP SCHEMA IF EXISTS rebuild CASCADE; CREATE SCHEMA rebuild")
    await owner.execute("GRANT USAGE ON SCHEMA rebuild TO samepage_worker")
    for table in tables:
        await make_twin(owner, table, "rebuild")


async def _until_level(worker: Connection, consumer: str, building: asyncio.Task[None]) -> None:
    """Wait until the rebuild is as far as the live consumer in every partition; raise what ended it, if it ended."""
    while await worker.fetchval(_BEHIND, consumer):
        if building.done():
            building.result()
        await asyncio.sleep(0.05)


async def _compare(worker: Connection, consumer: str, projections: Sequence[str]) -> Report:
    rows = [await worker.fetchrow(_comparison(table), consumer) for table in projections]
    compared, different = (sum(row[name] for row in rows if row) for name in ("compared", "different"))
    in_flight = await worker.fetchval(f"SELECT count(*) FROM ({_AHEAD}) AS ahead", consumer)
    return Report(compared, different, in_flight, is_swapped=not different)


async def _swap(owner: Connection, tables: Sequence[str]) -> None:
    await owner.execute("DROP SCHEMA IF EXISTS previous CASCADE; CREATE SCHEMA previous")
    for table in tables:
        await owner.execute(f"ALTER TABLE public.{table} SET SCHEMA previous")
        await owner.execute(f"ALTER TABLE rebuild.{table} SET SCHEMA public")
    await owner.execute("DROP SCHEMA rebuild")


def _comparison(table: str) -> str:
    """Whole rows, both ways; a table of sites is compared by site, one of patients by patient."""
    identity = "site_id, patient_id" if table.startswith("patient") else "site_id"
    key = "patient_id::text" if table.startswith("patient") else "site_id"
    return f"""
        SELECT count(*) AS compared,
               count(*) FILTER (WHERE to_jsonb(live) IS DISTINCT FROM to_jsonb(built)) AS different
        FROM public.{table} AS live FULL JOIN rebuild.{table} AS built USING ({identity})
        WHERE (site_id, {key}) NOT IN ({_AHEAD})
    """
