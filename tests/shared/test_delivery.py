"""Exactly one effect for each event, whatever the log brings; on a real PostgreSQL, with an effect that counts."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import dead_letters
from shared.broker import Partition, Record
from shared.db import Connection, Pool, transaction
from shared.delivery import Outcome, OutOfPlace, Subscription, deliver
from shared.delivery_store import places
from shared.events import VISIT_UPDATED, Event, encode, headers_of
from tests.builders import a_visit, an_event
from tests.conftest import Pools

PARTITION = Partition(VISIT_UPDATED.name, 0)
PATIENTS = [uuid4() for _ in range(3)]


class Poison(ValueError):
    """Carries what must not be kept: a patient's data."""


async def count(connection: Connection, events: Sequence[Event]) -> None:
    """An effect that shows every repetition: it counts."""
    await connection.executemany(
        "INSERT INTO effect (key, sequence, times) VALUES ($1, $2, 1) "
        "ON CONFLICT (key, sequence) DO UPDATE SET times = effect.times + 1",
        [(event.key, event.sequence) for event in events],
    )


async def fail_for_the_first_patient(connection: Connection, events: Sequence[Event]) -> None:
    await count(connection, events)
    if any(event.key == str(PATIENTS[0]) and event.sequence == 2 for event in events):
        raise Poison("Maria Synthetic, born 1984")


COUNTING = Subscription("test", (VISIT_UPDATED,), count)
FAILING = replace(COUNTING, apply=fail_for_the_first_patient)


@pytest.fixture
async def pool(pool_of: Pools) -> Pool:
    pool = await pool_of("dashboard")
    await pool.execute("CREATE TABLE effect (key text, sequence bigint, times integer, PRIMARY KEY (key, sequence))")
    return pool


def record(offset: int, patient: int, sequence: int, *, value: bytes | None = None) -> Record:
    event = an_event(a_visit(patient_id=PATIENTS[patient]), sequence=sequence)
    headers = headers_of(
        event_id=event.event_id,
        topic=event.topic,
        site_id=event.site_id,
        key=event.key,
        sequence=sequence,
        time=event.time,
        traceparent=None,
    )
    return Record(PARTITION, offset, 1_760_000_000_000, event.key.encode(), value or encode(event.body), headers)


async def bring(pool: Pool, *records: Record, subscription: Subscription = COUNTING) -> Outcome:
    async with transaction(pool) as connection:
        await places(connection, subscription.name, [PARTITION])
        return await deliver(connection, subscription, {PARTITION: records})


async def effects(pool: Pool) -> dict[tuple[str, int], int]:
    return {(row["key"], row["sequence"]): row["times"] for row in await pool.fetch("SELECT * FROM effect")}


async def set_aside(pool: Pool) -> list[tuple[int, str]]:
    async with transaction(pool) as connection:
        return [(letter.offset, letter.state) for letter in await dead_letters.listed(connection, "test")]


def once(*pairs: tuple[int, int]) -> dict[tuple[str, int], int]:
    return {(str(PATIENTS[patient]), sequence): 1 for patient, sequence in pairs}


async def test_a_batch_that_comes_again_changes_nothing(pool: Pool) -> None:
    batch = [record(0, 0, 1), record(1, 1, 1), record(2, 0, 2)]
    await bring(pool, *batch)
    await bring(pool, *batch)
    assert await effects(pool) == once((0, 1), (1, 1), (0, 2))


async def test_an_event_that_a_relay_sent_twice_is_applied_once(pool: Pool) -> None:
    outcome = await bring(pool, record(0, 0, 1), record(1, 0, 1), record(2, 0, 2), record(3, 0, 1))
    assert outcome.duplicates == 2
    assert await effects(pool) == once((0, 1), (0, 2))


async def test_an_event_waits_for_the_one_before_it(pool: Pool) -> None:
    await bring(pool, record(0, 0, 1), record(1, 0, 3), record(2, 0, 4), record(3, 0, 4))
    assert await effects(pool) == once((0, 1))
    assert await set_aside(pool) == [(1, "waiting"), (2, "waiting"), (3, "waiting")]
    await bring(pool, record(4, 0, 2))
    assert await effects(pool) == once((0, 1), (0, 2), (0, 3), (0, 4))
    assert await set_aside(pool) == []


