"""The auditor finds what a broken part does, and nothing where the same is done by sound parts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import pytest

from deploy.chaos.mending import mend, until_parked
from deploy.chaos.traffic import send_again, send_in_their_names
from shared.broker import Source, Stream
from shared.db import Connection, Pool, open_pool, transaction
from shared.delivery_store import heads, record_applied
from shared.events import PARTITIONS, VISIT_UPDATED, Event, decode
from shared.memory_broker import partition_of
from shared.relay import Relay
from tests.builders import SITE
from tests.chaos.pipeline import QUICK_RELAY, READING, Pipeline, write_in
from tests.services.held import WAITING
from tests.shared.effects import PATIENTS, running
from tests.shared.wire import wire_to
from tests.waiting import until

WITHOUT_FENCE = {b"pg_snapshot_xmin": b"pg_snapshot_xmax"}
WITHOUT_LOCK = {b"FOR UPDATE": b"          "}
SOUND: dict[bytes, bytes] = {}
IN_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
"""
PARKED = "SELECT count(*) FROM dead_letter WHERE state = 'parked'"
STREAMS = [Stream(SITE, VISIT_UPDATED.name, str(patient)) for patient in PATIENTS]
ON_KAFKA, IN_ORDER = "every event on Kafka, unchanged, and no other", "each patient's events in order on Kafka"
EFFECT, HEADS = "one effect of each event at reader", "heads at reader"
LETTERS, GOES_ON = "nothing set aside at reader but poison", "what was parked behind poison goes on"


async def test_nothing_is_found_where_every_part_is_sound(pipeline: Pipeline) -> None:
    await pipeline.write(*PATIENTS, times=3)
    await pipeline.relay_all()
    await pipeline.read_all()
    assert await pipeline.findings() == {}


@asynccontextmanager
async def a_slow_writer(pipeline: Pipeline, patient: UUID) -> AsyncIterator[None]:
    """Writes an event and commits it when the block has ended."""
    async with open_pool(pipeline.writer.admin, size=1) as pool, transaction(pool) as connection:
        await write_in(connection, patient)
        yield


@pytest.mark.parametrize("words", [SOUND, WITHOUT_FENCE], ids=["sound", "without its fence"])
async def test_a_relay_without_its_fence_passes_over_who_commits_late(
    pipeline: Pipeline, words: dict[bytes, bytes]
) -> None:
    early, late = PATIENTS[:2]
    await pipeline.write(early)
    async with (
        wire_to(pipeline.writer.worker, words) as wire,
        running(Relay("writer", wire.dsn, pipeline.broker, QUICK_RELAY).run()),
    ):
        async with a_slow_writer(pipeline, late):
            await pipeline.write(early)
            if words:
                await until(pipeline.is_all_sent)
        await pipeline.write(early)
        await until(pipeline.is_all_sent)
    found = await pipeline.findings()
    assert (ON_KAFKA in found) == (IN_ORDER in found) == bool(words)
    if words:
        assert f"visit-updated {late} of riverbend: Kafka has 0 of 1 in order" in found[IN_ORDER]


@dataclass
class Stuck:
    """A reader that stops in the middle of its effect, as a process that is paused, until it may go on."""

    is_reached: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def apply(self, _connection: Connection, _events: Sequence[Event]) -> None:
        self.is_reached.set()
        await self.may_go_on.wait()


def of_the_second_member() -> UUID:
    """A patient whose partition goes to the member that comes second."""
    return next(key for key in iter(uuid4, None) if partition_of(str(key).encode(), PARTITIONS) % 2 == 1)


@pytest.mark.parametrize("words", [SOUND, WITHOUT_LOCK], ids=["sound", "without the lock"])
async def test_readers_that_do_not_lock_their_place_make_an_effect_twice(
    pipeline: Pipeline, words: dict[bytes, bytes]
) -> None:
    await pipeline.write(of_the_second_member(), times=2)
    await pipeline.relay_all()
    stuck = Stuck()

    async def has_another_read_it_or_does_it_wait() -> bool:
        return bool(await pipeline.is_all_read() or await pipeline.reader.value(WAITING))

    async def has_each_ended_what_it_began() -> bool:
        return not await pipeline.reader.value(IN_TRANSACTION)

    async with wire_to(pipeline.reader.worker, words) as wire, open_pool(wire.dsn, size=4) as pool:
        paused = pipeline.a_reader(pool, replace(READING, apply=stuck.apply))
        async with running(paused.run()):
            await stuck.is_reached.wait()
            async with running(pipeline.a_reader(pool).run()):
                await until(has_another_read_it_or_does_it_wait)
                stuck.may_go_on.set()
                await until(has_each_ended_what_it_began)
                await until(pipeline.is_all_read)
        await pipeline.read_all()
    found = await pipeline.findings()
    assert (EFFECT in found) == bool(words)
    if words:
        assert all(finding.endswith("2 effects") for finding in found[EFFECT])


async def read_by_commits(source: Source, pool: Pool, *, upto: int, commits_first: bool) -> None:
    """Another design: Kafka's commits say where to read on, beside the effect and not with it. It ends at a batch."""
    for number in range(1, upto + 1):
        while not (batch := await source.fetch(max_records=2, timeout_ms=5)):
            pass
        ends = {partition: records[-1].offset + 1 for partition, records in batch.items()}
        if commits_first:
            await source.commit(ends)
            if number == upto:
                return
        applied = [
            (decode(VISIT_UPDATED.name, record.headers, record.value), record)
            for records in batch.values()
            for record in records
        ]
        async with transaction(pool) as connection:
            await record_applied(connection, READING.name, applied, had_waited=False)
        if not commits_first and number < upto:
            await source.commit(ends)


