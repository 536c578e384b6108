"""Whether everything that was written has been applied: per service and patient, highest sequence against highest.

Both sides are read in one order and laid beside each other, so any number of patients takes the same memory. A stream
that is behind is only amiss when it has been so for a while, and is explained when something of it was set aside. What
was given up for good counts as applied.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg

from deploy.databases import connected
from deploy.doors import SERVICES, consumes, publishes
from shared.broker import Stream
from shared.db import Connection

_FETCH = 5_000
_WRITTEN = """
SELECT site_id, key, sequence FROM outbox_head WHERE topic = $1 ORDER BY site_id COLLATE "C", key COLLATE "C"
"""
_APPLIED = """
SELECT site_id, key, sequence FROM consumer_head WHERE consumer = $2 AND topic = $1
ORDER BY site_id COLLATE "C", key COLLATE "C"
"""
_SET_ASIDE = """
SELECT DISTINCT site_id, key FROM dead_letter WHERE consumer = $2 AND topic = $1 AND state IN ('dead', 'parked')
"""
_GIVEN_UP = """
SELECT site_id, key, sequence FROM dead_letter
WHERE consumer = $2 AND topic = $1 AND state = 'dropped' AND sequence IS NOT NULL
"""
# As of the beginning of the transaction: what is written while the two sides are read is on its way for sure.
_ON_THE_WAY = """
SELECT site_id, key FROM outbox
JOIN unnest($2::text[], $3::text[], $4::bigint[]) AS behind (site_id, key, applied) USING (site_id, key)
WHERE topic = $1 AND sequence = applied + 1 AND recorded_at > now() - make_interval(secs => $5)
"""


@dataclass(frozen=True)
class Balance:
    """One topic at one consumer: its streams, and those in which the two sides differ.

    `missing` have been behind for longer than the grace with nothing set aside that explains it, `set_aside` with,
    `on_the_way` for less. `invented` were applied further than they were written.
    """

    topic: str
    consumer: str
    streams: int
    on_the_way: int
    set_aside: int
    missing: Sequence[Stream]
    invented: Sequence[Stream]

    @property
    def is_settled(self) -> bool:
        return not self.missing and not self.invented


async def reconcile(workers: Mapping[str, str], *, grace_s: float = 60) -> list[Balance]:
    """The balance of every topic at each of its consumers; `workers` are DSNs of the services' worker roles."""
    async with AsyncExitStack() as stack:
        connections = {service: await stack.enter_async_context(connected(workers[service])) for service in SERVICES}
        return [
            await _balance(connections[writer], connections[reader], topic.name, reader, grace_s)
            for writer in SERVICES
            for topic in publishes(writer)
            for reader in SERVICES
            if topic in consumes(reader)
        ]


async def ahead(writer: Connection, reader: Connection, topic: str, consumer: str) -> dict[Stream, int]:
    """How far streams were applied that were not written so far: the writer's database is older than what it wrote."""
    async with reader.transaction(readonly=True), writer.transaction(readonly=True):
        beside = _beside(_rows(writer, _WRITTEN, topic), _rows(reader, _APPLIED, topic, consumer))
        return {stream: applied async for stream, written, applied in beside if applied > written}


async def _balance(writer: Connection, reader: Connection, topic: str, consumer: str, grace_s: float) -> Balance:
    streams, behind, invented = 0, dict[Stream, int](), list[Stream]()
    async with reader.transaction(readonly=True), writer.transaction(readonly=True):
        passed = {(_stream(row, topic), row["sequence"]) for row in await reader.fetch(_GIVEN_UP, topic, consumer)}
        beside = _beside(_rows(writer, _WRITTEN, topic), _rows(reader, _APPLIED, topic, consumer))
        async for stream, written, applied in beside:
            streams += 1
            while (stream, applied + 1) in passed and applied < written:
                applied += 1  # noqa: PLW2901 - as far as it is done with
            if applied > written:
                invented.append(stream)
            elif applied < written:
                behind[stream] = applied
        explained = behind.keys() & {_stream(row, topic) for row in await reader.fetch(_SET_ASIDE, topic, consumer)}
        rest = sorted(behind.keys() - explained)
        sites, keys = [stream.site_id for stream in rest], [stream.key for stream in rest]
        rows = await writer.fetch(_ON_THE_WAY, topic, sites, keys, [behind[stream] for stream in rest], grace_s)
        on_the_way = {_stream(row, topic) for row in rows}
    missing = [stream for stream in rest if stream not in on_the_way]
    return Balance(topic, consumer, streams, len(on_the_way), len(explained), missing, invented)


async def _rows(connection: Connection, statement: str, topic: str, *of: str) -> AsyncIterator[tuple[Stream, int]]:
    async for row in connection.cursor(statement, topic, *of, prefetch=_FETCH):
        yield _stream(row, topic), row["sequence"]


def _stream(row: asyncpg.Record, topic: str) -> Stream:
    return Stream(row["site_id"], topic, row["key"])


async def _beside(
    written: AsyncIterator[tuple[Stream, int]], applied: AsyncIterator[tuple[Stream, int]]
) -> AsyncIterator[tuple[Stream, int, int]]:
    """Each stream of either side, in the one order, with both of its sequences, 0 where a side has none."""
    # What was applied is read first: what is written meanwhile may make it look behind, never ahead.
    right = await anext(applied, None)
    left = await anext(written, None)
    while sides := [side for side in (left, right) if side is not None]:
        stream, written_to, applied_to = min(side[0] for side in sides), 0, 0
        if left is not None and left[0] == stream:
            written_to, left = left[1], await anext(written, None)
        if right is not None and right[0] == stream:
            applied_to, right = right[1], await anext(applied, None)
        yield stream, written_to, applied_to
