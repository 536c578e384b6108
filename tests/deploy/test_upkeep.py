"""Reconciling, refilling and giving up, on the databases of a network in which everything has arrived."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from deploy.doors import SERVICES, consumes, publishes
from deploy.local.errors import StackError
from deploy.upkeep import letters
from deploy.upkeep.letters import Tried
from deploy.upkeep.reconcile import Balance, reconcile
from deploy.upkeep.recovery import refill
from shared import outbox
from shared.broker import Partition, Stream
from shared.consumer import Consumer
from shared.db import SiteScope, open_pool, transaction
from shared.delivery_store import Letter, LetterState, add_letters
from shared.events import TOPICS
from shared.memory_broker import MemoryBroker
from shared.relay import Relay
from tests.builders import PATIENT, SITE, a_record, a_visit, an_event
from tests.conftest import Databases, FreshDatabase
from tests.deploy.arrived import arrived_everywhere
from tests.shared.effects import running
from tests.waiting import until

Arrived = Mapping[str, FreshDatabase]
KEY = "p" * 32
VISITS = Partition("visit-updated", 0)
HERE = Stream(SITE, VISITS.topic, str(PATIENT))


@pytest.fixture
async def network(database: Databases) -> Arrived:
    return await arrived_everywhere(database)


async def balances(network: Arrived, *, grace_s: float = 0) -> dict[tuple[str, str], Balance]:
    """What differs anywhere."""
    found = await reconcile({service: one.worker for service, one in network.items()}, grace_s=grace_s)
    assert len(found) == sum(len(consumes(service)) for service in SERVICES), "each topic at each of its consumers"
    return {(one.topic, one.consumer): one for one in found if not one.is_settled or one.on_the_way or one.set_aside}


async def write(network: Arrived, sequences: int = 1) -> None:
    """Visits that intake wrote, and that have not been read."""
    async with open_pool(network["intake"].app, size=1) as pool, transaction(pool, SiteScope.of(SITE)) as connection:
        await outbox.add(connection, [outbox.Draft(SITE, str(PATIENT), a_visit())] * sequences)


async def test_where_everything_has_arrived_nothing_is_missing(network: Arrived) -> None:
    assert await balances(network) == {}


async def test_what_was_written_and_not_applied_is_missing_at_each_consumer_once_it_had_its_time(
    network: Arrived,
) -> None:
    await write(network, 2)
    readers = {("visit-updated", consumer) for consumer in ("dashboard", "feedback", "analytics")}
    found = await balances(network)
    assert found.keys() == readers
    assert all(one.missing == [HERE] for one in found.values())
    soon = await balances(network, grace_s=600)
    assert {(one.on_the_way, *one.missing) for one in soon.values()} == {(1,)}
    assert all(one.is_settled for one in soon.values())


async def test_a_stream_that_never_arrived_and_one_that_was_never_written_are_told_apart(network: Arrived) -> None:
    await network["feedback"].run("DELETE FROM consumer_head WHERE topic = 'survey-completed'")
    await network["clinical"].run("DELETE FROM outbox_head")
    found = await balances(network)
    assert found.pop(("survey-completed", "feedback")).missing == [HERE._replace(topic="survey-completed")]
    assert found.keys() == {("clinician-data-updated", consumer) for consumer in ("dashboard", "analytics")}
    invented = [HERE._replace(topic="clinician-data-updated")]
    assert all((one.missing, one.invented) == ([], invented) for one in found.values())


async def test_what_is_set_aside_explains_what_is_behind(network: Arrived) -> None:
    await write(network)
    await set_aside(network, 1)
    found = await balances(network)
    assert (found["visit-updated", "dashboard"].set_aside, found["visit-updated", "dashboard"].missing) == (1, [])
    assert found["visit-updated", "feedback"].missing == [HERE]


async def set_aside(network: Arrived, count: int, *, event_id: UUID | None = None, state: LetterState = "dead") -> None:
    """Records that the dashboard could not apply: the others are parked behind the first, which is this event."""
    found = []
    for offset in range(1, count + 1):
        event = an_event(a_visit(), sequence=offset + 1, event_id=event_id if offset == 1 else None)
        becomes: LetterState = state if offset == 1 else "parked"
        found.append(Letter(a_record(event, VISITS, offset), becomes, "the handler raised ValueError", offset + 1))
    async with open_pool(network["dashboard"].worker, size=1) as pool, transaction(pool) as connection:
        await add_letters(connection, "dashboard", found)


async def test_a_list_names_places_and_reasons_and_nothing_of_a_patient(network: Arrived) -> None:
    await set_aside(network, 2)
    found = await letters.listed(network["dashboard"].worker, "dashboard")
    assert [(str(one.place), one.state, one.reason) for one in found] == [
        ("visit-updated/0@1", "dead", "the handler raised ValueError"),
        ("visit-updated/0@2", "parked", "the handler raised ValueError"),
    ]


@pytest.mark.parametrize("service", ["dashboard", "analytics"])
async def test_every_consumer_can_try_again(network: Arrived, service: str) -> None:
    dsn = network[service].worker
    tried = await letters.replay(dsn, letters.subscription_of(service, dsn, KEY), [])
    assert (tried.applied, tried.still_set_aside) == (0, 0)


async def test_what_is_tried_again_is_applied_with_what_was_parked_behind_it(network: Arrived) -> None:
    await set_aside(network, 3)
    dsn = network["dashboard"].worker
    subscription = letters.subscription_of("dashboard", dsn, KEY)
    (dead, *_) = await letters.listed(dsn, "dashboard")
    assert await letters.replay(dsn, subscription, [dead.letter_id]) == Tried(3, 0, 0)
    assert await letters.listed(dsn, "dashboard") == []


async def test_giving_up_is_on_record_with_who_did_it_and_for_whom(network: Arrived) -> None:
    await set_aside(network, 2)
    dsn = network["dashboard"].worker
    subscription = letters.subscription_of("dashboard", dsn, KEY)
    (dead, _) = await letters.listed(dsn, "dashboard")
    tried = await letters.drop(dsn, subscription, dead.letter_id, "written by a test program", by="command-line:tester")
    assert tried == Tried(1, 0, 0)
    assert await letters.drop(dsn, subscription, dead.letter_id, "again", by="command-line:tester") is None
    (row,) = await network["dashboard"].rows("SELECT * FROM audit WHERE route = 'drop-dead-letter'")
    assert (row["subject"], row["site_id"], row["patient_id"]) == ("command-line:tester", SITE, PATIENT)
    assert row["asked"] == [f"letter={dead.letter_id}", "place=visit-updated/0@1"]


@asynccontextmanager
async def sent_again(network: Arrived) -> AsyncIterator[None]:
    """A cluster that holds nothing yet; relays of what the dashboard reads, clinical's refilled, and its consumer."""
    await refill(network, "clinical")
    broker = MemoryBroker()
    await broker.create_topics(list(TOPICS))
    subscription = letters.subscription_of("dashboard", network["dashboard"].worker, KEY)
    async with open_pool(network["dashboard"].worker, size=2) as pool:
        relays = [Relay(name, network[name].worker, broker).run() for name in ("intake", "clinical")]
        async with running(*relays, Consumer(subscription, broker, pool).run()):
            yield


