"""Exactly one effect for each event, whatever the log brings; on a real PostgreSQL, with an effect that counts."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared import dead_letters
from shared.broker import Partition, Record
from shared.db import Connection, Pool, transaction
from shared.delivery import Outcome, OutOfPlace, Subscription, deliver
from shared.delivery_store import places, record_of
from shared.events import VISIT_UPDATED, Event, encode
from tests.builders import SENT_MS, a_message, a_record, a_visit, an_event
from tests.shared.effects import COUNTING, PATIENTS, count, effects

PARTITION = Partition(VISIT_UPDATED.name, 0)


class Poison(ValueError):
    """Carries what must not be kept: a patient's data."""


async def fail_for_the_first_patient(connection: Connection, events: Sequence[Event]) -> None:
    await count(connection, events)
    if any(event.key == str(PATIENTS[0]) and event.sequence == 2 for event in events):
        raise Poison("Maria Synthetic, born 1984")


FAILING = replace(COUNTING, apply=fail_for_the_first_patient)


def record(offset: int, patient: int, sequence: int, *, value: bytes | None = None) -> Record:
    event = an_event(a_visit(patient_id=PATIENTS[patient]), sequence=sequence)
    return a_record(event, PARTITION, offset, value=value)


async def bring(reader: Pool, *records: Record, subscription: Subscription = COUNTING) -> Outcome:
    async with transaction(reader) as connection:
        await places(connection, subscription.name, [PARTITION])
        return await deliver(connection, subscription, {PARTITION: records})


async def set_aside(reader: Pool) -> list[tuple[int, str]]:
    async with transaction(reader) as connection:
        return [(letter.place.offset, letter.state) for letter in await dead_letters.listed(connection, "test")]


def once(*pairs: tuple[int, int]) -> dict[tuple[str, int], int]:
    return {(str(PATIENTS[patient]), sequence): 1 for patient, sequence in pairs}


async def test_a_batch_that_comes_again_changes_nothing(reader: Pool) -> None:
    batch = [record(0, 0, 1), record(1, 1, 1), record(2, 0, 2)]
    await bring(reader, *batch)
    await bring(reader, *batch)
    assert await effects(reader) == once((0, 1), (1, 1), (0, 2))


async def test_an_event_that_a_relay_sent_twice_is_applied_once(reader: Pool) -> None:
    outcome = await bring(reader, record(0, 0, 1), record(1, 0, 1), record(2, 0, 2), record(3, 0, 1))
    assert len(outcome.duplicates) == 2
    assert await effects(reader) == once((0, 1), (0, 2))


async def test_an_event_waits_for_the_one_before_it(reader: Pool) -> None:
    await bring(reader, record(0, 0, 1), record(1, 0, 3), record(2, 0, 4), record(3, 0, 4))
    assert await effects(reader) == once((0, 1))
    assert await set_aside(reader) == [(1, "waiting"), (2, "waiting"), (3, "waiting")]
    await bring(reader, record(4, 0, 2))
    assert await effects(reader) == once((0, 1), (0, 2), (0, 3), (0, 4))
    assert await set_aside(reader) == []


async def test_an_event_waits_for_one_that_comes_later_in_the_same_batch_and_no_longer(reader: Pool) -> None:
    outcome = await bring(reader, record(0, 0, 1), record(1, 0, 3), record(2, 0, 3), record(3, 1, 2), record(4, 0, 2))
    assert await effects(reader) == once((0, 1), (0, 2), (0, 3))
    assert await set_aside(reader) == [(3, "waiting")]
    assert [letter.record.offset for letter in outcome.letters] == [3]
    await bring(reader, record(5, 0, 4))
    assert await effects(reader) == once((0, 1), (0, 2), (0, 3), (0, 4))


async def test_an_unreadable_record_is_set_aside_and_later_ones_of_that_patient_wait_behind_it(reader: Pool) -> None:
    broken = record(1, 0, 2, value=b'{"visit_id": "Maria Synthetic"}')
    await bring(reader, record(0, 0, 1), broken, record(2, 0, 3), record(3, 1, 1))
    await bring(reader, record(4, 0, 4), record(5, 1, 2))
    assert await effects(reader) == once((0, 1), (1, 1), (1, 2))
    assert await set_aside(reader) == [(1, "dead"), (2, "parked"), (4, "parked")]


