"""What was set aside: seen without a patient's data, and tried again through the same function that applies events.

What is dropped stays on record with who dropped it and why. What was parked behind it goes on, here, when the log is
read again, and in a rebuild.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared import delivery_store as store
from shared.broker import Partition, Record, Stream
from shared.db import Connection, Pool, transaction
from shared.delivery import Outcome, Subscription, settle
from shared.events import sequence_in


class Place(NamedTuple):
    """Where a record stands in the log."""

    partition: Partition
    offset: int

    def __str__(self) -> str:
        return f"{self.partition.topic}/{self.partition.number}@{self.offset}"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record set aside, without its content. A place may be that of several, where a topic was made anew."""

    letter_id: UUID
    stream: Stream
    place: Place
    state: str
    reason: str
    recorded_at: datetime


async def listed(connection: Connection, consumer: str) -> list[SetAside]:
    """Everything that a consumer has set aside, oldest first."""
    rows = await connection.fetch(
        """
        SELECT letter_id, site_id, topic, key, partition, record_offset, state, reason, recorded_at
        FROM dead_letter WHERE consumer = $1 ORDER BY recorded_at, topic, partition, record_offset
        """,
        consumer,
    )
    return [
        SetAside(
            letter_id=row["letter_id"],
            stream=Stream(row["site_id"], row["topic"], row["key"]),
            place=Place(Partition(row["topic"], row["partition"]), row["record_offset"]),
            state=row["state"],
            reason=row["reason"],
            recorded_at=row["recorded_at"],
        )
        for row in rows
    ]


async def drop(
    connection: Connection, subscription: Subscription, letter_id: UUID, why: str
) -> tuple[Record, Outcome] | None:
    """Give up a dead record and let go on what was parked behind it; None when none is set aside under this id.

    The record, and what became of the parked ones. The caller commits. A record that does not say its sequence takes
    that of no event: what is parked behind it waits where one is missing.
    """
    dead = await store.dead_record(connection, subscription.name, letter_id)
    if dead is None:
        return None
    await store.lock_offsets(connection, subscription.name, [dead.partition])
    sequence = sequence_in(dead.attribute("ce_sequence"))
    if not await store.give_up(connection, subscription.name, letter_id, why, sequence):
        return None
    behind = await store.take_letters(connection, subscription.name, [dead.stream])
    return dead, await settle(connection, subscription, behind)


async def replay(pool: Pool, subscription: Subscription, streams: Sequence[Stream]) -> Outcome:
    """Try the records of these streams again, in order; what fails again is set aside again. One transaction."""
    if not streams:
        return Outcome()
    async with transaction(pool) as connection:
        letters = await listed(connection, subscription.name)
        partitions = sorted({letter.place.partition for letter in letters if letter.stream in streams})
        await store.lock_offsets(connection, subscription.name, partitions)
        records = await store.take_letters(connection, subscription.name, streams)
        return await settle(connection, subscription, records)
