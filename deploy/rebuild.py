"""A read model built again from the log beside the live one, compared with it, and put in its place.

The same handlers fill tables of the same names in the schema `rebuild`, with offsets of their own from 0, while the
live consumer goes on; they read no further than it has. Then its offsets are held for a moment: both sides have
applied the same records, so every row must have equal bytes. Tables that are not made from events are not touched.

What was live before stays in the schema `previous`. Going back lets it read on beside the live tables in the same way,
so that nothing is lost which came meanwhile.

The worker's role fills and compares the tables, as it may in the live ones; the owner, who sees no row of either, makes
and swaps them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Literal

import asyncpg

from deploy.databases import Database, connected
from deploy.local.errors import StackError
from deploy.twin import make_twin
from shared.broker import Bounds, Broker, Partition, Record, Sink, Source
from shared.consumer import Consumer
from shared.db import Connection, Pool, open_pool
from shared.delivery import Subscription
from shared.errors import LogMismatch

Swap = Literal["never", "if-equal", "although-different"]

_READING = ("consumer_offset", "consumer_head", "delivery", "dead_letter")
_ONE_AT_A_TIME = 7_264_003
# Longest waits of the live consumer for us, of whoever reads the tables, and of ours for a vacuum to end.
_HELD_S = 30.0
_LOCK_TRIES, _LOCK_MS = 20, 500
_VACUUM_MS = 30_000

_APPLIED = "SELECT topic, partition, next_offset FROM public.consumer_offset WHERE consumer = $1"
_KEEP_DROPPED = """
INSERT INTO {schema}.dead_letter SELECT * FROM public.dead_letter WHERE consumer = $1 AND state = 'dropped'
ON CONFLICT DO NOTHING
"""
_BEHIND = """
SELECT count(*) FROM public.consumer_offset AS live
LEFT JOIN {schema}.consumer_offset AS built USING (consumer, topic, partition)
WHERE consumer = $1 AND coalesce(built.next_offset, 0) < live.next_offset
"""
_STREAMS = """
SELECT count(*) FILTER (WHERE coalesce(built.sequence, 0) > coalesce(live.sequence, 0)) AS ahead,
       count(*) FILTER (WHERE coalesce(live.sequence, 0) > coalesce(built.sequence, 0)) AS lacking
