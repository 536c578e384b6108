"""What was set aside: seen without a patient's data, and tried again through the same function that applies events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared import delivery_store as store
from shared.broker import Partition, Stream
from shared.db import Connection, Pool, transaction
from shared.delivery import Outcome, Subscription, settle


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record set aside, without its content."""

    stream: Stream
    partition: Partition
    offset: int
    state: str
    reason: str
    recorded_at: datetime


async def listed(connection: Connection, consumer: str) -> list[SetAside]:
    """Everything that a consumer has set aside, oldest first."""
    rows = await connection.fetch(
        """
        SELECT site_id, topic, key, partition, record_offset, state, reason, recorded_at
        FROM dead_letter WHERE consumer = $1 ORDER BY recorded_at, topic, partition, record_offset
        """,
        consumer,
    )
    return [
        SetAside(
            stream=Stream(row["site_id"], row["topic"], row["key"]),
            partition=Partition(row["topic"], row["partition"]),
            offset=row["record_offset"],
            state=row["state"],
            reason=row["reason"],
            recorded_at=row["recorded_at"],
        )
        for row in rows
    ]


async def replay(pool: Pool, subscription: Subscription, streams: Sequence[Stream]) -> Outcome:
    """Try the records of these streams again, in order; what fails again is set aside again. One transaction."""
    async with transaction(pool) as connection:
        letters = await listed(connection, subscription.name)
        partitions = sorted({letter.partition for letter in letters if letter.stream in streams})
        await store.lock_offsets(connection, subscription.name, partitions)
        records = await store.take_letters(connection, subscription.name, streams)
        return await settle(connection, subscription, records)
