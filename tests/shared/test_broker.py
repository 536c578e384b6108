"""What `shared.broker` promises, held by the fake and by a real Kafka alike."""

import asyncio
import time
from collections import defaultdict

import pytest

from shared.broker import Bounds, Message, Partition, Record, Source
from shared.errors import SendFailed
from shared.memory_broker import partition_of
from tests.shared.conftest import OTHER_TOPIC, TOPIC, TopicBroker
from tests.shared.logs import ALL, KEYS, letter, next_offsets, places, read, reading, send, texts
from tests.waiting import until


async def share(*sources: Source) -> None:
    """Return when these members, and nobody else, hold every partition once."""

    async def is_settled() -> bool:
        held = [source.assignment() for source in sources]
        return all(held) and sum(map(len, held)) == len(ALL) and frozenset().union(*held) == ALL

    await until(is_settled)


async def test_a_key_keeps_its_partition_and_its_order_whoever_writes(broker: TopicBroker) -> None:
    for part in range(3):
        await send(broker, *(letter(key, f"{part}.{number}") for number in range(4) for key in KEYS))
    async with reading(broker) as source:
        records = await read(source, 3 * 4 * len(KEYS))
    for key in KEYS:
        assert texts(records, key) == [f"{part}.{number}" for part in range(3) for number in range(4)]
        assert {record.partition.number for record in records if record.key == key.encode()} == {
            partition_of(key.encode(), len(ALL))
        }


async def test_a_send_keeps_the_order_of_each_key_however_large_it_is(broker: TopicBroker) -> None:
    said = [f"{number} {'.' * size}" for number, size in enumerate([1, 100_000, 100_000, 300_000, 1, 100_000, 1])]
    await send(broker, *(letter(key, text) for text in said for key in KEYS[:2]))
    async with reading(broker) as source:
        records = await read(source, len(said) * 2)
    assert [texts(records, key) for key in KEYS[:2]] == [said, said]


async def test_offsets_of_a_partition_begin_at_zero_and_follow_on(broker: TopicBroker) -> None:
    await send(broker, *map(letter, KEYS))
    await send(broker, *map(letter, KEYS))
    offsets = defaultdict(list)
    async with reading(broker) as source:
        for record in await read(source, 2 * len(KEYS)):
            offsets[record.partition].append(record.offset)
        bounds = await source.bounds(sorted(ALL))
    assert len(offsets) > 1
    for partition in ALL:
        assert offsets[partition] == list(range(bounds[partition].end))
        assert bounds[partition] == Bounds(0, len(offsets[partition]))


async def test_keys_values_and_headers_come_back_byte_for_byte_and_dated(broker: TopicBroker) -> None:
    headers = (("ce_id", b"1"), ("twice", b"a"), ("twice", b"b"), ("empty", b""), ("bytes", bytes(range(256))))
    messages = [
        Message(TOPIC, bytes(range(256)), b"\x00\xff", headers),
        Message(TOPIC, b"", b"no key"),
        Message(TOPIC, "clé".encode(), b""),
    ]
    before_ms = int(time.time() * 1000)
    await send(broker, *messages)
    async with reading(broker) as source:
        records = await read(source, 3)
    back = {(record.key, record.value, tuple(record.headers)) for record in records}
    assert back == {(message.key, message.value, tuple(message.headers)) for message in messages}
    assert all(before_ms <= record.timestamp_ms <= time.time() * 1000 + 1 for record in records)


async def test_every_group_reads_everything_of_its_topics_and_nothing_else(broker: TopicBroker) -> None:
    await send(broker, letter("a", "1"), letter("a", "elsewhere", OTHER_TOPIC), letter("a", "2"))
    async with reading(broker, "one") as one, reading(broker, "both", (TOPIC, OTHER_TOPIC)) as both:
        assert texts(await read(one, 2)) == ["1", "2"]
        assert sorted(texts(await read(both, 3))) == ["1", "2", "elsewhere"]
        assert await one.fetch(max_records=10, timeout_ms=100) == {}


async def test_a_reader_that_comes_again_gets_again_what_was_not_committed(broker: TopicBroker) -> None:
    await send(broker, *(letter("a", str(number)) for number in range(6)))
    async with reading(broker) as source:
        assert len(await read(source, 6)) == 6
    async with reading(broker) as source:
        records = await read(source, 6)
        assert texts(records) == list("012345")
        await source.commit({records[0].partition: 4})
    async with reading(broker) as source:
        assert texts(await read(source, 2)) == ["4", "5"]


async def test_a_seek_reads_on_from_there_as_often_as_wanted(broker: TopicBroker) -> None:
    await send(broker, *(letter("a", str(number)) for number in range(6)))
    async with reading(broker) as source:
        partition = (await read(source, 6))[0].partition
        for offset in (2, 0, 5):
            source.seek(partition, offset)
            assert texts(await read(source, 6 - offset)) == list("012345"[offset:])


