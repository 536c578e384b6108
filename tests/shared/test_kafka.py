"""What only a real Kafka can show: no call waits for ever when it goes silent, and wrong topics are refused."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.ports import HOST, keep_or_choose
from shared.broker import Bounds, Partition
from shared.errors import Halt, SendFailed
from shared.kafka import KafkaAway, KafkaBroker
from shared.kafka_login import Membership
from shared.memory_broker import partition_of
from tests.brokers import a_kafka
from tests.shared.conftest import OTHER_TOPIC, TOPIC, own_kafka
from tests.shared.logs import ALL, KEYS, letter, next_offsets, read, reading, send, texts
from tests.waiting import until

pytestmark = pytest.mark.kafka

BIG = "x" * 300_000  # more than a batch of the producer takes


@asynccontextmanager
async def at_most(seconds: float) -> AsyncIterator[None]:
    """Fail when the block takes longer, even where it would swallow a cancellation."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


async def settings_of(bootstrap_servers: str, topic: str) -> set[tuple[str, str]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    await admin.close()
    (resource,) = answer.resources
    return {(entry[0], entry[1]) for entry in resource[4]}


async def refused(asked: Awaitable[object]) -> None:
    with pytest.raises(ConnectionError):
        await asked


async def test_a_broker_that_falls_silent_holds_nobody_up_and_is_used_again_when_it_wakes(tmp_path: Path) -> None:
    with a_kafka(tmp_path) as (bootstrap_servers, pid):
        broker = own_kafka(bootstrap_servers, answer_timeout_s=2)
        await broker.create_topics([TOPIC])
        async with reading(broker) as source:
            sink = await broker.sink()
            await sink.send_all([letter("a", "before")])
            records = await read(source, 1)
            os.kill(pid, signal.SIGSTOP)
            try:
                async with at_most(4):
                    with pytest.raises(SendFailed):
                        await sink.send_all([letter("a", "on its way"), letter("a", BIG), letter("a", "in the queue")])
                async with at_most(4):
                    await sink.close()
                async with at_most(4):
                    assert await source.fetch(max_records=10, timeout_ms=200) == {}
                async with at_most(12):
                    await asyncio.gather(
                        refused(broker.sink()),
                        refused(source.bounds(sorted(ALL))),
                        source.commit(next_offsets(records)),
                    )
            finally:
                os.kill(pid, signal.SIGCONT)

            async def is_sent() -> bool:
                try:
                    await send(broker, letter("a", "after"))
                except (SendFailed, ConnectionError):
                    return False
                return True

            await until(is_sent)
        async with reading(broker, "another") as source:
            found = texts(await read(source, 2))
            while batch := await source.fetch(max_records=10, timeout_ms=2_000):
                found += texts([record for records in batch.values() for record in records])
        # What was on the wire may have been written, the last one more than once; what still waited in the queue of
        # the sink that was closed must not be written late, behind what a new sink wrote.
        assert found[0] == "before"
        assert set(found) - {"on its way"} == {"before", "after"}


async def test_behind_a_full_batch_all_that_waits_of_a_patient_comes_together(kafka_bootstrap: str) -> None:
    broker = own_kafka(kafka_bootstrap)
    await broker.create_topics([TOPIC, OTHER_TOPIC])
    await send(broker, *(letter(key, topic=topic) for topic in (TOPIC, OTHER_TOPIC) for key in KEYS * 5))
    in_order = []
    async with reading(broker, topics=[TOPIC, OTHER_TOPIC]) as source:
        while batch := await source.fetch(max_records=45, timeout_ms=1_000):
            in_order.append(batch)
    later = in_order[1:]
    assert sum(len(records) for batch in in_order for records in batch.values()) == 2 * 5 * len(KEYS)
    shares = [(place, number) for place, batch in enumerate(later) for number in {one.number for one in batch}]
    assert len(shares) <= len(ALL) + len(later), "a number is taken whole, but for the one that fills a batch"


async def test_a_cluster_that_cannot_be_reached_is_a_connection_error() -> None:
    (unused,) = keep_or_choose((), 1)
    broker = own_kafka(f"{HOST}:{unused}", answer_timeout_s=1)
    async with at_most(5):
        for asked in (broker.sink(), broker.source("readers", [TOPIC]), broker.create_topics([TOPIC])):
            with pytest.raises(KafkaAway):
                await asked


async def test_a_topic_that_nobody_made_cannot_be_written_or_read(kafka_bootstrap: str) -> None:
    broker = own_kafka(kafka_bootstrap, answer_timeout_s=1)
    await broker.create_topics([TOPIC])
    sink = await broker.sink()
    with pytest.raises(SendFailed):
        await sink.send_all([letter("a", topic="mistyped")])
    with pytest.raises(SendFailed):
        await sink.send_all([letter("a", "by a sink that failed before")])
    await sink.close()
    with pytest.raises(KafkaAway):
        await broker.source("readers", ["mistyped"])


async def test_a_topic_with_another_number_of_partitions_is_refused(kafka_bootstrap: str) -> None:
    prefix = f"test-{uuid4().hex[:8]}-"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(f"{prefix}{TOPIC}", 3, 1)])
    await admin.close()
    with pytest.raises(Halt, match="3 partitions, not 12"):
        await own_kafka(kafka_bootstrap, prefix=prefix).create_topics(["new", TOPIC])