FROM public.consumer_head AS live FULL JOIN {schema}.consumer_head AS built USING (site_id, consumer, topic, key)
WHERE consumer = $1
"""
_KEY = """
SELECT string_agg(quote_ident(attname), ', ') FROM pg_index
JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) WHERE indrelid = $1::regclass AND indisprimary
"""
_ROWS = """
SELECT count(*) AS compared, count(*) FILTER (WHERE to_jsonb(live) IS DISTINCT FROM to_jsonb(built)) AS different
FROM public.{table} AS live FULL JOIN {schema}.{table} AS built USING ({key})
"""
# A foreign key follows the table that it refers to, wherever that goes.
_REFERENCES = """
SELECT conrelid::regclass::text AS name, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE contype = 'f' AND confrelid = ANY ($1::text[]::regclass[]) AND conrelid <> ALL ($1::text[]::regclass[])
"""
# What a swap moves, drops or alters: the live tables, those that refer to them, and all that stand beside them.
_CONCERNED = """
SELECT array_agg(oid::regclass::text ORDER BY oid) FROM pg_class WHERE relkind IN ('r', 'p') AND (
    oid = ANY ($1::text[]::regclass[])
    OR oid IN (SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid = ANY ($1::text[]::regclass[]))
    OR relnamespace IN (to_regnamespace($2)::oid, to_regnamespace('previous')::oid)
)
"""
_VERSION = "SELECT version_num FROM alembic_version"
_VERSION_OF_PREVIOUS = "SELECT obj_description(to_regnamespace('previous'), 'pg_namespace')"


@dataclass(frozen=True)
class Report:
    """Rows of the projections: compared, and different.

    Streams: `lacking` were applied further in the live tables, so that the log lacks what these have; `ahead` further
    in the others, because the live ones have set something aside that can be applied by now.
    """

    compared: int
    different: int
    lacking: int
    ahead: int
    is_swapped: bool = False

    @property
    def is_equal(self) -> bool:
        return not self.different and not self.lacking


async def rebuild(
    database: Database,
    broker: Broker,
    subscription: Subscription,
    projections: Sequence[str],
    *,
    swap: Swap = "if-equal",
) -> Report:
    """Build `projections` anew, compare, and swap them in. Traffic may flow meanwhile. What lacks events never goes in.

    The schema `rebuild` stays where something differs, to be looked at.

    Raises:
        StackError: another rebuild is under way, or the tables could not be had alone for a moment.
        Halt: the log cannot be read from its start to where the live tables are.
    """
    async with _alone(database.owner) as owner:
        beside = _Beside(database, broker, subscription, projections, "rebuild")
        await owner.execute("DROP SCHEMA IF EXISTS rebuild CASCADE; CREATE SCHEMA rebuild")
        for table in beside.tables:
            await make_twin(owner, table, "rebuild")
        report = await beside.meet(owner, swap)
        if report.is_equal and not report.is_swapped:
            await owner.execute("DROP SCHEMA rebuild CASCADE")
        return report


async def go_back(database: Database, broker: Broker, subscription: Subscription, projections: Sequence[str]) -> Report:
    """Let what was live before the last swap catch up, and put it back; what it replaces is `previous` then.

    Raises:
        StackError: there is nothing to go back to, or a migration has changed the tables since.
        Halt: as in `rebuild`.
    """
    async with _alone(database.owner) as owner:
        version = await owner.fetchval(_VERSION_OF_PREVIOUS)
        if version is None:
            raise StackError("There is nothing to go back to: no rebuild was swapped in.")
        if version != await owner.fetchval(_VERSION):
            raise StackError("A migration came after the swap, so the tables from before it fit no more.")
        beside = _Beside(database, broker, subscription, projections, "previous")
        return await beside.meet(owner, "although-different")


@asynccontextmanager
async def _alone(owner_dsn: str) -> AsyncIterator[Connection]:
    async with connected(owner_dsn) as owner:
        if not await owner.fetchval("SELECT pg_try_advisory_lock($1)", _ONE_AT_A_TIME):
            raise StackError("Another rebuild of this service is under way.")
        yield owner


@dataclass(frozen=True)
class _Beside:
    """Tables in a schema beside the live ones, which a consumer brings as far as those are."""

    database: Database
    broker: Broker
    subscription: Subscription
    projections: Sequence[str]
    schema: str

    @property
    def tables(self) -> list[str]:
        return [*self.projections, *_READING]

    @property
    def _live(self) -> list[str]:
        return [f"public.{table}" for table in self.tables]

    async def meet(self, owner: Connection, swap: Swap) -> Report:
        """Catch up, hold the live offsets, compare, swap."""
        await owner.execute(f"GRANT USAGE ON SCHEMA {self.schema} TO samepage_worker")
        async with connected(self.database.worker) as worker:
            # What was given up stays so; without it, it would be set aside anew, and what follows it parked.
            await worker.execute(_KEEP_DROPPED.format(schema=self.schema), self.subscription.name)
            async with self._reading() as reading:
                await self._until_level(worker, reading)
                async with owner.transaction():
                    concerned = await owner.fetchval(_CONCERNED, self._live, self.schema)
                    if swap != "never":
                        await _keep_vacuum_off(owner, concerned)
                    # Readers go on; who would apply an event waits, for that begins with holding its offset.
                    await owner.execute("LOCK TABLE public.consumer_offset IN EXCLUSIVE MODE")
                    await self._until_level(worker, reading, within_s=_HELD_S)
                    await _end(reading)  # what would still write here must not once these tables are the live ones
                    report = await self._compared(worker)
                    if report.lacking or swap == "never" or (report.different and swap == "if-equal"):
                        return report
                    await _hold(owner, concerned)
                    await self._swap(owner)
        return replace(report, is_swapped=True)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[asyncio.Task[None]]:
        """The consumer that fills these tables."""
        async with open_pool(self.database.worker, size=4, search_path=f"{self.schema}, public") as pool:
            consumer = Consumer(self.subscription, _Following(self.broker, pool, self.subscription.name), pool)
            reading = asyncio.create_task(consumer.run())
            try:
                yield reading
            finally:
                await _end(reading)

    async def _until_level(
        self, worker: Connection, reading: asyncio.Task[None], *, within_s: float | None = None
    ) -> None:
        """Wait until these tables are as far as the live ones in every partition; raise what ended their consumer."""
        try:
            async with asyncio.timeout(within_s):
                while await worker.fetchval(_BEHIND.format(schema=self.schema), self.subscription.name):
                    if reading.done():
                        reading.result()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise StackError("Not swapped: the last events could not be read in time. Is Kafka well?") from None

    async def _compared(self, worker: Connection) -> Report:
        compared = different = 0
        for table in self.projections:
            key = await worker.fetchval(_KEY, f"public.{table}")
            rows = await worker.fetchrow(_ROWS.format(table=table, schema=self.schema, key=key))
            if rows is not None:
                compared, different = compared + rows["compared"], different + rows["different"]
        streams = await worker.fetchrow(_STREAMS.format(schema=self.schema), self.subscription.name)
        lacking, ahead = (streams["lacking"], streams["ahead"]) if streams is not None else (0, 0)
        return Report(compared, different, lacking, ahead)

    async def _swap(self, owner: Connection) -> None:
        references = await owner.fetch(_REFERENCES, self._live)
        for one in references:
            await owner.execute(f"ALTER TABLE {one['name']} DROP CONSTRAINT {one['conname']}")
        await owner.execute("DROP SCHEMA IF EXISTS aside CASCADE; CREATE SCHEMA aside")
        for table in self.tables:
            await owner.execute(f"ALTER TABLE public.{table} SET SCHEMA aside")
            await owner.execute(f"ALTER TABLE {self.schema}.{table} SET SCHEMA public")
        for one in references:
            await owner.execute(f"ALTER TABLE {one['name']} ADD CONSTRAINT {one['conname']} {one['definition']}")
        await owner.execute(f"DROP SCHEMA {self.schema} CASCADE; DROP SCHEMA IF EXISTS previous CASCADE")
        version = await owner.fetchval(_VERSION)
        await owner.execute(f"ALTER SCHEMA aside RENAME TO previous; COMMENT ON SCHEMA previous IS '{version}'")


async def _end(reading: asyncio.Task[None]) -> None:
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def _keep_vacuum_off(owner: Connection, tables: Sequence[str]) -> None:
    """Let nothing vacuum or count these tables until the transaction ends; who reads and writes them goes on.

    PostgreSQL counts a table soon after it was filled, and ends that for us once we have waited for a second
    (`deadlock_timeout`): longer than anybody may wait who reads.
    """
    if not await _is_locked(owner, tables, "SHARE UPDATE EXCLUSIVE", _VACUUM_MS):
        raise StackError("Not swapped: something vacuums or alters these tables. Try again when it has ended.")


async def _hold(owner: Connection, tables: Sequence[str]) -> None:
    """Have these tables alone until the transaction ends. Nobody waits long for us: who reads them is let end first."""
    for _ in range(_LOCK_TRIES):
        if await _is_locked(owner, tables, "ACCESS EXCLUSIVE", _LOCK_MS):
            return
        await asyncio.sleep(_LOCK_MS / 1000)
    raise StackError("Not swapped: something reads these tables for long, such as a dump. Try again when it has ended.")


async def _is_locked(owner: Connection, tables: Sequence[str], mode: str, wait_ms: int) -> bool:
    """Lock them until the transaction ends, unless somebody else keeps one of them from us for so long."""
    try:
        async with owner.transaction():
            await owner.execute(f"SET LOCAL lock_timeout = {wait_ms}")
            await owner.execute(f"LOCK TABLE {', '.join(tables)} IN {mode} MODE")
            await owner.execute("SET LOCAL lock_timeout TO DEFAULT")
    except asyncpg.LockNotAvailableError:
        return False
    return True


class _Following:
    """The broker, read by a group of its own beside the live consumer's, and no further than that one has applied."""

    def __init__(self, broker: Broker, pool: Pool, consumer: str) -> None:
        self._broker = broker
        self._pool = pool
        self._consumer = consumer

    async def source(self, group: str, topics: Sequence[str]) -> Source:
        return _FollowingSource(await self._broker.source(f"{group}-rebuild", topics), self.applied)

    async def sink(self) -> Sink:
        return await self._broker.sink()

    async def applied(self) -> dict[Partition, int]:
        rows = await self._pool.fetch(_APPLIED, self._consumer)
        return {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}


