"""Events on their way into a service and out of it: through its tables as its worker would, or through a broker."""

import asyncio
from uuid import uuid4

from fastapi import FastAPI

from shared.broker import Broker, Message, Partition, Record
from shared.db import open_pool, transaction
from shared.delivery import Subscription, deliver
from shared.delivery_store import places
from shared.events import Event, Headers, decode, encode, headers_of
from tests.conftest import FreshDatabase


async def arrive(application: FastAPI, subscription: Subscription, *events: Event) -> None:
    """Deliver events as the worker does: under its role, all of them in one transaction, with their offsets."""
    database: FreshDatabase = application.state.database
    async with open_pool(database.worker, size=1) as pool, transaction(pool) as connection:
        for event in events:
            partition = Partition(event.topic, 0)
            place = (await places(connection, subscription.name, [partition]))[partition]
            outcome = await deliver(
                connection, subscription, {partition: [_record(event, partition, place.next_offset)]}
            )
            assert [applied for applied, _ in outcome.applied] == [event]


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
    await sink.send_all(
        [Message(event.topic, event.key.encode(), encode(event.body), _headers(event)) for event in events]
    )
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


def _record(event: Event, partition: Partition, offset: int) -> Record:
    return Record(partition, offset, 1_760_000_000_000, event.key.encode(), encode(event.body), _headers(event))


def _headers(event: Event) -> Headers:
    return headers_of(
        event_id=event.event_id,
        topic=event.topic,
        site_id=event.site_id,
        key=event.key,
        sequence=event.sequence,
        time=event.time,
        traceparent=event.traceparent,
    )
