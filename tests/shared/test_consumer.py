"""The consumer against the in-memory broker: every effect once, whatever fails and when; and when it must stop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from shared import dead_letters
from shared.broker import Broker, Partition, Record
from shared.consumer import Consumer, ConsumerSettings
from shared.db import Connection, Pool, open_pool, transaction
from shared.errors import LogMismatch, Stalled, TooManyDeadLetters
from shared.events import PARTITIONS, VISIT_UPDATED, Event
from shared.memory_broker import MemoryBroker, partition_of
from tests.builders import a_message, a_visit, an_event
from tests.shared.effects import COUNTING, PATIENTS, an_empty_broker, effects, once, publish, running
from tests.shared.effects import count as make_effect
from tests.shared.flaky import FlakyBroker, FlakySource, RefusingBroker, T
from tests.shared.wire import wire_to
from tests.waiting import until

EAGER = ConsumerSettings(
    max_records=4, fetch_timeout_ms=5, brake_after=5, watch_every_s=0.005, first_retry_s=0.001, retry_s=0.01
)
PATIENT = PATIENTS[0]
PLACE = Partition(VISIT_UPDATED.name, partition_of(str(PATIENT).encode(), PARTITIONS))


@pytest.fixture
async def broker() -> MemoryBroker:
    return await an_empty_broker()


async def publish_for_all(broker: Broker, *sequences: int) -> None:
    for patient in PATIENTS:
        await publish(broker, *sequences, patient=patient)


async def begin_again(reader: Pool) -> None:
    tables = ("effect", "consumer_offset", "consumer_head", "delivery", "dead_letter")
    await reader.execute("; ".join(f"DELETE FROM {table}" for table in tables))


async def until_there_are(number: int, reader: Pool) -> None:
    """Wait for so many effects."""

    async def have_arrived() -> bool:
        return len(await effects(reader)) >= number

    await until(have_arrived)


async def until_it_stops(broker: Broker, reader: Pool, settings: ConsumerSettings = EAGER) -> None:
    """Run a consumer until it stops itself."""
    async with asyncio.timeout(20):
        await Consumer(COUNTING, broker, reader, settings).run()


async def set_aside(reader: Pool) -> list[str]:
    return [row["state"] for row in await reader.fetch("SELECT state FROM dead_letter ORDER BY record_offset")]


async def test_a_connection_that_is_lost_at_any_moment_costs_no_effect_and_doubles_none(
    reader: Pool, reader_dsn: str, broker: MemoryBroker
) -> None:
    await publish_for_all(broker, 1, 2)
    async with wire_to(reader_dsn) as wire, open_pool(wire.dsn, size=2) as pool:
        for exchange in count(1):
            await begin_again(reader)
            wire.cut_at(exchange)
            async with running(Consumer(COUNTING, broker, pool, replace(EAGER, watch_every_s=60)).run()):
                await until_there_are(2 * len(PATIENTS), reader)
            assert await effects(reader) == once(*PATIENTS, upto=2), f"cut at exchange {exchange}"
            if not wire.was_cut:
                break
    assert exchange > 60, "locating, applying and committing were all cut"
    assert await set_aside(reader) == []


@pytest.mark.parametrize("has_effect", [False, True])
async def test_a_broker_that_fails_at_any_call_costs_no_effect_and_doubles_none(
    reader: Pool, broker: MemoryBroker, *, has_effect: bool
) -> None:
    await publish_for_all(broker, 1, 2)
    for call in range(1, 20):
        await begin_again(reader)
        flaky = FlakyBroker(broker, call, has_effect=has_effect)
        async with running(Consumer(COUNTING, flaky, reader, EAGER).run()):

            async def is_done(flaky: FlakyBroker = flaky) -> bool:
                return flaky.has_failed and len(await effects(reader)) == 2 * len(PATIENTS)

            await until(is_done)
        assert await effects(reader) == once(*PATIENTS, upto=2), f"failed at call {call}"
    assert await set_aside(reader) == []


async def test_a_broker_that_is_away_for_a_while_is_read_on_when_it_is_back(reader: Pool, broker: MemoryBroker) -> None:
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()):
        await publish_for_all(broker, 1)
        await until_there_are(len(PATIENTS), reader)
        with capture_logs() as logged:
            broker.stop()

            async def is_noticed() -> bool:
                return any(entry["event"] == "consumer waits" for entry in logged)

            await until(is_noticed)
        broker.start()
        await publish_for_all(broker, 2)
        await until_there_are(2 * len(PATIENTS), reader)
    assert await effects(reader) == once(*PATIENTS, upto=2)


async def test_who_is_refused_knows_it_and_reads_on_when_it_may(reader: Pool, broker: MemoryBroker) -> None:
    refusing = RefusingBroker(broker, "Kafka refuses dashboard-worker the group")
    consumer = Consumer(COUNTING, refusing, reader, EAGER)

    async def is_refused() -> bool:
        return consumer.refusal == "Kafka refuses dashboard-worker the group"

    async def is_let_in() -> bool:
        return consumer.refusal is None

    async with running(consumer.run()):
        await until(is_refused)
        refusing.reason = None
        await publish_for_all(broker, 1)
        await until_there_are(len(PATIENTS), reader)
        await until(is_let_in)


async def test_the_wait_after_a_failure_grows_and_is_short_again_after_a_success(
    reader: Pool, broker: MemoryBroker
) -> None:
    settings = replace(EAGER, first_retry_s=0.002, retry_s=0.008)
    waits: list[float] = []

    async def has_waited_four_times() -> bool:
        waits[:] = [entry["seconds"] for entry in logged if entry["event"] == "consumer waits"]
        return len(waits) >= 4

    consumer = Consumer(COUNTING, broker, reader, settings)

    async def has_read_on() -> bool:
        return consumer.refusal is None

    async with running(consumer.run()):
        for sequence in (1, 2):
            await publish(broker, sequence)
            await until_there_are(sequence, reader)
            consumer.refusal = "until it has read on"
            await until(has_read_on)
            with capture_logs() as logged:
                broker.stop()
                await until(has_waited_four_times)
            assert waits[:4] == [0.002, 0.004, 0.008, 0.008]
            broker.start()


async def test_members_come_and_go_and_every_effect_is_made_once(reader: Pool, broker: MemoryBroker) -> None:
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()) as staying:
        for sequence in range(1, 7):
            async with running(Consumer(COUNTING, broker, reader, EAGER).run()):
                await publish_for_all(broker, sequence)
                await until_there_are(sequence * len(PATIENTS) - 2, reader)
        await until_there_are(6 * len(PATIENTS), reader)
        assert not staying[0].done()
    assert await effects(reader) == once(*PATIENTS, upto=6)


async def test_a_topic_that_was_made_anew_stops_a_running_consumer(reader: Pool, broker: MemoryBroker) -> None:
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()) as (consumer,):
        await publish(broker, 1, 2, 3)
        await until_there_are(3, reader)
        broker.recreate(VISIT_UPDATED.name)
        await publish(broker, 4)
        async with asyncio.timeout(20):
            with pytest.raises(LogMismatch, match="ends at 1 but was applied up to 3"):
                await consumer
    assert await effects(reader) == once(PATIENT, upto=3)


async def test_a_topic_that_was_made_anew_and_is_longer_than_before_is_known_by_its_events(
    reader: Pool, broker: MemoryBroker
) -> None:
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()):
        await publish(broker, 1, 2, 3)
        await until_there_are(3, reader)
    broker.recreate(VISIT_UPDATED.name)
    await publish(broker, 4, 5, 6, 7)
    with pytest.raises(LogMismatch, match="holds another event at 2 than was applied"):
        await until_it_stops(broker, reader)
    assert await effects(reader) == once(PATIENT, upto=3)


async def test_records_that_were_deleted_after_they_were_applied_are_not_missed(
    reader: Pool, broker: MemoryBroker
) -> None:
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()):
        await publish(broker, 1, 2, 3)
        await until_there_are(3, reader)
    broker.delete_before(PLACE, 3)
    await publish(broker, 4)
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()):
        await until_there_are(4, reader)
    assert await effects(reader) == once(PATIENT, upto=4)


async def test_records_that_were_deleted_before_they_were_applied_stop_the_consumer(
    reader: Pool, broker: MemoryBroker
) -> None:
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()):
        await publish(broker, 1)
        await until_there_are(1, reader)
    await publish(broker, 2, 3)
    broker.delete_before(PLACE, 2)
    with pytest.raises(LogMismatch, match="starts at 2 but was applied only up to 1"):
        await until_it_stops(broker, reader)
    assert await effects(reader) == once(PATIENT, upto=1)


async def test_what_came_with_records_that_do_not_follow_is_read_again_too(reader: Pool, broker: MemoryBroker) -> None:
    """A refill moves the places of all partitions back; that is seen at the first, and nothing more may come."""
    other = next(key for key in iter(uuid4, None) if partition_of(str(key).encode(), PARTITIONS) != PLACE.number)

    async def publish_for_both(sequence: int) -> None:
        sink = await broker.sink()
        visits = [a_visit(patient_id=patient) for patient in (PATIENT, other)]
        await sink.send_all([a_message(an_event(visit, sequence=sequence)) for visit in visits])
        await sink.close()

    async with running(Consumer(COUNTING, broker, reader, EAGER).run()):
        for sequence in (1, 2):
            await publish_for_both(sequence)
            await until_there_are(2 * sequence, reader)
            await reader.execute("UPDATE consumer_offset SET next_offset = 0, last_event_id = NULL")
    assert await effects(reader) == once(PATIENT, other, upto=2)


class DeafSource(FlakySource):
    async def fetch(self, *, max_records: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        return {}


class DeafBroker(FlakyBroker):
    """Its sources never find anything, however long the log grows, as a client does that lost its way."""

    async def source(self, group: str, topics: Sequence[str]) -> DeafSource:
        return DeafSource(self, await self._broker.source(group, topics))


async def test_lag_that_stands_still_stops_the_consumer(reader: Pool, broker: MemoryBroker) -> None:
    await publish(broker, 1, 2)
    deaf = DeafBroker(broker, 0, has_effect=True)
    with pytest.raises(Stalled, match="2 records to read and none applied"):
        await until_it_stops(deaf, reader, replace(EAGER, stall_after_s=0.05))


async def test_a_consumer_with_nothing_to_read_is_not_stalled(reader: Pool, broker: MemoryBroker) -> None:
    looks = 0

    class CountingBroker(FlakyBroker):
        async def call(self, act: Callable[[], Awaitable[T]], failure: type[Exception]) -> T:
            nonlocal looks
            looks += 1
            return await act()

    async def has_looked_often() -> bool:
        return looks > 40

    counting = CountingBroker(broker, 0, has_effect=True)
    async with running(Consumer(COUNTING, counting, reader, replace(EAGER, stall_after_s=0.05)).run()) as (consumer,):
        await until(has_looked_often)
        assert not consumer.done()


async def test_dead_records_in_a_row_pull_the_brake_though_they_come_one_by_one(
    reader: Pool, broker: MemoryBroker
) -> None:
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()) as (consumer,):
        for number in range(EAGER.brake_after + 1):
            await publish(broker, 1, patient=uuid4(), value=b"{}")

            async def is_seen(number: int = number) -> bool:
                return consumer.done() or len(await set_aside(reader)) > number

            await until(is_seen)
        with pytest.raises(TooManyDeadLetters, match="6 records in a row cannot be applied"):
            await consumer
    assert await set_aside(reader) == ["dead"] * EAGER.brake_after, "the one that pulled the brake is not set aside"


async def publish_dead(broker: Broker) -> None:
    """What can never be applied, of somebody else in the same partition."""
    other = next(key for key in iter(uuid4, None) if partition_of(str(key).encode(), PARTITIONS) == PLACE.number)
    await publish(broker, 1, patient=other, value=b"{}")


async def publish_good_and_dead(broker: Broker, times: int) -> None:
    """A good event and one that can never be applied, by turns in one partition."""
    for sequence in range(1, times + 1):
        await publish(broker, sequence)
        await publish_dead(broker)


async def test_dead_records_with_good_ones_between_them_do_not_pull_the_brake(
    reader: Pool, broker: MemoryBroker
) -> None:
    await publish_good_and_dead(broker, 20)
    async with running(Consumer(COUNTING, broker, reader, replace(EAGER, max_records=500)).run()):
        await until_there_are(20, reader)
    assert await set_aside(reader) == ["dead"] * 20


@pytest.mark.parametrize("at_once", [1, 500])
async def test_what_was_set_aside_over_time_does_not_pull_the_brake_when_the_log_is_read_again(
    reader: Pool, broker: MemoryBroker, at_once: int
) -> None:
    """As after a refill, which has what was set aside come again too: the good ones between are duplicates then."""
    await publish_good_and_dead(broker, 20)

    async def are_set_aside() -> bool:
        return await set_aside(reader) == ["dead"] * 20

    for _ in range(2):
        await reader.execute("UPDATE consumer_offset SET next_offset = 0, last_event_id = NULL")
        await reader.execute("DELETE FROM dead_letter")
        async with running(Consumer(COUNTING, broker, reader, replace(EAGER, max_records=at_once)).run()) as (job,):
            await until(are_set_aside)
            assert not job.done()
    assert await effects(reader) == once(PATIENT, upto=20)


async def test_what_is_dead_in_a_row_behind_a_log_that_is_read_again_pulls_the_brake(
    reader: Pool, broker: MemoryBroker
) -> None:
    await publish(broker, 1, 2, 3)
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()):
        await until_there_are(3, reader)
    await reader.execute("UPDATE consumer_offset SET next_offset = 0, last_event_id = NULL")
    for _ in range(EAGER.brake_after + 1):
        await publish_dead(broker)
    with pytest.raises(TooManyDeadLetters, match="6 records in a row cannot be applied"):
        await until_it_stops(broker, reader, replace(EAGER, max_records=1))
    assert await set_aside(reader) == ["dead"] * EAGER.brake_after


@pytest.mark.parametrize("at_once", [1, 500])
async def test_a_dead_record_that_comes_again_and_again_pulls_no_brake(
    reader: Pool, broker: MemoryBroker, at_once: int
) -> None:
    """As when a producer, or a broker, repeats what it sent."""
    other = next(key for key in iter(uuid4, None) if partition_of(str(key).encode(), PARTITIONS) == PLACE.number)
    await publish(broker, *[1] * (EAGER.brake_after + 3), patient=other, value=b"{}")
    await publish(broker, 1)
    async with running(Consumer(COUNTING, broker, reader, replace(EAGER, max_records=at_once)).run()):
        await until_there_are(1, reader)
    assert await effects(reader) == once(PATIENT, upto=1)


FAIL_THE_FIRST_COMMIT = """
CREATE SEQUENCE commits;
CREATE FUNCTION fail_the_first_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('commits') = 1 THEN RAISE EXCEPTION 'once' USING ERRCODE = 'serialization_failure'; END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON dead_letter DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fail_the_first_commit();
"""


async def test_the_brake_counts_what_was_set_aside_and_not_how_often_it_was_tried(
    reader: Pool, broker: MemoryBroker
) -> None:
    await reader.execute(FAIL_THE_FIRST_COMMIT)
    for _ in range(EAGER.brake_after):
        await publish(broker, 1, patient=uuid4(), value=b"{}")

    async def are_set_aside() -> bool:
        return len(await set_aside(reader)) == EAGER.brake_after

    async with running(Consumer(COUNTING, broker, reader, replace(EAGER, max_records=500)).run()):
        await until(are_set_aside)
    assert await reader.fetchval("SELECT last_value FROM commits") > EAGER.brake_after, "one commit failed"


async def fail_at_the_second(connection: Connection, events: Sequence[Event]) -> None:
    if any(event.sequence == 2 for event in events):
        raise ValueError("never")
    await make_effect(connection, events)


async def test_what_was_set_aside_is_replayed_and_reading_goes_on_behind_it(reader: Pool, broker: MemoryBroker) -> None:
    failing = replace(COUNTING, apply=fail_at_the_second)
    await publish(broker, 1, 2, 3)
    async with running(Consumer(failing, broker, reader, EAGER).run()):
        await publish(broker, 1, patient=PATIENTS[1])

        async def is_set_aside() -> bool:
            return await set_aside(reader) == ["dead", "parked"]

        await until(is_set_aside)
        await until_there_are(2, reader)
    async with running(Consumer(COUNTING, broker, reader, EAGER).run()):
        async with transaction(reader) as connection:
            streams = [letter.stream for letter in await dead_letters.listed(connection, COUNTING.name)]
        await dead_letters.replay(reader, COUNTING, streams)
        await publish(broker, 4)
        await until_there_are(5, reader)
    assert await effects(reader) == once(PATIENT, upto=4) | once(PATIENTS[1], upto=1)
    assert await set_aside(reader) == []


async def test_a_few_records_wait_for_others_where_nobody_waits_for_them(broker: Broker, reader: Pool) -> None:
    batches: list[int] = []

    async def counted(connection: Connection, events: Sequence[Event]) -> None:
        batches.append(len(events))
        await make_effect(connection, events)

    patient = replace(COUNTING, apply=counted, gather_s=1.0)
    async with running(Consumer(patient, broker, reader, replace(EAGER, max_records=100)).run()):
        await publish(broker, 1)
        await until_there_are(1, reader)
        for sequence in range(2, 11):
            await publish(broker, sequence)
        await until_there_are(10, reader)
    assert batches == [1, 9]
    assert await effects(reader) == once(PATIENT, upto=10)