@pytest.mark.parametrize(("commits_first", "words"), [(False, "2 effects"), (True, "0 effects")])
async def test_commits_by_kafka_itself_double_or_lose_an_effect(
    pipeline: Pipeline, *, commits_first: bool, words: str
) -> None:
    """Killed behind the third batch: between its effect and its commit, or the other way about."""
    await pipeline.write(PATIENTS[0], times=12)
    await pipeline.relay_all()
    async with open_pool(pipeline.reader.worker, size=2) as pool:
        for _ in range(2):
            source = await pipeline.broker.source(READING.name, [VISIT_UPDATED.name])
            await read_by_commits(source, pool, upto=3, commits_first=commits_first)
            await source.close()
    found = await pipeline.findings()
    assert any(finding.endswith(words) for finding in found[EFFECT])


async def read_by_heads_of_before(source: Source, pool: Pool) -> None:
    """Another design: what was applied is looked up once a batch, as far as it goes. It ends where nothing comes."""
    while batch := await source.fetch(max_records=500, timeout_ms=5):
        pairs = [
            (decode(VISIT_UPDATED.name, record.headers, record.value), record)
            for records in batch.values()
            for record in records
        ]
        async with transaction(pool) as connection:
            before = await heads(connection, READING.name, {record.stream for _, record in pairs})
            applied = [(event, record) for event, record in pairs if event.sequence > before.get(record.stream, 0)]
            await record_applied(connection, READING.name, applied, had_waited=False)


@pytest.mark.parametrize("is_sound", [True, False], ids=["sound", "by heads of before"])
async def test_duplicates_of_what_is_not_applied_yet_have_their_effect_twice_where_heads_are_looked_up_too_seldom(
    pipeline: Pipeline, *, is_sound: bool
) -> None:
    """Of what was applied long ago none has."""
    await pipeline.write(*PATIENTS, times=30)
    await pipeline.relay_all()
    await pipeline.read_all()
    await pipeline.write(*PATIENTS, times=2)
    await pipeline.relay_all()
    await send_again(pipeline.broker, [VISIT_UPDATED], seed=1)
    if is_sound:
        await pipeline.read_all()
    else:
        async with open_pool(pipeline.reader.worker, size=1) as pool:
            source = await pipeline.broker.source("another", [VISIT_UPDATED.name])
            await read_by_heads_of_before(source, pool)
    found = await pipeline.findings()
    assert (EFFECT in found) != is_sound
    assert not any(finding.endswith(": 0 effects") for finding in found.get(EFFECT, ()))


async def by_the_operators_tools(pipeline: Pipeline) -> None:
    """Afterwards the poison comes again."""
    await mend(pipeline.reader.worker, READING, STREAMS, pipeline.is_all_sent)
    await send_again(pipeline.broker, [VISIT_UPDATED], seed=1)


async def what_is_dead_by_hand(pipeline: Pipeline) -> None:
    await pipeline.reader.run("DELETE FROM dead_letter WHERE state = 'dead'")


async def all_of_it_by_hand(pipeline: Pipeline) -> None:
    await pipeline.reader.run("DELETE FROM dead_letter")


@pytest.mark.parametrize(
    ("mending", "words"),
    [
        (by_the_operators_tools, {}),
        (what_is_dead_by_hand, {LETTERS: "is parked", GOES_ON: "0 effects", EFFECT: "0 effects"}),
        (all_of_it_by_hand, {LETTERS: "was not set aside", GOES_ON: "0 effects", EFFECT: "0 effects"}),
    ],
)
async def test_who_was_poisoned_goes_on_when_the_poison_is_dropped_and_not_when_it_is_put_away(
    pipeline: Pipeline, mending: Callable[[Pipeline], Awaitable[None]], words: dict[str, str]
) -> None:
    await pipeline.write(*PATIENTS)
    await pipeline.relay_all()
    await pipeline.read_all()
    await send_in_their_names(pipeline.broker, STREAMS, seed=1)
    await pipeline.write(*PATIENTS, times=3)
    await pipeline.relay_all()

    async def is_all_parked() -> bool:
        return bool(await pipeline.reader.value(PARKED) == 3 * len(PATIENTS))

    async with open_pool(pipeline.reader.worker, size=2) as pool, running(pipeline.a_reader(pool).run()):
        await until_parked({READING.name: pipeline.reader.worker}, STREAMS, lambda: False, seconds=30)
        await until(is_all_parked)
        await mending(pipeline)
        await pipeline.write(*PATIENTS)
        await pipeline.relay_all()
        await until(pipeline.has_read_the_log)
    found = await pipeline.findings("poisoned-patients")
    assert {name: words[name] in " ".join(found[name]) for name in words} == dict.fromkeys(words, True)
    assert bool(found) == bool(words)


async def test_nobody_waits_for_what_would_be_parked_behind_records_that_a_lost_log_took_with_it(
    pipeline: Pipeline,
) -> None:
    async with asyncio.timeout(10):
        await until_parked({READING.name: pipeline.reader.worker}, STREAMS, lambda: True, seconds=60)
