"""What was set aside: seen without a patient's data, and tried again through the same function that applies events.

What is dropped stays on record with who dropped it and why. What was parked behind it goes on, here, when the log is
read again, and in a rebuild.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from shared import delivery_store as store
from shared.broker import Partition, Stream
from shared.db import Connection, Pool, transaction
from shared.delivery import Outcome, Subscription, settle
from shared.events import sequence_in


class Place(NamedTuple):
    """Where a record stands in the log."""

    partition: Partition
    offset: int

    def __str__(self) -> str:
        return f"{self.partition.topic}/{self.partition.number}@{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place that `str` gave.

        Raises:
            ValueError: it is none.
        """
        topic, _, numbers = text.rpartition("/")
        number, _, offset = numbers.partition("@")
        return cls(Partition(topic, int(number)), int(offset))


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record set aside, without its content."""

    stream: Stream
    place: Place
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
            place=Place(Partition(row["topic"], row["partition"]), row["record_offset"]),
            state=row["state"],
            reason=row["reason"],
            recorded_at=row["recorded_at"],
        )
        for row in rows
    ]


async def drop(
    connection: Connection, subscription: Subscription, place: Place, why: str
) -> tuple[Stream, Outcome] | None:
    """Give up a dead record and let go on what was parked behind it; None when no dead record stands there.

    Whose stream it was, and what became of the parked ones. The caller commits. A record that does not say its sequence
    had the next one, when what is parked behind it goes on after that.
    """
    await store.lock_offsets(connection, subscription.name, [place.partition])
    dead = next(
        (one for one in await listed(connection, subscription.name) if (one.place, one.state) == (place, "dead")), None
    )
    if dead is None:
        return None
    taken = await store.take_letters(connection, subscription.name, [dead.stream])
    (dropped,) = (record for record in taken if (record.partition, record.offset) == place)
    behind = [record for record in taken if record is not dropped]
    following = [number for record in behind if (number := sequence_in(record.attribute("ce_sequence"))) is not None]
    missing = 1 + (await store.heads(connection, subscription.name, [dead.stream])).get(dead.stream, 0)
    unsaid = missing if min(following, default=0) == missing + 1 else None
    sequence = sequence_in(dropped.attribute("ce_sequence")) or unsaid
    letter = store.Letter(dropped, "dropped", f"{dead.reason}; dropped: {why}", sequence)
    await store.add_letters(connection, subscription.name, [letter])
    return dead.stream, await settle(connection, subscription, behind)


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
