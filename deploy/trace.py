"""One event from hop to hop: accepted, sent, and applied by each consumer, with the time of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from deploy.databases import Database
from deploy.doors import SERVICES, consumes, publishes

_SET_ASIDE = """
SELECT state, reason FROM dead_letter WHERE headers @> jsonb_build_array(jsonb_build_array('ce_id', $1::uuid))
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
            applied = {name: await _applied(databases[name].worker, event_id) for name in readers}
            arrivals = [await _hop(name, row, databases[name].worker, event_id) for name, row in applied.items()]
            return hops + _sent(applied) + arrivals
    return []


async def _accepted(dsn: str, event_id: UUID) -> asyncpg.Record | None:
    return await _one(dsn, "SELECT topic, sequence, recorded_at FROM outbox WHERE event_id = $1", event_id)


async def _applied(dsn: str, event_id: UUID) -> asyncpg.Record | None:
    return await _one(
        dsn,
        "SELECT topic, partition, record_offset, sent_at, applied_at FROM delivery WHERE event_id = $1",
        event_id,
    )


def _sent(applied: Mapping[str, asyncpg.Record | None]) -> list[Hop]:
    row = next((row for row in applied.values() if row is not None), None)
    if row is None:
        return [Hop("Kafka", None, "not seen by any consumer yet")]
    return [Hop("Kafka", row["sent_at"], f"{row['topic']}/{row['partition']} at {row['record_offset']}")]


async def _hop(name: str, applied: asyncpg.Record | None, dsn: str, event_id: UUID) -> Hop:
    if applied is not None:
        return Hop(f"{name} applied", applied["applied_at"])
    aside = await _one(dsn, _SET_ASIDE, event_id)
    return Hop(f"{name} applied", None, "" if aside is None else f"{aside['state']}: {aside['reason']}")


async def _one(dsn: str, statement: str, event_id: UUID) -> asyncpg.Record | None:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchrow(statement, event_id)
    finally:
        await connection.close()