async def test_a_topic_that_the_cluster_cannot_hold_is_refused(kafka_bootstrap: str) -> None:
    with pytest.raises(Halt, match="replication"):
        await own_kafka(kafka_bootstrap).create_topics([TOPIC], replication=3)


async def test_topics_are_kept_for_ever(kafka_bootstrap: str) -> None:
    prefix = f"test-{uuid4().hex[:8]}-"
    await own_kafka(kafka_bootstrap, prefix=prefix).create_topics([TOPIC])
    assert await settings_of(kafka_bootstrap, f"{prefix}{TOPIC}") >= {
        ("retention.ms", "-1"),
        ("cleanup.policy", "delete"),
        ("min.insync.replicas", "1"),
        ("unclean.leader.election.enable", "false"),
    }


async def test_records_that_were_deleted_are_out_of_bounds_and_reading_begins_behind_them(
    kafka_bootstrap: str,
) -> None:
    prefix = f"test-{uuid4().hex[:8]}-"
    broker = own_kafka(kafka_bootstrap, prefix=prefix)
    await broker.create_topics([TOPIC])
    await send(broker, *(letter("a", str(number)) for number in range(4)))
    place = Partition(TOPIC, partition_of(b"a", len(ALL)))
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(f"{prefix}{TOPIC}", place.number): RecordsToDelete(3)})
    await admin.close()
    async with reading(broker) as source:
        assert await source.bounds([place]) == {place: Bounds(3, 4)}
        assert texts(await read(source, 1)) == ["3"]
        source.seek(place, 1)
        assert texts(await read(source, 1)) == ["3"]


async def test_a_static_member_that_comes_back_has_its_partitions_without_the_others_noticing(
    kafka_bootstrap: str,
) -> None:
    prefix = f"test-{uuid4().hex[:8]}-"
    one, two = (
        KafkaBroker(kafka_bootstrap, client_id="test", prefix=prefix, membership=Membership(20_000, f"member-{number}"))
        for number in range(2)
    )
    await one.create_topics([TOPIC])
    async with reading(one) as staying:
        held: list[frozenset[Partition]] = []

        async def is_shared() -> bool:
            held[:] = [staying.assignment()]
            return 0 < len(held[0]) < len(ALL)

        async with reading(two):
            await until(is_shared)
        async with at_most(5), reading(two) as again:
            assert again.assignment() == ALL - held[0]
            assert staying.assignment() == held[0]
