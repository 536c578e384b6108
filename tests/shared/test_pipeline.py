"""From an outbox through a real Kafka to an effect: nothing lost, nothing doubled, whatever is taken away meanwhile."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from shared.broker import Broker, Message
from shared.consumer import Consumer, ConsumerSettings
from shared.db import Pool, open_pool
from shared.errors import LogMismatch, SendFailed, TooManyDeadLetters
from shared.events import VISIT_UPDATED
from shared.kafka import KafkaBroker
from shared.relay import Relay
from tests.shared.effects import COUNTING, PATIENTS, effects, once, publish, running, write
from tests.waiting import until

QUICK = ConsumerSettings(fetch_timeout_ms=50, brake_after=5, watch_every_s=0.2)


@pytest.fixture
async def broker(kafka_bootstrap: str) -> KafkaBroker:
    """A namespace of its own on the shared Kafka."""
    broker = KafkaBroker(kafka_bootstrap, client_id="test", prefix=f"test-{uuid4().hex[:8]}-")
    await broker.create_topics([VISIT_UPDATED.name])
    return broker


async def test_what_sixteen_writers_commit_has_its_effect_once_and_in_order(
    broker: KafkaBroker, source_dsn: str, reader: Pool
) -> None:
    async with (
        open_pool(source_dsn, size=16) as source,
        running(Relay("intake", source_dsn, broker).run(), Consumer(COUNTING, broker, reader, QUICK).run()),
    ):
        await asyncio.gather(*(write(source, patient, 20) for patient in PATIENTS for _ in range(3)))

        async def all_arrived() -> bool:
            return len(await effects(reader)) == len(PATIENTS) * 60

        await until(all_arrived)
    assert await effects(reader) == once(*PATIENTS, upto=60)
    assert await reader.fetchval("SELECT count(*) FROM dead_letter") == 0
    heads = await reader.fetch("SELECT sequence FROM consumer_head")
    assert [row["sequence"] for row in heads] == [60] * len(PATIENTS)


class LosingSink:
    """Sends a part of every other batch and then fails, as a broker does that goes away in the middle."""

    failures = 0

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def sink(self) -> "LosingSink":
        self._sink = await self._broker.sink()
        return self

    async def source(self, group: str, topics: Sequence[str]) -> Any:
        return await self._broker.source(group, topics)

    async def send_all(self, messages: Sequence[Message]) -> None:
        if LosingSink.failures < 5 and len(messages) > 1:
            LosingSink.failures += 1
            await self._sink.send_all(messages[: len(messages) // 2])
            raise SendFailed("half of it")
        await self._sink.send_all(messages)

    async def close(self) -> None:
        await self._sink.close()


async def test_a_send_that_failed_half_way_is_sent_again_and_has_its_effects_once(
    broker: KafkaBroker, source_dsn: str, reader: Pool
) -> None:
    async with open_pool(source_dsn, size=4) as source:
        for patient in PATIENTS:
            await write(source, patient, 10)
    async with running(
        Relay("intake", source_dsn, LosingSink(broker)).run(), Consumer(COUNTING, broker, reader, QUICK).run()
    ):

        async def all_arrived() -> bool:
            return len(await effects(reader)) == len(PATIENTS) * 10

        await until(all_arrived)
    assert LosingSink.failures > 0
    assert await effects(reader) == once(*PATIENTS, upto=10)


async def test_two_members_share_the_work_and_a_third_takes_over_what_one_leaves(
    broker: KafkaBroker, reader: Pool
) -> None:
    async with running(Consumer(COUNTING, broker, reader, QUICK).run()) as first:
        await publish(broker, 1, 2, 3)
        async with running(Consumer(COUNTING, broker, reader, QUICK).run()):
            for patient in PATIENTS[1:]:
                await publish(broker, 1, 2, 3, patient=patient)
            first[0].cancel()
            await publish(broker, 4, 5, 6)

            async def all_arrived() -> bool:
                return len(await effects(reader)) == 6 + 3 * (len(PATIENTS) - 1)

            await until(all_arrived)
    assert await effects(reader) == once(PATIENTS[0], upto=6) | once(*PATIENTS[1:], upto=3)


async def test_a_log_that_was_made_anew_stops_the_consumer(broker: KafkaBroker, reader: Pool) -> None:
    async with running(Consumer(COUNTING, broker, reader, QUICK).run()):
        await publish(broker, 1, 2, 3)

        async def all_arrived() -> bool:
            return len(await effects(reader)) == 3

        await until(all_arrived)
    await reader.execute("UPDATE consumer_offset SET last_event_id = 'another event' WHERE next_offset > 0")
    with pytest.raises(LogMismatch, match="another event"):
        await asyncio.wait_for(Consumer(COUNTING, broker, reader, QUICK).run(), 30)
    await reader.execute("UPDATE consumer_offset SET next_offset = next_offset + 5 WHERE next_offset > 0")
    with pytest.raises(LogMismatch, match="re-created or truncated"):
        await asyncio.wait_for(Consumer(COUNTING, broker, reader, QUICK).run(), 30)


async def test_many_bad_records_in_a_row_pull_the_brake_before_they_are_set_aside(
    broker: KafkaBroker, reader: Pool
) -> None:
    for patient in (uuid4() for _ in range(8)):
        await publish(broker, 1, patient=patient, value=b"{}")
    with pytest.raises(TooManyDeadLetters):
        await asyncio.wait_for(Consumer(COUNTING, broker, reader, QUICK).run(), 30)
    assert await reader.fetchval("SELECT count(*) FROM dead_letter") <= 5
