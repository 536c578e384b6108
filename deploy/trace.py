"""One event from hop to hop: accepted, sent, and applied by each consumer, with the time of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from deploy.databases import Database, connected
from deploy.doors import SERVICES, consumes, publishes

_ARRIVAL = """
SELECT topic, partition, record_offset, sent_at, applied_at, '' AS note FROM delivery WHERE event_id = $1
UNION ALL
SELECT topic, partition, record_offset, to_timestamp(timestamp_ms / 1000.0), NULL, state || ': ' || reason
FROM dead_letter WHERE headers @> jsonb_build_array(jsonb_build_array('ce_id', $1::uuid)) LIMIT 1
"""


@dataclass(frozen=True)
class Hop:
    """Where the event was, and when; `at` is null for a place that it has not reached, and `note` may say why."""

    place: str
    at: datetime | None
    note: str = ""


async def trace(databases: Mapping[str, Database], event_id: UUID) -> list[Hop]:
    """The hops of an event in the order of travel; empty when no service accepted it."""
    for service in SERVICES:
        if not publishes(service):
            continue
        accepted = await _accepted(databases[service].worker, event_id)
        if accepted is not None:
            topic = accepted["topic"]
            hops = [Hop(f"{service} accepted", accepted["recorded_at"], f"{topic}, sequence {accepted['sequence']}")]
            readers = [name for name in SERVICES if topic in {read.name for read in consumes(name)}]
            arrivals = {name: await _one(databases[name].worker, _ARRIVAL, event_id) for name in readers}
            return [*hops, _sent(arrivals), *(_hop(name, arrival) for name, arrival in arrivals.items())]
    return []


async def _accepted(dsn: str, event_id: UUID) -> asyncpg.Record | None:
    return await _one(dsn, "SELECT topic, sequence, recorded_at FROM outbox WHERE event_id = $1", event_id)


def _sent(arrivals: Mapping[str, asyncpg.Record | None]) -> Hop:
    row = next((row for row in arrivals.values() if row is not None), None)
    if row is None:
        return Hop("Kafka", None, "not seen by any consumer yet")
    return Hop("Kafka", row["sent_at"], f"{row['topic']}/{row['partition']} at {row['record_offset']}")


def _hop(name: str, arrival: asyncpg.Record | None) -> Hop:
    if arrival is None:
        return Hop(f"{name} applied", None)
    return Hop(f"{name} applied", arrival["applied_at"], arrival["note"])


async def _one(dsn: str, statement: str, event_id: UUID) -> asyncpg.Record | None:
    async with connected(dsn) as connection:
        return await connection.fetchrow(statement, event_id)
