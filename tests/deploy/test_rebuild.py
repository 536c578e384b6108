"""A read model that is built again and swapped in, and swapped back: the same rows, behind the same walls.

The broker is the fake; the consumer of the live tables runs meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import MetaData

from deploy.doors import SERVICES, consumes
from deploy.local.errors import StackError
from deploy.migrate import differences, metadata_of
from deploy.rebuild import Report, Swap, go_back, rebuild
from deploy.upkeep import letters
from deploy.upkeep.letters import subscription_of
from services.dashboard import store
from shared.broker import Partition
from shared.consumer import Consumer
from shared.db import Connection, SiteScope, open_pool, transaction
from shared.delivery import Subscription
from shared.errors import LogMismatch
from shared.events import VISIT_UPDATED, Event
from shared.memory_broker import MemoryBroker, partition_of
from shared.tables import add_audit, add_delivery, add_outbox, add_sessions
from tests.builders import PATIENT, SITE, a_visit, an_enrollment, an_event
from tests.conftest import Databases, FreshDatabase, Pools
from tests.deploy.arrived import EVENTS
from tests.services.streams import send
from tests.shared.effects import publish, running
from tests.waiting import until
from tests.walls.catalogue import findings
from tests.walls.grants import GRANTS

OTHER_SITE = "lakeside"
READERS = [service for service in SERVICES if consumes(service)]


@pytest.fixture
async def broker() -> MemoryBroker:
    """A log that tells the same of two sites, with one of everything, and of somebody who was erased."""
    broker = MemoryBroker()
    await broker.create_topics([event.topic for event in EVENTS])
    for site in (SITE, OTHER_SITE):
        await send(broker, *(replace(event, site_id=site, event_id=uuid4()) for event in EVENTS))
    return broker


class Reader:
    """A service that reads the log: its database, its subscription, and what an operator does to it."""

    def __init__(self, service: str, database: FreshDatabase, broker: MemoryBroker) -> None:
        self.service = service
        self.database = database
        self.broker = broker
        self.subscription: Subscription = subscription_of(service, database.worker, "p" * 32)
        self.projections: Sequence[str] = import_module(f"services.{service}").PROJECTIONS

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[None]:
        """The live consumer, once it has applied what the log holds."""
        async with self.reading():
            await self.until_applied(self.count(EVENTS) * 2)
            yield

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        async with (
            open_pool(self.database.worker, size=2) as pool,
            running(Consumer(self.subscription, self.broker, pool).run()),
        ):
            yield

    def count(self, events: Sequence[Event]) -> int:
        return sum(event.topic in {topic.name for topic in consumes(self.service)} for event in events)

    async def until_applied(self, count: int) -> None:
        async def are_applied() -> bool:
            return bool(await self.database.value("SELECT count(*) = $1 FROM delivery", count))

        await until(are_applied)

    async def rebuild(self, swap: Swap = "if-equal") -> Report:
        return await rebuild(self.database, self.broker, self.subscription, self.projections, swap=swap)

    async def go_back(self) -> Report:
        return await go_back(self.database, self.broker, self.subscription, self.projections)

    async def rows(self, table: str) -> list[tuple[object, ...]]:
        return sorted(map(tuple, await self.database.rows(f"SELECT {table}::text FROM {table}")))


@pytest.fixture
async def dashboard(database: Databases, broker: MemoryBroker) -> Reader:
    return Reader("dashboard", await database("dashboard"), broker)


@pytest.fixture
async def clinical(database: Databases, broker: MemoryBroker) -> Reader:
    return Reader("clinical", await database("clinical"), broker)


@pytest.mark.parametrize("service", READERS)
def test_every_table_of_a_reader_is_made_anew_or_named_as_kept(service: str) -> None:
    of_all = MetaData()
    for add in (add_audit, add_outbox, add_delivery, add_sessions):
        add(of_all)
    declared = import_module(f"services.{service}")
    tables = [*declared.PROJECTIONS, *declared.KEPT]
    assert sorted(tables) == sorted(metadata_of(service).tables.keys() - of_all.tables.keys())


@pytest.mark.parametrize("service", READERS)
async def test_a_swapped_read_model_is_the_same_behind_the_same_walls(
    database: Databases, broker: MemoryBroker, service: str
) -> None:
    reader = Reader(service, await database(service), broker)
    async with reader.consuming():
        before = {table: await reader.rows(table) for table in reader.projections}
        assert all(before.values()), "every projection has rows to compare"
        report = Report(sum(map(len, before.values())), 0, 0, 0, is_swapped=True)
        for _ in range(2):
            assert await reader.rebuild() == report
        assert {table: await reader.rows(table) for table in reader.projections} == before
        assert await reader.go_back() == report
    assert {table: await reader.rows(table) for table in reader.projections} == before
    connection = await asyncpg.connect(reader.database.admin)
    try:
        await connection.execute("DROP SCHEMA previous CASCADE")
        assert await findings(connection, GRANTS[service], is_for_figures=service == "analytics") == []
        assert await connection.fetchval("SELECT reloptions FROM pg_class WHERE oid = 'consumer_head'::regclass")
    finally:
        await connection.close()
    assert await differences(service, reader.database.owner) is None


async def test_the_application_reads_the_swapped_pages_of_its_sites_and_no_others(dashboard: Reader) -> None:
    both = SiteScope.of(SITE, OTHER_SITE)
    async with dashboard.consuming():
        await dashboard.rebuild()
    async with open_pool(dashboard.database.app, size=1) as pool:
        async with transaction(pool, SiteScope.of(SITE)) as connection:
            page = await store.page(connection, both, PATIENT)
            assert page is not None
            assert page.site_id == SITE
            assert await connection.fetchval("SELECT count(DISTINCT site_id) FROM patient_page") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.fetch("SELECT * FROM previous.patient_page")


async def test_the_consumer_goes_on_in_the_swapped_tables(dashboard: Reader) -> None:
    async with dashboard.consuming():
        applied = await dashboard.database.value("SELECT count(*) FROM delivery")
        await dashboard.rebuild()
        await send(dashboard.broker, an_event(a_visit(), sequence=2))
        await dashboard.until_applied(applied + 1)
    head = "SELECT sequence FROM consumer_head WHERE site_id = $1 AND topic = 'visit-updated'"
    assert await dashboard.database.value(head, SITE) == 2


async def test_a_read_model_that_differs_is_swapped_on_demand_only(dashboard: Reader, pool_of: Pools) -> None:
    found = Report(compared=6, different=1, lacking=0, ahead=0)
    async with dashboard.consuming():
        pool = await pool_of(dashboard.database)
        version = "SELECT version FROM patient_page WHERE site_id = $1 AND patient_id = $2"
        damage = "UPDATE patient_page SET version = 'another' WHERE site_id = $1 AND patient_id = $2"
        true_one = await pool.fetchval(version, SITE, PATIENT)
        await pool.execute(damage, SITE, PATIENT)
        assert await dashboard.rebuild("never") == found
        assert await dashboard.rebuild() == found
        assert await pool.fetchval(version, SITE, PATIENT) == "another"
        assert await dashboard.database.value("SELECT count(*) FROM rebuild.patient_page WHERE version = $1", true_one)
        assert await dashboard.rebuild("although-different") == replace(found, is_swapped=True)
        assert await pool.fetchval(version, SITE, PATIENT) == true_one
        assert await dashboard.go_back() == replace(found, is_swapped=True)
        assert await pool.fetchval(version, SITE, PATIENT) == "another"


async def test_comparing_only_swaps_nothing_and_leaves_nothing(dashboard: Reader) -> None:
    async with dashboard.consuming():
        assert await dashboard.rebuild("never") == Report(6, 0, 0, 0)
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('rebuild', 'previous', 'aside')"
    assert await dashboard.database.value(schemas) == 0


async def test_what_lacks_events_of_the_live_tables_is_never_swapped_in(dashboard: Reader) -> None:
    """As after a topic was made anew and filled from an outbox that had lost some."""
    async with dashboard.consuming():
        await dashboard.database.run("UPDATE consumer_head SET sequence = 2 WHERE topic = 'visit-updated'")
        report = await dashboard.rebuild("although-different")
    assert (report.lacking, report.ahead, report.is_swapped) == (2, 0, False)


async def test_what_is_set_aside_in_the_live_tables_only_shows_as_a_difference(dashboard: Reader) -> None:
    async def fail_at_visits(connection: Connection, events: Sequence[Event]) -> None:
        if any(event.topic == VISIT_UPDATED.name for event in events):
            raise ValueError("a fault of ours")
        await sound.apply(connection, events)

    sound = dashboard.subscription
    dashboard.subscription = replace(sound, apply=fail_at_visits)
    async with dashboard.reading():
        await dashboard.until_applied(2 * (dashboard.count(EVENTS) - 1))
        dashboard.subscription = sound
        report = await dashboard.rebuild()
    assert (report.different, report.lacking, report.ahead, report.is_swapped) == (2, 0, 2, False)


async def test_a_log_that_ends_before_what_was_applied_rebuilds_nothing(dashboard: Reader) -> None:
    async with dashboard.consuming():
        pass
    dashboard.broker.recreate(VISIT_UPDATED.name)
    with pytest.raises(LogMismatch, match=r"visit-updated/\d+ ends at 0 but the live tables were applied up to 2"):
        await dashboard.rebuild()


async def test_a_log_that_does_not_begin_at_its_beginning_rebuilds_nothing(dashboard: Reader) -> None:
    async with dashboard.consuming():
        number = partition_of(str(PATIENT).encode(), 12)
        dashboard.broker.delete_before(Partition(VISIT_UPDATED.name, number), 1)
        with pytest.raises(LogMismatch, match="starts at 1"):
            await dashboard.rebuild()


async def test_while_events_keep_coming_it_is_compared_and_swapped_and_each_is_applied_once(dashboard: Reader) -> None:
    sent = 1

    async def keep_sending() -> None:
        nonlocal sent
        while True:
            sent += 1
            await send(dashboard.broker, an_event(a_visit(visit_id=uuid4()), sequence=sent))
            await dashboard.until_applied(2 * dashboard.count(EVENTS) + sent - 1)

    async with dashboard.consuming(), running(keep_sending()):
        for _ in range(3):
            report = await dashboard.rebuild()
            assert (report.different, report.lacking, report.ahead, report.is_swapped) == (0, 0, 0, True)
        assert sent > 1
        assert (await dashboard.rebuild("never")).is_equal


async def test_what_came_after_the_swap_is_there_once_after_going_back(dashboard: Reader) -> None:
    async with dashboard.consuming():
        applied = await dashboard.database.value("SELECT count(*) FROM delivery")
        await dashboard.rebuild()
        await send(dashboard.broker, *(an_event(a_visit(), sequence=sequence) for sequence in (2, 3)))
        await dashboard.until_applied(applied + 2)
        pages = await dashboard.rows("patient_page")
        for _ in range(2):  # the second time it is the rebuilt one that comes back
            assert await dashboard.go_back() == Report(6, 0, 0, 0, is_swapped=True)
            assert await dashboard.rows("patient_page") == pages
            assert await dashboard.database.value("SELECT count(*) FROM delivery") == applied + 2
        await send(dashboard.broker, an_event(a_visit(), sequence=4))
        await dashboard.until_applied(applied + 3)
        assert (await dashboard.rebuild("never")).is_equal


async def test_what_was_dropped_since_the_swap_stays_so_after_going_back(dashboard: Reader) -> None:
    async def are_set_aside() -> bool:
        return len(await letters.listed(worker, "dashboard")) == 2

    worker = dashboard.database.worker
    async with dashboard.consuming():
        await dashboard.rebuild()
        await publish(dashboard.broker, 2, patient=PATIENT, value=b"not JSON")
        await publish(dashboard.broker, 3, patient=PATIENT)
        await until(are_set_aside)
        (dead, _) = await letters.listed(worker, "dashboard")
        await letters.drop(worker, dashboard.subscription, dead.letter_id, "of a test", by="tester")
        assert await dashboard.go_back() == Report(6, 0, 0, 0, is_swapped=True)
    assert [one.state for one in await letters.listed(worker, "dashboard")] == ["dropped"]


async def test_there_is_no_going_back_without_a_swap_or_past_a_migration(dashboard: Reader) -> None:
    with pytest.raises(StackError, match="nothing to go back to"):
        await dashboard.go_back()
    async with dashboard.consuming():
        await dashboard.rebuild()
        await dashboard.database.run("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StackError, match="A migration came after the swap"):
            await dashboard.go_back()


async def test_what_refers_to_a_rebuilt_table_refers_to_the_new_one(clinical: Reader) -> None:
    """Patients are made from events, what is known of them is not."""
    lately, nobody = uuid4(), uuid4()
    assess = """
    INSERT INTO assessment (site_id, assessment_id, patient_id, clinician_id, activity, assessed_at)
    VALUES ($1, gen_random_uuid(), $2, 'dana-rowe', 'mild', now()) RETURNING true
    """
    async with clinical.consuming():
        assert await clinical.database.value(assess, SITE, PATIENT)
        await clinical.rebuild()
        await send(clinical.broker, an_event(an_enrollment(patient_id=lately)))
        await clinical.until_applied(2 * clinical.count(EVENTS) + 1)
        assert await clinical.database.value(assess, SITE, lately)
        await clinical.go_back()
        assert await clinical.database.value(assess, SITE, lately)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await clinical.database.value(assess, SITE, nobody)
    assert await clinical.database.value("SELECT count(*) FROM assessment") == 3


async def test_whoever_reads_the_tables_is_let_end_before_the_swap(dashboard: Reader, pool_of: Pools) -> None:
    async def is_waited_for() -> bool:
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        return bool(await dashboard.database.value(waits))

    pool = await pool_of(dashboard.database)
    async with dashboard.consuming():
        async with transaction(pool) as connection:
            await connection.fetch("SELECT * FROM patient_page")
            rebuilding = asyncio.create_task(dashboard.rebuild())
            await until(is_waited_for)
            assert await connection.fetchval("SELECT count(*) FROM site") == 2
        assert (await rebuilding).is_swapped


@pytest.mark.parametrize("table", ["public.patient_page", "previous.patient_page"])
async def test_a_vacuum_is_waited_for_until_postgresql_ends_it_and_readers_go_on(
    dashboard: Reader, pool_of: Pools, table: str
) -> None:
    """It ends what it does by itself for whoever has waited for a second."""

    async def is_it_time() -> bool:
        waits = """
        SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND waitstart < clock_timestamp() - interval '1 s'
        """
        return bool(await dashboard.database.value(waits, table))

    pool = await pool_of(dashboard.database)
    async with dashboard.consuming():
        await dashboard.rebuild()
        vacuum = await asyncpg.connect(dashboard.database.owner)
        try:
            await vacuum.execute(f"BEGIN; LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
            rebuilding = asyncio.create_task(dashboard.rebuild())
            await until(is_it_time)
            async with transaction(pool) as connection:
                assert await connection.fetchval("SELECT count(*) FROM patient_page") == 4
            await vacuum.execute("COMMIT")
        finally:
            await vacuum.close()
        assert (await rebuilding).is_swapped


async def test_there_is_one_rebuild_at_a_time(dashboard: Reader) -> None:
    async with dashboard.consuming():
        connection = await asyncpg.connect(dashboard.database.owner)
        try:
            await connection.execute("SELECT pg_advisory_lock(7264003)")
            with pytest.raises(StackError, match="under way"):
                await dashboard.rebuild()
        finally:
            await connection.close()
