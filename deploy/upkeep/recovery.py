"""Kafka filled again from an outbox: after a topic, a broker's disk or a cluster was lost, or a database was restored.

Everything of the publisher is sent again, in order, and its consumers read the topics from their start; they drop what
they have. Nothing needs to be stopped: a relay that is sending lets a cursor that was put back stand, and a consumer
whose place was moved looks for it anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from deploy.databases import Database
from deploy.doors import SERVICES, consumes, publishes

# Transaction ids are those of a server; on another one they would hold the relay up, or their order would be lost.
# Position keeps the order of each patient: it was taken under the patient's lock.
_FOREIGN = "SELECT count(*) FROM outbox WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_AS_OLDEST = (
    "ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY",
    "UPDATE outbox SET xid = 0",
    "ALTER TABLE outbox FORCE ROW LEVEL SECURITY",
)


@dataclass(frozen=True)
class Refill:
    """What will be sent again, and by whom it is read again."""

    events: int
    consumers: tuple[str, ...]
    was_restored: bool


async def refill(databases: Mapping[str, Database], service: str) -> Refill:
    """Have everything that `service` ever published sent again, and read again by each of its consumers."""
    topics = [topic.name for topic in publishes(service)]
    consumers = tuple(name for name in SERVICES if {topic.name for topic in consumes(name)} & set(topics))
    was_restored = await _adopt(databases[service].owner, databases[service].worker)
    for name in consumers:
        await _run(
            databases[name].worker,
            "UPDATE consumer_offset SET next_offset = 0, last_event_id = NULL WHERE topic = ANY($1)",
            topics,
        )
    writer = await asyncpg.connect(databases[service].worker)
    try:
        events: int = await writer.fetchval("SELECT count(*) FROM outbox")
        await writer.execute("UPDATE relay_cursor SET xid = 0, position = 0 WHERE name = 'kafka'")
    finally:
        await writer.close()
    return Refill(events, consumers, was_restored)


async def _adopt(owner: str, worker: str) -> bool:
    """Make the rows of another server's outbox the oldest of this one; False where they are this server's own."""
    connection = await asyncpg.connect(worker)
    try:
        if not await connection.fetchval(_FOREIGN):
            return False
    finally:
        await connection.close()
    connection = await asyncpg.connect(owner)
    try:
        async with connection.transaction():
            for statement in _AS_OLDEST:
                await connection.execute(statement)
    finally:
        await connection.close()
    return True


async def _run(dsn: str, statement: str, *arguments: object) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()