async def until_read(network: Arrived, count: int) -> None:
    """Until the dashboard has read so many records of what intake publishes."""
    topics = [topic.name for topic in publishes("intake")]

    async def are_read() -> bool:
        statement = "SELECT sum(next_offset) FROM consumer_offset WHERE topic = ANY($1)"
        return bool(await network["dashboard"].value(statement, topics) == count)

    await until(are_read)


async def pages(network: Arrived) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await network["dashboard"].rows("SELECT * FROM patient_page ORDER BY patient_id")]


async def test_what_a_publisher_wrote_is_sent_again_and_applied_once(network: Arrived) -> None:
    """After the topic was lost: the log that comes is another one than was read."""
    written, before = await network["intake"].value("SELECT count(*) FROM outbox"), await pages(network)
    done = await refill(network, "intake")
    assert (done.events, done.was_restored) == (written, False)
    assert set(done.consumers) == {"clinical", "dashboard", "feedback", "analytics"}
    async with sent_again(network):
        await until_read(network, written)
    assert await pages(network) == before
    assert await balances(network) == {}


async def test_what_a_consumer_had_set_aside_comes_again_and_what_the_outbox_does_not_hold_stays(
    network: Arrived,
) -> None:
    await write(network)
    (row,) = await network["intake"].rows("SELECT event_id FROM outbox WHERE topic = 'visit-updated' AND sequence = 2")
    await set_aside(network, 2, event_id=row["event_id"])
    await refill(network, "intake")
    assert [str(one.place) for one in await letters.listed(network["dashboard"].worker, "dashboard")] == [
        "visit-updated/0@2"
    ]


