"""A read model that is built again and swapped in: the same rows, behind the same walls; the broker is the fake."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from deploy.migrate import differences
from deploy.rebuild import rebuild
from services.dashboard import CONSUMES, PROJECTIONS, store
from services.dashboard.worker import SUBSCRIPTION
from shared.consumer import Consumer
from shared.db import SiteScope, open_pool, transaction
from shared.memory_broker import MemoryBroker
from tests.builders import PATIENT, SITE, a_site, a_visit, an_enrollment, an_event
from tests.conftest import Databases, FreshDatabase, Pools
from tests.services.streams import send
from tests.shared.effects import running
from tests.waiting import until
from tests.walls.catalogue import findings
from tests.walls.grants import GRANTS

OTHER_SITE = "lakeside"


@pytest.fixture
async def broker() -> MemoryBroker:
    """A log that tells of one patient of this id at each of two sites."""
    broker = MemoryBroker()
    await broker.create_topics([topic.name for topic in CONSUMES])
    for site in (SITE, OTHER_SITE):
        await send(broker, *(an_event(body, site_id=site) for body in (a_site(), an_enrollment(), a_visit())))
    return broker


@pytest.fixture
async def dashboard(database: Databases) -> FreshDatabase:
    return await database("dashboard")


@asynccontextmanager
async def consuming(dashboard: FreshDatabase, broker: MemoryBroker) -> AsyncIterator[None]:
    """The live consumer, once it has applied what the log holds."""
    async with open_pool(dashboard.worker, size=2) as pool, running(Consumer(SUBSCRIPTION, broker, pool).run()):
        await until_applied(dashboard, 6)
        yield


async def until_applied(dashboard: FreshDatabase, count: int) -> None:
    async def are_applied() -> bool:
        return bool(await dashboard.value("SELECT count(*) >= $1 FROM delivery", count))

    await until(are_applied)


async def test_a_swapped_read_model_stands_behind_the_same_walls(
    dashboard: FreshDatabase, broker: MemoryBroker
) -> None:
    async with consuming(dashboard, broker):
        for _ in range(2):
            report = await rebuild(dashboard, broker, SUBSCRIPTION, PROJECTIONS)
            assert (report.compared, report.different, report.is_swapped) == (4, 0, True)
    connection = await asyncpg.connect(dashboard.admin)
    try:
        assert await findings(connection, GRANTS["dashboard"]) == []
        assert await connection.fetchval("SELECT reloptions FROM pg_class WHERE oid = 'consumer_head'::regclass")
    finally:
        await connection.close()
    assert await differences("dashboard", dashboard.owner) is None


async def test_the_application_reads_the_swapped_pages_of_its_sites_and_no_others(
    dashboard: FreshDatabase, broker: MemoryBroker
) -> None:
    both = SiteScope.of(SITE, OTHER_SITE)
    async with consuming(dashboard, broker):
        await rebuild(dashboard, broker, SUBSCRIPTION, PROJECTIONS)
    async with open_pool(dashboard.app, size=1) as pool:
        async with transaction(pool, SiteScope.of(SITE)) as connection:
            page = await store.page(connection, both, PATIENT)
            assert page is not None
            assert page.site_id == SITE
            assert await connection.fetchval("SELECT count(*) FROM patient_page") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.fetch("SELECT * FROM previous.patient_page")


async def test_the_consumer_goes_on_in_the_swapped_tables(dashboard: FreshDatabase, broker: MemoryBroker) -> None:
    async with consuming(dashboard, broker):
        await rebuild(dashboard, broker, SUBSCRIPTION, PROJECTIONS)
        await send(broker, an_event(a_visit(), sequence=2))
        await until_applied(dashboard, 7)
    assert await dashboard.value("SELECT sequence FROM consumer_head WHERE site_id = $1 AND sequence > 1", SITE) == 2


async def test_a_read_model_that_differs_is_not_swapped(
    dashboard: FreshDatabase, broker: MemoryBroker, pool_of: Pools
) -> None:
    async with consuming(dashboard, broker):
        pool = await pool_of(dashboard)
        await pool.execute("UPDATE patient_page SET version = 'another' WHERE site_id = $1", SITE)
        report = await rebuild(dashboard, broker, SUBSCRIPTION, PROJECTIONS)
    assert (report.compared, report.different, report.is_swapped) == (4, 1, False)
    assert await dashboard.value("SELECT version FROM patient_page WHERE site_id = $1", SITE) == "another"
    assert await dashboard.value("SELECT count(*) FROM rebuild.patient_page WHERE version <> 'another'") == 2
