"""A read model built again from the log beside the live one, compared with it, and put in its place.

The rebuild runs the same handlers on tables of the same names in the schema `rebuild`, with offsets of its own from
0, while the live consumer goes on. For the comparison the live offsets are held for a moment; a patient whose events
were applied equally far on both sides must have equal bytes. The tables that were live before stay in the schema
`previous` for going back.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import asyncpg

from shared.broker import Broker
from shared.consumer import Consumer
from shared.db import Connection, open_pool
from shared.delivery import Subscription

_READING = ("consumer_offset", "consumer_head", "delivery", "dead_letter")
_BEHIND = """
SELECT count(*) FROM public.consumer_offset AS live
LEFT JOIN rebuild.consumer_offset AS built ON built.topic = live.topic AND built.partition = live.partition
WHERE live.consumer = $1 AND coalesce(built.next_offset, 0) < live.next_offset
"""


@dataclass(frozen=True)
class Report:
    """Rows of the projections: compared, different, and not compared because one side was further on."""

    compared: int
    different: int
    in_flight: int
    is_swapped: bool


async def rebuild(dsn: str, broker: Broker, subscription: Subscription, projections: Sequence[str]) -> Report:
    """Build `projections` anew and swap them in if nothing differs. Traffic may flow meanwhile."""
    connection = await asyncpg.connect(dsn)
    try:
        await _make_schema(connection, [*projections, *_READING])
        async with open_pool(dsn, size=4, search_path="rebuild, public") as pool:
            builder = Consumer(replace(subscription, name=f"{subscription.name}-rebuild"), broker, pool)
            building = asyncio.create_task(builder.run())
            try:
                await _until_level(connection, subscription.name, building)
                async with connection.transaction():
                    await connection.execute("LOCK TABLE public.consumer_offset IN ACCESS EXCLUSIVE MODE")
                    await _until_level(connection, subscription.name, building)
                    building.cancel()
                    await asyncio.gather(building, return_exceptions=True)
                    return await _compare_and_swap(connection, subscription.name, projections)
            finally:
                building.cancel()
                await asyncio.gather(building, return_exceptions=True)
    finally:
        await connection.close()


async def _make_schema(connection: Connection, tables: Sequence[str]) -> None:
    await connection.execute("DROP SCHEMA IF EXISTS rebuild CASCADE; CREATE SCHEMA rebuild")
    for table in tables:
        await connection.execute(f"CREATE TABLE rebuild.{table} (LIKE public.{table} INCLUDING ALL)")


async def _until_level(connection: Connection, consumer: str, building: asyncio.Task[None]) -> None:
    """Wait until the rebuild is as far as the live consumer in every partition; raise what ended it, if it ended."""
    while await connection.fetchval(_BEHIND, consumer):
        if building.done():
            building.result()
        await asyncio.sleep(0.05)


async def _compare_and_swap(connection: Connection, consumer: str, projections: Sequence[str]) -> Report:
    await connection.execute("CREATE TEMP TABLE ahead (site_id text, key text) ON COMMIT DROP")
    await connection.execute(
        """
        INSERT INTO ahead SELECT DISTINCT built.site_id, built.key FROM rebuild.consumer_head AS built
        LEFT JOIN public.consumer_head AS live ON live.consumer = $1 AND live.site_id = built.site_id
            AND live.topic = built.topic AND live.key = built.key
        WHERE live.sequence IS DISTINCT FROM built.sequence
        """,
        consumer,
    )
    compared = different = 0
    for table in projections:
        row = await connection.fetchrow(_comparison(table))
        compared += row["compared"] if row else 0
        different += row["different"] if row else 0
    in_flight = await connection.fetchval("SELECT count(*) FROM ahead")
    if different:
        return Report(compared, different, in_flight, is_swapped=False)
    for table in ("consumer_offset", "consumer_head", "delivery", "dead_letter"):
        await connection.execute(f"UPDATE rebuild.{table} SET consumer = $1", consumer)
    await connection.execute("DROP SCHEMA IF EXISTS previous CASCADE; CREATE SCHEMA previous")
    for table in [*projections, *_READING]:
        await connection.execute(f"ALTER TABLE public.{table} SET SCHEMA previous")
        await connection.execute(f"ALTER TABLE rebuild.{table} SET SCHEMA public")
    return Report(compared, different, in_flight, is_swapped=True)


def _comparison(table: str) -> str:
    """Whole rows, both ways; a table of sites is compared by site, one of patients by patient."""
    identity = "site_id, patient_id" if table.startswith("patient") else "site_id"
    key = "patient_id::text" if table.startswith("patient") else "site_id"
    return f"""
        SELECT count(*) AS compared,
               count(*) FILTER (WHERE to_jsonb(live) IS DISTINCT FROM to_jsonb(built)) AS different
        FROM public.{table} AS live FULL JOIN rebuild.{table} AS built USING ({identity})
        WHERE (site_id, {key}) NOT IN (SELECT site_id, key FROM ahead)
    """