async def test_a_restored_publisher_goes_on_behind_what_its_readers_have(network: Arrived) -> None:
    """What it lost is lost; what it writes from now on is not taken for it."""
    await network["intake"].run("UPDATE outbox_head SET sequence = 1")
    for service in ("dashboard", "feedback"):
        await network[service].run("UPDATE consumer_head SET sequence = 4 WHERE topic = 'visit-updated'")
    done = await refill(network, "intake")
    assert (done.counted_on, done.was_restored) == (1, False)
    async with sent_again(network):
        await until_read(network, done.events)
        await write(network)
        await until_read(network, done.events + 1)
    assert await network["dashboard"].value("SELECT sequence FROM consumer_head WHERE topic = 'visit-updated'") == 5
    assert await network["intake"].value("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'outbox_head'")


async def test_a_reader_that_has_less_of_what_a_publisher_lost_does_not_wait_for_it(network: Arrived) -> None:
    """The dashboard has what was written once, and feedback has not: neither the outbox nor Kafka can give it."""
    await network["dashboard"].run("UPDATE consumer_head SET sequence = 4 WHERE topic = 'visit-updated'")
    await refill(network, "intake")
    assert await balances(network) == {}
    broker = MemoryBroker()
    await broker.create_topics(list(TOPICS))
    subscription = letters.subscription_of("feedback", network["feedback"].worker, KEY)
    head = "SELECT sequence FROM consumer_head WHERE topic = 'visit-updated'"

    async def is_applied() -> bool:
        return bool(await network["feedback"].value(head) == 5)

    async with open_pool(network["feedback"].worker, size=2) as pool:
        relay = Relay("intake", network["intake"].worker, broker)
        async with running(relay.run(), Consumer(subscription, broker, pool).run()):
            await write(network)
            await until(is_applied)
    (given_up, *_) = await letters.listed(network["feedback"].worker, "feedback")
    assert (given_up.state, given_up.reason) == ("dropped", "lost with the database of its publisher")


async def test_what_was_given_up_for_good_is_not_missing(network: Arrived) -> None:
    await write(network)
    await set_aside(network, 1, state="dropped")
    found = await balances(network)
    assert ("visit-updated", "dashboard") not in found
    assert found["visit-updated", "feedback"].missing == [HERE]


async def test_without_its_owner_a_restored_database_is_not_refilled_and_it_is_said_who_is_needed(
    network: Arrived,
) -> None:
    await network["intake"].run("UPDATE outbox SET xid = xid + 1000000000")
    nobody = {**network, "intake": replace(network["intake"], owner="")}
    with pytest.raises(StackError, match="SAMEPAGE_INTAKE_OWNER_DATABASE_URL"):
        await refill(nobody, "intake")


async def test_what_waits_for_an_event_that_never_came_is_missing(network: Arrived) -> None:
    await write(network, 2)
    await set_aside(network, 1, state="waiting")
    assert (await balances(network))["visit-updated", "dashboard"].missing == [HERE]


async def test_a_stream_whose_events_are_gone_from_the_outbox_is_missing(network: Arrived) -> None:
    await write(network)
    await network["intake"].run("DELETE FROM outbox WHERE sequence = 2")
    assert (await balances(network, grace_s=600))["visit-updated", "feedback"].missing == [HERE]


async def test_an_outbox_of_another_server_is_taken_over_in_its_order(network: Arrived) -> None:
    """As after a restore: transaction ids that this server has not reached would be waited for for ever."""
    await network["intake"].run("UPDATE outbox SET xid = xid + 1000000000")
    done = await refill(network, "intake")
    assert done.was_restored
    async with sent_again(network):
        await until_read(network, done.events)
        await write(network)
        await until_read(network, done.events + 1)
    assert await network["intake"].value("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'outbox'")
