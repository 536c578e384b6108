"""The relay against the in-memory broker: all that was committed is sent, in order, whatever fails and when."""

from collections import defaultdict
from collections.abc import AsyncIterator
from itertools import count

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared.db import Pool, open_pool, transaction
from shared.events import VISIT_UPDATED
from shared.memory_broker import MemoryBroker
from shared.relay import Relay, RelaySettings
from tests.shared.effects import PATIENTS, an_empty_broker, record_visit, running, write
from tests.shared.flaky import EventfulBroker, FlakyBroker, RefusingBroker
from tests.shared.logs import reading
from tests.shared.wire import wire_to
from tests.waiting import until

EAGER = RelaySettings(batch=4, poll_s=0.001, first_retry_s=0.001, retry_s=0.01)
Log = dict[str, list[int]]


@pytest.fixture
async def broker() -> MemoryBroker:
    return await an_empty_broker()


@pytest.fixture
async def source(source_dsn: str) -> AsyncIterator[Pool]:
    async with open_pool(source_dsn, size=4) as pool:
        yield pool


async def log_of(broker: MemoryBroker) -> Log:
    """The sequences of each patient in the order of the log."""
    log: Log = defaultdict(list)
    async with reading(broker, "auditor", [VISIT_UPDATED.name]) as source:
        while batch := await source.fetch(max_records=500, timeout_ms=1):
            for record in (record for records in batch.values() for record in records):
                log[record.key.decode()].append(int(dict(record.headers)["ce_sequence"]))
    return log


def are_in_order(log: Log, *, upto: int) -> bool:
    """Whether each patient's facts are all there and each came for the first time behind the one before it."""
    return len(log) == len(PATIENTS) and all(
        list(dict.fromkeys(sequences)) == list(range(1, upto + 1)) for sequences in log.values()
    )


async def is_all_sent(source: Pool) -> bool:
    """Whether the cursor stands at the end of the outbox."""
    return bool(
        await source.fetchval(
            "SELECT (SELECT (xid, position) FROM relay_cursor) = "
            "(SELECT (xid, position) FROM outbox ORDER BY xid DESC, position DESC LIMIT 1)"
        )
    )


async def sent_by(relay: Relay, source: Pool) -> None:
    """Run the relay until everything is sent."""

    async def is_done() -> bool:
        return await is_all_sent(source)

    async with running(relay.run()):
        await until(is_done)


async def forget_what_was_sent(source: Pool) -> None:
    await source.execute("UPDATE relay_cursor SET xid = 0, position = 0")


def seconds_waiting(service: str = "intake") -> float:
    """Age of the oldest event that the relay saw and did not send."""
    return REGISTRY.get_sample_value("samepage_relay_oldest_unsent_seconds", {"service": service}) or 0


async def test_a_connection_that_is_lost_at_any_moment_costs_no_event_and_no_order(
    source_dsn: str, source: Pool
) -> None:
    for patient in PATIENTS:
        await write(source, patient, 2)
    async with wire_to(source_dsn) as wire:
        for exchange in count(1):
            broker = await an_empty_broker()
            await forget_what_was_sent(source)
            wire.cut_at(exchange)
            await sent_by(Relay("intake", wire.dsn, broker, EAGER), source)
            assert are_in_order(await log_of(broker), upto=2), f"cut at exchange {exchange}"
            if not wire.was_cut:
                break
    assert exchange > 30, "connecting, reading, sending and moving the cursor were all cut"


@pytest.mark.parametrize("has_effect", [False, True])
async def test_a_broker_that_fails_at_any_call_costs_no_event_and_no_order(
    source: Pool, source_dsn: str, *, has_effect: bool
) -> None:
    for patient in PATIENTS:
        await write(source, patient, 2)
    for call in count(1):
        broker = await an_empty_broker()
        await forget_what_was_sent(source)
        flaky = FlakyBroker(broker, call, has_effect=has_effect)
        await sent_by(Relay("intake", source_dsn, flaky, EAGER), source)
        assert are_in_order(await log_of(broker), upto=2), f"failed at call {call}"
        if not flaky.has_failed:
            break
    assert call > 4, "opening the sink and three batches all failed once"


@pytest.mark.parametrize("written", [0, 1, 3, 4])
async def test_a_send_that_failed_half_way_is_sent_again_whole(
    source_dsn: str, source: Pool, broker: MemoryBroker, written: int
) -> None:
    await write(source, PATIENTS[0], 4)
    broker.fail_next_send(after=written)
    await sent_by(Relay("intake", source_dsn, broker, EAGER), source)
    assert (await log_of(broker))[str(PATIENTS[0])] == [*range(1, written + 1), 1, 2, 3, 4]


async def test_a_cursor_that_is_put_back_while_a_batch_is_on_its_way_has_everything_sent_again(
    source_dsn: str, source: Pool, broker: MemoryBroker
) -> None:
    await write(source, PATIENTS[0], 12)
    sends = count(1)

    async def put_back_at_the_second() -> None:
        if next(sends) == 2:
            await forget_what_was_sent(source)

    await sent_by(Relay("intake", source_dsn, EventfulBroker(broker, put_back_at_the_second), EAGER), source)
    assert (await log_of(broker))[str(PATIENTS[0])] == [*range(1, 9), *range(1, 13)]


