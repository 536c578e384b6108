"""Events on their way into a service and out of it: through its tables as its worker would, or through a broker."""

import asyncio
from collections import defaultdict
from uuid import uuid4

from fastapi import FastAPI

from shared.broker import Broker, Partition
from shared.db import open_pool, transaction
from shared.delivery import Subscription, deliver
from shared.delivery_store import places
from shared.events import Event, decode, headers_of
from tests.builders import a_message, a_record
from tests.conftest import FreshDatabase


async def arrive(application: FastAPI, subscription: Subscription, *events: Event) -> None:
    """Deliver events as the worker beside an application does: under its role."""
    database: FreshDatabase = application.state.database
    await deliver_to(database.worker, subscription, *events)


async def deliver_to(dsn: str, subscription: Subscription, *events: Event) -> None:
    """Deliver events as a worker does: all of them in one transaction, with their offsets. Each has its effect."""
    by_partition: dict[Partition, list[Event]] = defaultdict(list)
    for event in events:
        by_partition[Partition(event.topic, 0)].append(event)
    async with open_pool(dsn, size=1) as pool, transaction(pool) as connection:
        found = await places(connection, subscription.name, by_partition.keys())
        batch = {
            place: [a_record(event, place, offset) for offset, event in enumerate(of_topic, found[place].next_offset)]
            for place, of_topic in by_partition.items()
        }
        outcome = await deliver(connection, subscription, batch)
    assert [letter.reason for letter in outcome.letters] == []
    assert len(outcome.applied) == len(events)


async def published(application: FastAPI) -> list[Event]:
    """The events in the outbox as their readers will see them, in order."""
    rows = await application.state.database.rows("SELECT * FROM outbox ORDER BY xid, position")
    return [
        decode(
            row["topic"],
            headers_of(
                event_id=row["event_id"],
                topic=row["topic"],
                site_id=row["site_id"],
                key=row["key"],
                sequence=row["sequence"],
                time=row["recorded_at"],
                traceparent=row["traceparent"],
            ),
            row["value"],
        )
        for row in rows
    ]


async def send(broker: Broker, *events: Event) -> None:
    """Write events to the broker as their publishers' relays do."""
    sink = await broker.sink()
    await sink.send_all([a_message(event) for event in events])
    await sink.close()


async def first_of(broker: Broker, topic: str) -> Event:
    """The first event in a topic, once there is one."""
    source = await broker.source(f"reader-{uuid4().hex[:8]}", [topic])
    try:
        async with asyncio.timeout(20):
            while True:
                for records in (await source.fetch(max_records=1, timeout_ms=200)).values():
                    return decode(topic, records[0].headers, records[0].value)
    finally:
        await source.close()
