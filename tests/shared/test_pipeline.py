"""From an outbox through a real Kafka to an effect: nothing lost, nothing doubled, whatever is taken away meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared import outbox
from shared.broker import Broker, Message
from shared.consumer import Consumer, ConsumerSettings
from shared.db import Connection, Pool, SiteScope, lock, open_pool, transaction
from shared.delivery import Subscription
from shared.errors import LogMismatch, SendFailed, TooManyDeadLetters
from shared.events import VISIT_UPDATED, Event, encode, headers_of
from shared.kafka import KafkaBroker
from shared.relay import Relay
from tests.builders import SITE, a_visit, an_event
from tests.conftest import Databases, FreshDatabase, Pools, until
from tests.shared.conftest import EFFECT

PATIENTS = [uuid4() for _ in range(5)]


async def count(connection: Connection, events: Sequence[Event]) -> None:
    await connection.executemany(
        "INSERT INTO effect (key, sequence, times) VALUES ($1, $2, 1) "
        "ON CONFLICT (key, sequence) DO UPDATE SET times = effect.times + 1",
        [(event.key, event.sequence) for event in events],
    )


COUNTING = Subscription("test", (VISIT_UPDATED,), count)
QUICK = ConsumerSettings(fetch_timeout_ms=50, brake_after=5, watch_every_s=0.2)


@pytest.fixture
async def broker(kafka_bootstrap: str) -> KafkaBroker:
    """A namespace of its own on the shared Kafka."""
    broker = KafkaBroker(kafka_bootstrap, client_id="test", prefix=f"test-{uuid4().hex[:8]}-")
    await broker.create_topics([VISIT_UPDATED.name])
    return broker


@pytest.fixture
async def publisher(database: Databases) -> FreshDatabase:
    """A database of a publisher."""
    return await database("intake")


@pytest.fixture
async def reader(database: Databases, pool_of: Pools) -> Pool:
    """A consumer's pool, with an effect that counts."""
    found = await database("dashboard")
    await found.run(EFFECT)
    return await pool_of(found)


@asynccontextmanager
async def running(*jobs: Awaitable[None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def write(pool: Pool, patient: UUID, times: int = 1) -> None:
    """Record `times` visits of a patient, each in a transaction of its own, as a command does."""
    for _ in range(times):
        async with transaction(pool, SiteScope.of(SITE)) as connection:
            await lock(connection, [str(patient)])
            visit = a_visit(patient_id=patient, visit_id=uuid4())
            await outbox.add(connection, [outbox.Draft(SITE, str(patient), visit)])


async def total(reader: Pool) -> int:
    return int(await reader.fetchval("SELECT count(*) FROM effect"))


async def doubled(reader: Pool) -> int:
    return int(await reader.fetchval("SELECT count(*) FROM effect WHERE times <> 1"))


async def test_what_sixteen_writers_commit_has_its_effect_once_and_in_order(
    broker: KafkaBroker, publisher: FreshDatabase, reader: Pool
) -> None:
    async with (
        open_pool(publisher.app, size=16) as source,
        running(Relay("intake", publisher.worker, broker).run(), Consumer(COUNTING, broker, reader, QUICK).run()),
    ):
        await asyncio.gather(*(write(source, patient, 20) for patient in PATIENTS for _ in range(3)))

        async def all_arrived() -> bool:
            return await total(reader) == len(PATIENTS) * 60

        await until(all_arrived)
    assert await doubled(reader) == 0
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
    broker: KafkaBroker, publisher: FreshDatabase, reader: Pool
) -> None:
    async with open_pool(publisher.app, size=4) as source:
        for patient in PATIENTS:
            await write(source, patient, 10)
    async with running(
        Relay("intake", publisher.worker, LosingSink(broker)).run(), Consumer(COUNTING, broker, reader, QUICK).run()
    ):

        async def all_arrived() -> bool:
            return await total(reader) == len(PATIENTS) * 10

        await until(all_arrived)
    assert LosingSink.failures > 0
    assert await doubled(reader) == 0


async def publish(
    broker: KafkaBroker, *sequences: int, patient: UUID = PATIENTS[0], value: bytes | None = None
) -> None:
    sink = await broker.sink()
    for sequence in sequences:
        event = an_event(a_visit(patient_id=patient), sequence=sequence)
        headers = headers_of(
            event_id=event.event_id,
            topic=event.topic,
            site_id=event.site_id,
            key=event.key,
            sequence=sequence,
            time=event.time,
            traceparent=None,
        )
        message = Message(event.topic, event.key.encode(), encode(event.body) if value is None else value, headers)
        await sink.send_all([message])
    await sink.close()


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
                return await total(reader) == 6 + 3 * (len(PATIENTS) - 1)

            await until(all_arrived)
    assert await doubled(reader) == 0


async def test_a_log_that_was_made_anew_stops_the_consumer(broker: KafkaBroker, reader: Pool) -> None:
    async with running(Consumer(COUNTING, broker, reader, QUICK).run()):
        await publish(broker, 1, 2, 3)

        async def all_arrived() -> bool:
            return await total(reader) == 3

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