ATTRIBUTES = [name for name, _ in a_message(an_event(a_visit())).headers]
SPOILT = st.binary(max_size=12) | st.sampled_from([b"\0", b"%00", b"\xff\xfe", b"9" * 30, b"2026-13-01"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=SPOILT,
    spoilt=st.dictionaries(st.sampled_from(ATTRIBUTES) | st.text(max_size=8), SPOILT, max_size=4),
    missing=st.sets(st.sampled_from(ATTRIBUTES), max_size=2),
    value=st.binary(max_size=30) | st.just(b'{"visit_id": "\\u0000"}'),
)
@example(key=b"\0", spoilt={"ce_id": b"\0", "ce_siteid": b"\0", "\0": b"\0"}, missing=set(), value=b"\0")
@example(key=b"k", spoilt={"ce_sequence": b"9" * 30}, missing=set(), value=encode(a_visit()))
async def test_a_record_however_garbled_is_set_aside_as_it_came_and_holds_nobody_up(
    reader: Pool, key: bytes, spoilt: dict[str, bytes], missing: set[str], value: bytes
) -> None:
    await reader.execute("TRUNCATE effect, consumer_offset, consumer_head, delivery, dead_letter")
    written = dict(a_message(an_event(a_visit())).headers) | spoilt
    headers = [(name, content) for name, content in written.items() if name not in missing]
    garbled = Record(PARTITION, 0, SENT_MS, key, value, headers)
    await bring(reader, garbled, record(1, 0, 1))
    await bring(reader, record(2, 0, 2))
    assert await effects(reader) == once((0, 1), (0, 2))
    (row,) = await reader.fetch("SELECT * FROM dead_letter")
    kept = record_of(row)
    assert (row["state"], kept.headers, kept.value) == ("dead", headers, value)


async def drop(reader: Pool, offset: int) -> Outcome | None:
    """Drop the one record that is set aside at this place."""
    async with transaction(reader) as connection:
        found = await dead_letters.listed(connection, "test")
        (letter_id,) = [letter.letter_id for letter in found if letter.place.offset == offset]
        done = await dead_letters.drop(connection, COUNTING, letter_id, "a test record")
    return None if done is None else done[1]


async def make_log_anew(reader: Pool) -> None:
    """As when a topic was lost: what comes begins at offset 0 once more."""
    await reader.execute("UPDATE consumer_offset SET next_offset = 0, last_event_id = NULL")


@pytest.mark.parametrize("is_readable", [True, False])
async def test_a_record_that_is_dropped_is_passed_over_and_what_was_parked_behind_it_goes_on(
    reader: Pool, is_readable: bool
) -> None:
    broken = [record(0, 0, 1), record(1, 0, 2, value=None if is_readable else b"{}"), record(2, 0, 3)]
    await bring(reader, *broken, subscription=FAILING)
    assert await set_aside(reader) == [(1, "dead"), (2, "parked")]
    outcome = await drop(reader, 1)
    assert outcome is not None
    assert [event.sequence for event, _ in outcome.applied] == [3]
    assert await effects(reader) == once((0, 1), (0, 3))
    assert await set_aside(reader) == [(1, "dropped")]
    await bring(reader, record(3, 0, 4))
    assert await effects(reader) == once((0, 1), (0, 3), (0, 4))
    reason = await reader.fetchval("SELECT reason FROM dead_letter")
    assert reason.endswith("; dropped: a test record")


async def test_a_record_of_somebody_else_that_is_dropped_takes_no_events_place_whatever_sequence_it_says(
    reader: Pool,
) -> None:
    for number, claimed in enumerate((2, 3, 7)):
        at, foreign = 4 * number, record(4 * number + 1, number, claimed, value=b"{}")
        foreign = replace(foreign, headers=[*({**dict(foreign.headers), "ce_id": b"theirs"}).items()])
        await bring(reader, record(at, number, 1), foreign, record(at + 2, number, 2), record(at + 3, number, 3))
        await drop(reader, foreign.offset)
    await bring(reader, *(record(12 + number, number, 4) for number in range(3)))
    assert await effects(reader) == once(*((patient, sequence) for patient in range(3) for sequence in range(1, 5)))


def without(record: Record, *names: str) -> Record:
    return replace(record, headers=[(name, value) for name, value in record.headers if name not in names])


@pytest.mark.parametrize("named", [[], [("ce_id", b"theirs")]])
async def test_a_record_that_says_no_sequence_takes_the_place_of_none_that_is_still_to_come(
    reader: Pool, named: list[tuple[str, bytes]]
) -> None:
    """Between a lost log and its refill what is new comes before what is old."""
    foreign = without(record(1, 0, 2, value=b"{}"), "ce_sequence", "ce_id")
    foreign = replace(foreign, headers=[*foreign.headers, *named])
    await bring(reader, record(0, 0, 1), foreign, record(2, 0, 3))
    outcome = await drop(reader, 1)
    assert outcome is not None
    assert [(letter.record.offset, letter.state) for letter in outcome.letters] == [(2, "waiting")]
    await bring(reader, *(record(number + 1, 0, number) for number in (2, 3, 4)))
    assert await effects(reader) == once(*((0, sequence) for sequence in range(1, 5)))


@pytest.mark.parametrize("is_alone", [True, False])
async def test_an_event_that_was_dropped_without_its_sequence_is_passed_over_when_it_is_sent_again_with_it(
    reader: Pool, is_alone: bool
) -> None:
    """A relay that forgot a header was mended, and the topic refilled."""
    second = record(1, 0, 2)
    behind = [] if is_alone else [record(2, 0, 3)]
    await bring(reader, record(0, 0, 1), without(second, "ce_sequence"), *behind)
    await drop(reader, 1)
    await make_log_anew(reader)
    again = [record(0, 0, 1), second, record(2, 0, 3), replace(second, offset=3), record(4, 0, 4)]
    await bring(reader, *again)
    assert await effects(reader) == once((0, 1), (0, 3), (0, 4))
    assert [state for _, state in await set_aside(reader)] == ["dropped", "dropped"]


async def test_what_waits_behind_such_an_event_waits_on_while_something_dead_stands_before_it(reader: Pool) -> None:
    second = record(1, 0, 2)
    await bring(reader, record(0, 0, 1), without(second, "ce_sequence"), record(2, 0, 3))
    await drop(reader, 1)
    await bring(reader, record(3, 0, 9, value=b"{}"), replace(second, offset=4))
    assert await effects(reader) == once((0, 1))
    await drop(reader, 3)
    await bring(reader, record(5, 0, 4))
    assert await effects(reader) == once((0, 1), (0, 3), (0, 4))


async def test_in_a_log_that_was_made_anew_a_dropped_record_is_known_by_itself_and_not_by_its_place(
    reader: Pool,
) -> None:
    broken = record(1, 0, 2, value=b"{}")
    await bring(reader, record(0, 0, 1), broken, record(2, 0, 3))
    await drop(reader, 1)
    await make_log_anew(reader)
    await bring(reader, record(0, 1, 1), record(1, 1, 2), replace(broken, offset=2), record(3, 1, 3), record(4, 0, 4))
    assert await effects(reader) == once((0, 1), (0, 3), (0, 4), (1, 1), (1, 2), (1, 3))
    assert await set_aside(reader) == [(1, "dropped")]


async def test_what_is_set_aside_stays_so_when_it_is_read_again_and_no_other_record_takes_its_place(
    reader: Pool,
) -> None:
    log = [record(0, 0, 1), record(1, 0, 2), record(2, 0, 3)]
    await bring(reader, *log, subscription=FAILING)
    await make_log_anew(reader)
    await bring(reader, *log)
    assert await set_aside(reader) == [(1, "dead"), (2, "parked")]
    await make_log_anew(reader)
    another = record(1, 0, 9, value=b"{}")
    await bring(reader, log[0], another)
    kept = await reader.fetch("SELECT * FROM dead_letter WHERE record_offset = 1 ORDER BY recorded_at")
    assert [(record_of(row), row["state"]) for row in kept] == [(log[1], "dead"), (another, "dead")]


@pytest.mark.parametrize("position", [0, 1])
async def test_of_two_dead_records_at_one_place_the_one_that_is_named_is_dropped(reader: Pool, position: int) -> None:
    """One of no site and one of a patient's, in a log that was made anew between them."""
    await bring(reader, Record(PARTITION, 0, SENT_MS, b"poison-1", b"", []))
    await make_log_anew(reader)
    await bring(reader, record(0, 0, 1, value=b"{}"))
    async with transaction(reader) as connection:
        found = await dead_letters.listed(connection, "test")
        assert [str(one.place) for one in found] == ["visit-updated/0@0"] * 2
        assert await dead_letters.drop(connection, COUNTING, found[position].letter_id, "of a test")
        states = {one.letter_id: one.state for one in await dead_letters.listed(connection, "test")}
    assert states == {found[position].letter_id: "dropped", found[1 - position].letter_id: "dead"}


async def test_what_was_given_up_stays_known_when_a_new_log_brings_another_record_to_its_place(reader: Pool) -> None:
    await bring(reader, record(0, 0, 1), record(1, 0, 2), subscription=FAILING)
    await drop(reader, 1)
    await make_log_anew(reader)
    await bring(reader, record(0, 1, 1), record(1, 1, 3), record(2, 0, 3))
    assert await effects(reader) == once((0, 1), (0, 3), (1, 1))
    assert await set_aside(reader) == [(1, "dropped"), (1, "waiting")]


async def test_where_nothing_dead_stands_nothing_is_dropped(reader: Pool) -> None:
    await bring(reader, record(0, 0, 1), record(1, 0, 2), record(2, 0, 3), subscription=FAILING)
    assert await drop(reader, 2) is None
    async with transaction(reader) as connection:
        assert await dead_letters.drop(connection, COUNTING, uuid4(), "of nobody") is None
    assert await set_aside(reader) == [(1, "dead"), (2, "parked")]


async def test_a_dropped_record_that_is_read_again_holds_nobody_up(reader: Pool) -> None:
    """As in a rebuild, and after the topic was refilled."""
    log = [record(0, 0, 1), record(1, 0, 2, value=b"{}"), record(2, 0, 3)]
    await bring(reader, *log)
    await drop(reader, 1)
    await reader.execute("TRUNCATE effect, consumer_offset, consumer_head, delivery")
    await bring(reader, *log)
    assert await effects(reader) == once((0, 1), (0, 3))
    assert await set_aside(reader) == [(1, "dropped")]


async def test_no_reason_repeats_what_stood_in_the_event(reader: Pool) -> None:
    broken = record(0, 0, 1, value=b'{"visit_id": "Maria Synthetic"}')
    await bring(reader, broken, record(1, 0, 2), record(2, 1, 1))
    await bring(reader, record(3, 2, 1), subscription=replace(COUNTING, apply=_poison_always))
    reasons = [row["reason"] for row in await reader.fetch("SELECT reason FROM dead_letter")]
    assert len(reasons) == 3
    assert not any("Maria" in reason for reason in reasons)


async def _poison_always(_connection: Connection, _events: Sequence[Event]) -> None:
    raise Poison("Maria Synthetic, born 1984")


async def test_one_bad_event_takes_no_other_with_it_and_replay_applies_it_and_those_behind(reader: Pool) -> None:
    batch = [record(0, 0, 1), record(1, 1, 1), record(2, 0, 2), record(3, 0, 3), record(4, 1, 2)]
    await bring(reader, *batch, subscription=FAILING)
    assert await effects(reader) == once((0, 1), (1, 1), (1, 2))
    assert await set_aside(reader) == [(2, "dead"), (3, "parked")]
    async with transaction(reader) as connection:
        streams = [letter.stream for letter in await dead_letters.listed(connection, "test")]
    await dead_letters.replay(reader, FAILING, streams)
    assert await set_aside(reader) == [(2, "dead"), (3, "parked")], "still bad: set aside again"
    await dead_letters.replay(reader, COUNTING, streams)
    assert await effects(reader) == once((0, 1), (1, 1), (1, 2), (0, 2), (0, 3))
    assert await set_aside(reader) == []


async def test_a_bad_event_is_singled_out_of_many_by_halves(reader: Pool) -> None:
    tries = 0

    async def count_tries(connection: Connection, events: Sequence[Event]) -> None:
        nonlocal tries
        tries += 1
        await fail_for_the_first_patient(connection, events)

    good = [record(1 + number, 1, number) for number in range(1, 63)]
    batch = [record(0, 0, 1), record(1, 0, 2), *good]
    outcome = await bring(reader, *batch, subscription=replace(COUNTING, apply=count_tries))
    assert (len(outcome.applied), await set_aside(reader)) == (63, [(1, "dead")])
    assert tries == 13, "all 64, and at each of six halvings both halves"


async def test_records_that_do_not_follow_the_stored_offset_are_refused(reader: Pool) -> None:
    await bring(reader, record(0, 0, 1))
    with pytest.raises(OutOfPlace):
        await bring(reader, record(5, 0, 2))
    assert await effects(reader) == once((0, 1))


async def test_a_database_that_fails_sets_nothing_aside(reader: Pool) -> None:
    async def drop_the_connection(_connection: Connection, _events: Sequence[Event]) -> None:
        raise asyncpg.PostgresConnectionError("gone")

    with pytest.raises(asyncpg.PostgresConnectionError):
        await bring(reader, record(0, 0, 1), subscription=replace(COUNTING, apply=drop_the_connection))
    assert await set_aside(reader) == []
    await bring(reader, record(0, 0, 1))
    assert await effects(reader) == once((0, 1))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_log_that_holds_every_event_at_least_once_has_every_effect_once(
    reader: Pool, data: st.DataObject
) -> None:
    """Events of each patient in order, any of them sent again later, cut into batches, batches delivered twice."""
    await reader.execute("TRUNCATE effect, consumer_offset, consumer_head, delivery, dead_letter")
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
        await bring(reader, *log[start:end])
        if data.draw(st.booleans()):
            await bring(reader, *log[start:end])
    assert await effects(reader) == once(*((patient, n) for patient in range(3) for n in (1, 2, 3)))
    assert await set_aside(reader) == []
