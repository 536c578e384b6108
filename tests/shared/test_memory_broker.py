"""What only the fake does: faults on request. And its partitions are Kafka's."""

import asyncio
from datetime import UTC, datetime

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from shared.broker import Bounds, Partition
from shared.errors import SendFailed
from shared.memory_broker import MemoryBroker, partition_of
from tests.shared.conftest import OTHER_TOPIC, TOPIC
from tests.shared.logs import ALL, KEYS, letter, read, reading, send, texts


@pytest.fixture
async def broker() -> MemoryBroker:
    opened = MemoryBroker()
    await opened.create_topics([TOPIC, OTHER_TOPIC])
    return opened


@given(key=st.binary(max_size=80), partitions=st.integers(1, 100))
def test_a_key_goes_to_the_partition_that_a_kafka_client_would_choose(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, numbers, numbers)


async def test_records_carry_the_time_of_the_clock() -> None:
    broker = MemoryBroker(partitions=1, clock=lambda: datetime(2026, 10, 13, 15, 20, 0, 123_000, tzinfo=UTC))
    await broker.create_topics([TOPIC])
    await send(broker, letter("a"))
    async with reading(broker) as source:
        (record,) = await read(source, 1)
    assert record.timestamp_ms == 1_791_904_800_123
    assert record.partition == Partition(TOPIC, 0)


async def test_a_broker_that_is_away_takes_and_gives_nothing_and_has_everything_when_it_is_back(
    broker: MemoryBroker,
) -> None:
    sink = await broker.sink()
    await sink.send_all([letter("a", "before")])
    async with reading(broker) as source:
        broker.stop()
        with pytest.raises(SendFailed):
            await sink.send_all([letter("a", "lost")])
        assert await source.fetch(max_records=10, timeout_ms=20) == {}
        await source.commit({Partition(TOPIC, partition_of(b"a", len(ALL))): 1})
        for asking in (broker.sink(), broker.source("readers", [TOPIC]), source.bounds(sorted(ALL))):
            with pytest.raises(ConnectionError):
                await asking
        waiting = asyncio.create_task(source.fetch(max_records=10, timeout_ms=60_000))
        answered, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not answered
        broker.start()
        async with asyncio.timeout(5):
            (records,) = (await waiting).values()
        assert texts(records) == ["before"]
        with pytest.raises(SendFailed):
            await sink.send_all([letter("a", "by a sink that failed before")])
        await send(broker, letter("a", "after"))
        assert texts(await read(source, 1)) == ["after"]
    async with reading(broker) as source:
        assert texts(await read(source, 2)) == ["before", "after"], "a commit was taken by a broker that was away"


@pytest.mark.parametrize("after", [0, 2, 3])
async def test_a_send_can_fail_when_nothing_a_part_or_all_of_it_was_written(broker: MemoryBroker, after: int) -> None:
    broker.fail_next_send(after)
    with pytest.raises(SendFailed):
        await send(broker, letter("a", "1"), letter("a", "2"), letter("a", "3"))
    await send(broker, letter("a", "next"))
    async with reading(broker) as source:
        assert texts(await read(source, after + 1)) == [*"123"[:after], "next"]


async def test_a_topic_made_anew_is_empty_and_its_readers_begin_again(broker: MemoryBroker) -> None:
    await send(broker, *map(letter, KEYS), letter("a", "kept", OTHER_TOPIC))
    async with reading(broker, topics=[TOPIC, OTHER_TOPIC]) as source:
        await read(source, len(KEYS) + 1)
        broker.recreate(TOPIC)
        assert set((await source.bounds(sorted(ALL))).values()) == {Bounds(0, 0)}
        await send(broker, letter(KEYS[0], "new"))
        (record,) = await read(source, 1)
    assert (record.offset, record.value) == (0, b"new")
    async with reading(broker, "others", [OTHER_TOPIC]) as source:
        assert texts(await read(source, 1)) == ["kept"]


async def test_records_that_were_deleted_are_out_of_bounds_and_reading_begins_behind_them(
    broker: MemoryBroker,
) -> None:
    await send(broker, *(letter("a", str(number)) for number in range(4)))
    place = Partition(TOPIC, partition_of(b"a", len(ALL)))
    broker.delete_before(place, 3)
    async with reading(broker) as source:
        assert await source.bounds([place]) == {place: Bounds(3, 4)}
        assert texts(await read(source, 1)) == ["3"]
        source.seek(place, 1)
        assert texts(await read(source, 1)) == ["3"]
    broker.recreate(TOPIC)
    async with reading(broker) as source:
        assert await source.bounds([place]) == {place: Bounds(0, 0)}


async def test_a_topic_that_nobody_made_cannot_be_written_or_read(broker: MemoryBroker) -> None:
    with pytest.raises(SendFailed):
        await send(broker, letter("a", topic="mistyped"))
    with pytest.raises(ConnectionError):
        await broker.source("readers", ["mistyped"])
