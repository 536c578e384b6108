"""Kafka filled again from an outbox: after a topic, a broker's disk or a cluster was lost, or a database was restored.

Everything of the publisher is sent again, in order, and its consumers read the topics from their start; they drop what
they have. Nothing needs to be stopped: a relay that is sending lets a cursor that was put back stand, and a consumer
whose place was moved looks for it anew. What a consumer had set aside comes again too, and is set aside again if it
must; what the outbox does not hold stays where it is.

A restored outbox may be older than what its readers have: it goes on counting behind them, or its next events would be
taken for what they had already. A reader that has less of that than another one passes over what it will not get, or
it would wait for it for ever; if Kafka has it after all, it is applied.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from deploy.databases import Database, connected
from deploy.doors import SERVICES, consumes, publishes
from deploy.places import owner_of
from deploy.upkeep.reconcile import ahead
from shared.broker import Stream
from shared.db import Connection
from shared.delivery_store import record_of

# Transaction ids are those of a server; on another one they would hold the relay up, or their order would be lost.
# Position keeps the order of each patient: it was taken under the patient's lock.
_FOREIGN = "SELECT count(*) FROM outbox WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_AS_OLDEST = "UPDATE outbox SET xid = 0"
_COUNT_ON = """
INSERT INTO outbox_head AS head (site_id, topic, key, sequence) VALUES ($1, $2, $3, $4)
ON CONFLICT (site_id, topic, key) DO UPDATE SET sequence = greatest(head.sequence, excluded.sequence)
"""
_GIVE_UP = """
INSERT INTO dead_letter (letter_id, site_id, consumer, topic, partition, record_offset, state, reason, key, sequence,
                         headers, value, timestamp_ms)
SELECT gen_random_uuid(), $1, $4, $2, -1, -1, 'dropped', 'lost with the database of its publisher', $3, sequence, '[]',
       '', 0
FROM generate_series($5::bigint, $6::bigint) AS sequence
"""
_HEAD_WRITTEN = "SELECT sequence FROM outbox_head WHERE site_id = $1 AND topic = $2 AND key = $3"
_HEAD_APPLIED = "SELECT sequence FROM consumer_head WHERE site_id = $1 AND topic = $2 AND key = $3 AND consumer = $4"
_BEGIN_ANEW = "UPDATE consumer_offset SET next_offset = 0, last_event_id = NULL WHERE topic = ANY($1)"
_LETTERS = "SELECT * FROM dead_letter WHERE topic = ANY($1) AND state <> 'dropped'"
_HELD = "SELECT event_id::text FROM outbox WHERE event_id::text = ANY($1)"
_FORGET = "DELETE FROM dead_letter WHERE letter_id = ANY($1)"


@dataclass(frozen=True)
class Refill:
    """What will be sent again, and by whom it is read again. `counted_on` streams go on behind what readers have."""

    events: int
    consumers: tuple[str, ...]
    was_restored: bool
    counted_on: int


async def refill(databases: Mapping[str, Database], service: str) -> Refill:
    """Have everything that `service` ever published sent again, and read again by each of its consumers.

    Raises:
        StackError: the database was restored, and nobody says how its owner reaches it.
    """
    topics = [topic.name for topic in publishes(service)]
    consumers = tuple(name for name in SERVICES if {topic.name for topic in consumes(name)} & set(topics))
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(connected(databases[service].worker))
        readers = {name: await stack.enter_async_context(connected(databases[name].worker)) for name in consumers}
        lost = await _lost(writer, readers, topics)
        was_restored = bool(await writer.fetchval(_FOREIGN))
        if was_restored or lost:
            owner = owner_of(service, databases[service])
            for name, reader in readers.items():
                await _pass_over(writer, reader, name, lost)
            await _adopt(owner, lost)
        for reader in readers.values():
            await _read_anew(reader, writer, topics)
        events: int = await writer.fetchval("SELECT count(*) FROM outbox")
        await writer.execute("UPDATE relay_cursor SET xid = 0, position = 0 WHERE name = 'kafka'")
    return Refill(events, consumers, was_restored, len(lost))


async def _lost(writer: Connection, readers: Mapping[str, Connection], topics: Sequence[str]) -> dict[Stream, int]:
    """How far readers are in the streams of which the outbox does not know so much."""
    lost: dict[Stream, int] = {}
    for name, reader in readers.items():
        for topic in {topic.name for topic in consumes(name)} & set(topics):
            for stream, applied in (await ahead(writer, reader, topic, name)).items():
                lost[stream] = max(applied, lost.get(stream, 0))
    return lost


async def _pass_over(writer: Connection, reader: Connection, consumer: str, lost: Mapping[Stream, int]) -> None:
    """Have a reader not wait for what neither it nor the outbox has."""
    topics = {topic.name for topic in consumes(consumer)}
    for stream, last in lost.items():
        if stream.topic in topics:
            written = await writer.fetchval(_HEAD_WRITTEN, *stream) or 0
            applied = await reader.fetchval(_HEAD_APPLIED, *stream, consumer) or 0
            await reader.execute(_GIVE_UP, *stream, consumer, max(written, applied) + 1, last)


async def _adopt(owner_dsn: str, lost: Mapping[Stream, int]) -> None:
    """Make what was restored this server's oldest, and let it count on behind what readers have."""
    async with connected(owner_dsn) as owner, owner.transaction():
        for table in ("outbox", "outbox_head"):
            await owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        if await owner.fetchval(_FOREIGN):
            await owner.execute(_AS_OLDEST)
        await owner.executemany(_COUNT_ON, [(*stream, sequence) for stream, sequence in lost.items()])
        for table in ("outbox", "outbox_head"):
            await owner.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


async def _read_anew(reader: Connection, writer: Connection, topics: Sequence[str]) -> None:
    async with reader.transaction():
        await reader.execute(_BEGIN_ANEW, topics)
        letters = {row["letter_id"]: record_of(row).attribute("ce_id") for row in await reader.fetch(_LETTERS, topics)}
        held = {row["event_id"] for row in await writer.fetch(_HELD, [one for one in letters.values() if one])}
        await reader.execute(_FORGET, [letter_id for letter_id, event_id in letters.items() if event_id in held])
