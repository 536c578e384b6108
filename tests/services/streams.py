"""Events on their way into a service and out of it, without a broker: as its worker reads and its relay sends them."""

from fastapi import FastAPI

from shared.broker import Partition, Record
from shared.db import Pool, transaction
from shared.delivery import Subscription, deliver
from shared.delivery_store import places
from shared.events import Event, decode, encode, headers_of


async def arrive(application: FastAPI, subscription: Subscription, *events: Event) -> None:
    """Deliver events as the worker does: all of them in one transaction, with their offsets."""
    pool: Pool = application.state.pool
    async with transaction(pool) as connection:
        for event in events:
            partition = Partition(event.topic, 0)
            place = (await places(connection, subscription.name, [partition]))[partition]
            outcome = await deliver(
                connection, subscription, {partition: [_record(event, partition, place.next_offset)]}
            )
            assert [applied for applied, _ in outcome.applied] == [event]


async def published(application: FastAPI) -> list[Event]:
    """The events in the outbox as their readers will see them, in order."""
    rows = await application.state.pool.fetch("SELECT * FROM outbox ORDER BY xid, position")
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


def _record(event: Event, partition: Partition, offset: int) -> Record:
    headers = headers_of(
        event_id=event.event_id,
        topic=event.topic,
        site_id=event.site_id,
        key=event.key,
        sequence=event.sequence,
        time=event.time,
        traceparent=event.traceparent,
    )
    return Record(partition, offset, 1_760_000_000_000, event.key.encode(), encode(event.body), headers)