class _FollowingSource:
    """A source that holds back what the live consumer has not applied yet."""

    def __init__(self, source: Source, applied: Callable[[], Awaitable[Mapping[Partition, int]]]) -> None:
        self._source = source
        self._applied = applied
        self._ends: Mapping[Partition, int] = {}

    async def fetch(self, *, max_records: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        fetched = await self._source.fetch(max_records=max_records, timeout_ms=timeout_ms)
        if any(records[-1].offset >= self._ends.get(partition, 0) for partition, records in fetched.items() if records):
            self._ends = await self._applied()
        batch = {partition: self._due(partition, records) for partition, records in fetched.items()}
        due = {partition: records for partition, records in batch.items() if records}
        if fetched and not due:
            await asyncio.sleep(timeout_ms / 1000)
        return due

    def _due(self, partition: Partition, records: Sequence[Record]) -> Sequence[Record]:
        end = self._ends.get(partition, 0)
        due = [record for record in records if record.offset < end]
        if len(due) < len(records):
            self._source.seek(partition, records[len(due)].offset)
        return due

    def assignment(self) -> frozenset[Partition]:
        return self._source.assignment()

    def seek(self, partition: Partition, offset: int) -> None:
        self._source.seek(partition, offset)

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        """As the log's are, which reach as far as the live tables or can rebuild nothing."""
        applied = await self._applied()
        bounds = await self._source.bounds(partitions)
        for partition in partitions:
            if applied.get(partition, 0) > bounds[partition].end:
                raise LogMismatch(
                    f"{partition.topic}/{partition.number} ends at {bounds[partition].end} but the live tables were "
                    f"applied up to {applied[partition]}: refill it from the outbox first"
                )
        return bounds

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        await self._source.commit(offsets)

    async def close(self) -> None:
        await self._source.close()