async def test_a_seek_in_a_partition_that_is_not_held_has_no_effect(broker: TopicBroker) -> None:
    await send(broker, *map(letter, KEYS))
    async with reading(broker) as source:
        source.seek(Partition(OTHER_TOPIC, 0), 0)
        source.seek(Partition(TOPIC, 999), 7)
        assert len(await read(source, len(KEYS))) == len(KEYS)
        assert source.assignment() == ALL


async def test_a_place_that_the_log_does_not_reach_becomes_its_start(broker: TopicBroker) -> None:
    await send(broker, letter("a", "1"), letter("a", "2"))
    async with reading(broker) as source:
        partition = (await read(source, 2))[0].partition
        source.seek(partition, 1000)
        assert texts(await read(source, 2)) == ["1", "2"]


async def test_bounds_are_told_of_partitions_that_another_member_or_nobody_holds(broker: TopicBroker) -> None:
    await send(broker, letter("a", topic=OTHER_TOPIC), letter("a", topic=OTHER_TOPIC))
    filled = Partition(OTHER_TOPIC, partition_of(b"a", len(ALL)))
    async with reading(broker) as source:
        assert await source.bounds([filled]) == {filled: Bounds(0, 2)}
        assert await source.bounds([]) == {}
        assert set((await source.bounds(sorted(ALL))).values()) == {Bounds(0, 0)}


async def test_a_fetch_gives_no_more_than_was_asked_for_and_leaves_nothing_out(broker: TopicBroker) -> None:
    await send(broker, *map(letter, KEYS))
    seen: list[Record] = []
    async with reading(broker) as source, asyncio.timeout(20):
        while len(seen) < len(KEYS):
            batch = await source.fetch(max_records=4, timeout_ms=500)
            records = [record for of_partition in batch.values() for record in of_partition]
            assert len(records) <= 4
            seen += records
    assert len(places(seen)) == len(seen) == len(KEYS)


async def test_a_fetch_ends_when_something_comes_and_else_in_its_time(broker: TopicBroker) -> None:
    async with reading(broker) as source:
        began = time.monotonic()
        assert await source.fetch(max_records=10, timeout_ms=300) == {}
        assert 0.25 < time.monotonic() - began < 2
        waiting = asyncio.create_task(source.fetch(max_records=10, timeout_ms=60_000))
        await send(broker, letter("a", "news"))
        async with asyncio.timeout(10):
            (records,) = (await waiting).values()
        assert texts(records) == ["news"]


async def test_two_members_share_the_partitions_and_what_one_leaves_comes_to_the_other(broker: TopicBroker) -> None:
    await send(broker, *map(letter, KEYS))
    async with reading(broker) as staying:
        async with reading(broker) as leaving:
            await share(staying, leaving)
            its_own = [record for record in await read(leaving, 1) if record.partition in leaving.assignment()]
            assert its_own
        await share(staying)
        await send(broker, *(letter(key, "after") for key in KEYS))
        records = await read(staying, 2 * len(KEYS))
        assert places(its_own) <= places(records), "what was read but not committed is lost"
        assert texts(records).count("after") == len(KEYS)


async def test_what_a_leaving_member_committed_does_not_come_again(broker: TopicBroker) -> None:
    await send(broker, *map(letter, KEYS))
    async with reading(broker) as source:
        await source.commit(next_offsets(await read(source, len(KEYS))))
    await send(broker, letter("a", "after"))
    async with reading(broker) as source:
        assert texts(await read(source, 1)) == ["after"]
        assert await source.fetch(max_records=10, timeout_ms=200) == {}


async def test_a_commit_for_a_lost_partition_raises_nothing_and_moves_nothing(broker: TopicBroker) -> None:
    await send(broker, *map(letter, KEYS))
    async with reading(broker) as losing:
        records = await read(losing, len(KEYS))
        async with reading(broker) as gaining:
            await share(losing, gaining)
            lost = {
                place: offset for place, offset in next_offsets(records).items() if place not in losing.assignment()
            }
            assert lost
            await losing.commit(lost)
    async with reading(broker) as source:
        assert places(await read(source, len(KEYS))) == places(records)


async def test_a_sink_that_was_closed_sends_no_more(broker: TopicBroker) -> None:
    sink = await broker.sink()
    await sink.send_all([])
    await sink.send_all([letter("a", "1")])
    await sink.close()
    await sink.close()
    with pytest.raises(SendFailed):
        await sink.send_all([letter("a", "2")])
    async with reading(broker) as source:
        assert texts(await read(source, 1)) == ["1"]
        await source.close()


async def test_topics_that_exist_are_left_as_they_are(broker: TopicBroker) -> None:
    await send(broker, letter("a", "1"))
    await broker.create_topics([TOPIC, "new"])
    await send(broker, letter("a", "2", "new"))
    async with reading(broker, topics=[TOPIC, "new"]) as source:
        assert sorted(texts(await read(source, 2))) == ["1", "2"]