async def test_a_broker_that_is_away_for_a_while_gets_everything_when_it_is_back(
    source_dsn: str, source: Pool, broker: MemoryBroker
) -> None:
    broker.stop()

    async def has_waited() -> bool:
        return seconds_waiting() > 0.2

    async with running(Relay("intake", source_dsn, broker, EAGER).run()):
        for patient in PATIENTS:
            await write(source, patient, 3)
        await until(has_waited)
        assert await source.fetchval("SELECT xid FROM relay_cursor") == 0
        broker.start()

        async def is_done() -> bool:
            return await is_all_sent(source)

        await until(is_done)
    assert are_in_order(await log_of(broker), upto=3)


async def test_who_is_refused_knows_it_before_there_is_anything_to_send(
    source_dsn: str, source: Pool, broker: MemoryBroker
) -> None:
    refusing = RefusingBroker(broker, "Kafka refuses intake-worker the topic")
    relay = Relay("intake", source_dsn, refusing, EAGER)

    async def is_refused() -> bool:
        return relay.refusal == "Kafka refuses intake-worker the topic"

    async def is_done() -> bool:
        return relay.refusal is None and await is_all_sent(source)

    async with running(relay.run()):
        await until(is_refused)
        await write(source, PATIENTS[0])
        refusing.reason = None
        await until(is_done)
    assert await log_of(broker) == {str(PATIENTS[0]): [1]}


async def test_the_wait_after_a_failure_grows_and_is_short_again_after_a_success(
    source_dsn: str, source: Pool, broker: MemoryBroker
) -> None:
    settings = RelaySettings(poll_s=0.001, first_retry_s=0.002, retry_s=0.008)
    waits: list[float] = []

    async def has_waited_four_times() -> bool:
        waits[:] = [entry["seconds"] for entry in logged if entry["event"] == "relay waits"]
        return len(waits) >= 4

    async def is_done() -> bool:
        return await is_all_sent(source)

    async with running(Relay("intake", source_dsn, broker, settings).run()):
        for _ in range(2):
            broker.stop()
            with capture_logs() as logged:
                await write(source, PATIENTS[0])
                await until(has_waited_four_times)
            assert waits[:4] == [0.002, 0.004, 0.008, 0.008]
            broker.start()
            await until(is_done)


async def test_an_open_transaction_holds_back_what_was_written_after_it_and_is_not_skipped(
    source_dsn: str, source: Pool, broker: MemoryBroker
) -> None:
    """Its event has the lower transaction id and comes later: behind a cursor that had gone on it would be lost."""
    late, early = PATIENTS[:2]

    async def has_waited() -> bool:
        return seconds_waiting() > 0.2

    async def is_done() -> bool:
        return await is_all_sent(source)

    async with running(Relay("intake", source_dsn, broker, EAGER).run()):
        async with transaction(source) as connection:
            await record_visit(connection, late)
            await write(source, early)
            await until(has_waited)
            assert await log_of(broker) == {}
        await until(is_done)
    assert await log_of(broker) == {str(late): [1], str(early): [1]}


async def test_a_second_relay_waits_for_the_first_and_goes_on_where_it_ended(
    source_dsn: str, source: Pool, broker: MemoryBroker
) -> None:
    async def is_done() -> bool:
        return await is_all_sent(source)

    async with running(*(Relay("intake", source_dsn, broker, EAGER).run() for _ in range(2))) as (first, second):
        for patient in PATIENTS:
            await write(source, patient, 4)
        await until(is_done)
        first.cancel()
        for patient in PATIENTS:
            await write(source, patient, 4)
        await until(is_done)
        assert not second.done()
    assert await log_of(broker) == {str(patient): list(range(1, 9)) for patient in PATIENTS}, "nothing was sent twice"


async def test_a_relay_that_waits_for_one_whose_host_fell_silent_tells_how_long_events_wait(
    source_dsn: str, source: Pool, broker: MemoryBroker
) -> None:
    """Nothing ends the session of the first: the server still holds its lock, as it does until it misses the client."""

    async def is_done() -> bool:
        return await is_all_sent(source)

    async def is_told() -> bool:
        return seconds_waiting("waits") > 0.2

    async with wire_to(source_dsn) as wire, running(Relay("silent", wire.dsn, broker, EAGER).run()):
        await write(source, PATIENTS[0])
        await until(is_done)
        wire.hold()
        with capture_logs() as logged:
            async with running(Relay("waits", source_dsn, broker, EAGER).run()):
                await write(source, PATIENTS[1])
                await until(is_told)
                assert await log_of(broker) == {str(PATIENTS[0]): [1]}
                wire.unplug()
                wire.release()
                await until(is_done)
    assert [entry["event"] for entry in logged if entry.get("who") == "relay"] == [
        "another holds the lock",
        "the lock is ours",
    ]
    assert await log_of(broker) == {str(patient): [1] for patient in PATIENTS[:2]}
