"""Writing to a broker and reading from it, in the few words that its tests need."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from shared.broker import Broker, Message, Partition, Record, Source
from shared.events import PARTITIONS
from tests.shared.conftest import TOPIC

ALL = frozenset(Partition(TOPIC, number) for number in range(PARTITIONS))
KEYS = [f"patient-{number}" for number in range(30)]


def letter(key: str, text: str = "", topic: str = TOPIC) -> Message:
    return Message(topic, key.encode(), text.encode())


async def send(broker: Broker, *messages: Message) -> None:
    sink = await broker.sink()
    await sink.send_all(messages)
    await sink.close()


@asynccontextmanager
async def reading(broker: Broker, group: str = "readers", topics: Sequence[str] = (TOPIC,)) -> AsyncIterator[Source]:
    source = await broker.source(group, topics)
    try:
        yield source
    finally:
        await source.close()


async def read(source: Source, count: int, *, seconds: float = 20) -> list[Record]:
    """The next `count` records, and whatever came with the last of them; fails when they do not come."""
    records: list[Record] = []
    async with asyncio.timeout(seconds):
        while len(records) < count:
            batch = await source.fetch(max_records=500, timeout_ms=200)
            records += [record for of_partition in batch.values() for record in of_partition]
    return records


def texts(records: Sequence[Record], key: str | None = None) -> list[str]:
    return [record.value.decode() for record in records if key is None or record.key == key.encode()]


def places(records: Sequence[Record]) -> set[tuple[Partition, int]]:
    return {(record.partition, record.offset) for record in records}


def next_offsets(records: Sequence[Record]) -> dict[Partition, int]:
    """What a reader of these would commit."""
    return {record.partition: record.offset + 1 for record in sorted(records, key=lambda record: record.offset)}
