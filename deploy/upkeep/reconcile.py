"""Whether everything that was written has been applied: per service and patient, highest sequence against highest.

Both sides are read in one order and laid beside each other, so any number of patients takes the same memory. A stream
that is behind is only amiss when it has been so for a while, and is explained when something of it was set aside.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import NamedTuple

from deploy.databases import connected
from deploy.doors import SERVICES, consumes, publishes
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
# As of the beginning of the transaction: what is written while the two sides are read is on its way for sure.
_ON_THE_WAY = """
SELECT site_id, key FROM outbox
JOIN unnest($2::text[], $3::text[], $4::bigint[]) AS behind (site_id, key, applied) USING (site_id, key)
WHERE topic = $1 AND sequence = applied + 1 AND recorded_at > now() - make_interval(secs => $5)
"""


class Place(NamedTuple):
    """Whose stream it is, in the order in which both sides are read."""

    site_id: str
    key: str


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
    missing: Sequence[Place]
    invented: Sequence[Place]

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


async def ahead(writer: Connection, reader: Connection, topic: str, consumer: str) -> dict[Place, int]:
    """How far streams were applied that were not written so far: the writer's database is older than what it wrote."""
    async with reader.transaction(readonly=True), writer.transaction(readonly=True):
        beside = _beside(_rows(writer, _WRITTEN, topic), _rows(reader, _APPLIED, topic, consumer))
        return {place: applied async for place, written, applied in beside if applied > written}


async def _balance(writer: Connection, reader: Connection, topic: str, consumer: str, grace_s: float) -> Balance:
    streams, behind, invented = 0, dict[Place, int](), list[Place]()
    async with reader.transaction(readonly=True), writer.transaction(readonly=True):
        beside = _beside(_rows(writer, _WRITTEN, topic), _rows(reader, _APPLIED, topic, consumer))
        async for place, written, applied in beside:
            streams += 1
            if applied > written:
                invented.append(place)
            elif applied < written:
                behind[place] = applied
        explained = behind.keys() & {Place(*row) for row in await reader.fetch(_SET_ASIDE, topic, consumer)}
        rest = sorted(behind.keys() - explained)
        sites, keys = [place.site_id for place in rest], [place.key for place in rest]
        rows = await writer.fetch(_ON_THE_WAY, topic, sites, keys, [behind[place] for place in rest], grace_s)
        on_the_way = {Place(*row) for row in rows}
    missing = [place for place in rest if place not in on_the_way]
    return Balance(topic, consumer, streams, len(on_the_way), len(explained), missing, invented)


async def _rows(connection: Connection, statement: str, *arguments: str) -> AsyncIterator[tuple[Place, int]]:
    async for row in connection.cursor(statement, *arguments, prefetch=_FETCH):
        yield Place(row["site_id"], row["key"]), row["sequence"]


async def _beside(
    written: AsyncIterator[tuple[Place, int]], applied: AsyncIterator[tuple[Place, int]]
) -> AsyncIterator[tuple[Place, int, int]]:
    """Each stream of either side with both of its sequences, 0 where a side has none."""
    # What was applied is read first: what is written meanwhile may make it look behind, never ahead.
    right = await anext(applied, None)
    left = await anext(written, None)
    while sides := [side for side in (left, right) if side is not None]:
        place, written_to, applied_to = min(side[0] for side in sides), 0, 0
        if left is not None and left[0] == place:
            written_to, left = left[1], await anext(written, None)
        if right is not None and right[0] == place:
            applied_to, right = right[1], await anext(applied, None)
        yield place, written_to, applied_to