async def test_an_event_waits_for_one_that_comes_later_in_the_same_batch_and_no_longer(pool: Pool) -> None:
    outcome = await bring(pool, record(0, 0, 1), record(1, 0, 3), record(2, 0, 3), record(3, 1, 2), record(4, 0, 2))
    assert await effects(pool) == once((0, 1), (0, 2), (0, 3))
    assert await set_aside(pool) == [(3, "waiting")]
    assert [letter.record.offset for letter in outcome.letters] == [3]
    await bring(pool, record(5, 0, 4))
    assert await effects(pool) == once((0, 1), (0, 2), (0, 3), (0, 4))


async def test_an_unreadable_record_is_set_aside_and_later_ones_of_that_patient_wait_behind_it(pool: Pool) -> None:
    broken = record(1, 0, 2, value=b'{"visit_id": "Maria Synthetic"}')
    await bring(pool, record(0, 0, 1), broken, record(2, 0, 3), record(3, 1, 1))
    await bring(pool, record(4, 0, 4), record(5, 1, 2))
    assert await effects(pool) == once((0, 1), (1, 1), (1, 2))
    assert await set_aside(pool) == [(1, "dead"), (2, "parked"), (4, "parked")]


async def test_no_reason_repeats_what_stood_in_the_event(pool: Pool) -> None:
    broken = record(0, 0, 1, value=b'{"visit_id": "Maria Synthetic"}')
    await bring(pool, broken, record(1, 0, 2), record(2, 1, 1))
    await bring(pool, record(3, 2, 1), subscription=replace(COUNTING, apply=_poison_always))
    reasons = [row["reason"] for row in await pool.fetch("SELECT reason FROM dead_letter")]
    assert len(reasons) == 3
    assert not any("Maria" in reason for reason in reasons)


async def _poison_always(_connection: Connection, _events: Sequence[Event]) -> None:
    raise Poison("Maria Synthetic, born 1984")


async def test_one_bad_event_takes_no_other_with_it_and_replay_applies_it_and_those_behind(pool: Pool) -> None:
    batch = [record(0, 0, 1), record(1, 1, 1), record(2, 0, 2), record(3, 0, 3), record(4, 1, 2)]
    await bring(pool, *batch, subscription=FAILING)
    assert await effects(pool) == once((0, 1), (1, 1), (1, 2))
    assert await set_aside(pool) == [(2, "dead"), (3, "parked")]
    async with transaction(pool) as connection:
        streams = [letter.stream for letter in await dead_letters.listed(connection, "test")]
    await dead_letters.replay(pool, FAILING, streams)
    assert await set_aside(pool) == [(2, "dead"), (3, "parked")], "still bad: set aside again"
    await dead_letters.replay(pool, COUNTING, streams)
    assert await effects(pool) == once((0, 1), (1, 1), (1, 2), (0, 2), (0, 3))
    assert await set_aside(pool) == []


async def test_records_that_do_not_follow_the_stored_offset_are_refused(pool: Pool) -> None:
    await bring(pool, record(0, 0, 1))
    with pytest.raises(OutOfPlace):
        await bring(pool, record(5, 0, 2))
    assert await effects(pool) == once((0, 1))


async def test_a_database_that_fails_sets_nothing_aside(pool: Pool) -> None:
    async def drop_the_connection(_connection: Connection, _events: Sequence[Event]) -> None:
        raise asyncpg.PostgresConnectionError("gone")

    with pytest.raises(asyncpg.PostgresConnectionError):
        await bring(pool, record(0, 0, 1), subscription=replace(COUNTING, apply=drop_the_connection))
    assert await set_aside(pool) == []
    await bring(pool, record(0, 0, 1))
    assert await effects(pool) == once((0, 1))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_log_that_holds_every_event_at_least_once_has_every_effect_once(
    pool: Pool, data: st.DataObject
) -> None:
    """Events of each patient in order, any of them sent again later, cut into batches, batches delivered twice."""
    await pool.execute("TRUNCATE effect, consumer_offset, consumer_head, delivery, dead_letter")
    order = data.draw(st.permutations([0, 0, 0, 1, 1, 1, 2, 2, 2]))
    log: list[Record] = []
    seen = {0: 0, 1: 0, 2: 0}
    for patient in order:
        seen[patient] += 1
        log.append(record(len(log), patient, seen[patient]))
        if data.draw(st.booleans()):
            again = data.draw(st.integers(1, seen[patient]))
            log.append(record(len(log), patient, again))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(log) - 1), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        await bring(pool, *log[start:end])
        if data.draw(st.booleans()):
            await bring(pool, *log[start:end])
    assert await effects(pool) == once(*((patient, n) for patient in range(3) for n in (1, 2, 3)))
    assert await set_aside(pool) == []
