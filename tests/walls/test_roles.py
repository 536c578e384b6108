"""What each role of a service's database cannot do, whatever statement it is brought to run."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from deploy.doors import SERVICES
from deploy.migrate import owner_engine
from shared.db import SiteScope, open_pool, transaction
from tests.conftest import Databases, FreshDatabase
from tests.walls.catalogue import findings, privileges
from tests.walls.grants import GRANTS
from tests.walls.rows import fill, tables_of

SITES = ("lakeside", "riverbend")
NOBODY_MAY = (
    "CREATE TABLE own ()",
    "CREATE SCHEMA own",
    "TRUNCATE delivery",
    "DELETE FROM delivery",
    "UPDATE delivery SET site_id = 'riverbend'",
    "ALTER TABLE delivery DISABLE ROW LEVEL SECURITY",
    "DROP POLICY app ON delivery",
    "SELECT * FROM alembic_version",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "COPY delivery TO PROGRAM 'true'",
    "SELECT pg_read_file('postgresql.conf')",
)
APP_MAY_NOT = {
    "intake": (
        "UPDATE survey SET visit_id = gen_random_uuid()",
        "UPDATE survey_version SET scores = '[]'",
        "UPDATE patient SET birth_year = 1980",
    ),
    "clinical": ("SELECT what FROM plan_step", "INSERT INTO patient VALUES ('riverbend', gen_random_uuid(), 1)"),
    "dashboard": (
        "DELETE FROM view",
        "DELETE FROM outbox",
        "INSERT INTO delivery SELECT * FROM delivery",
        "SELECT * FROM consumer_offset",
        "SELECT * FROM dead_letter",
        "SELECT * FROM outbox_default",
        "SELECT outbox_make_partitions(1)",
        "SELECT value FROM outbox",
        "SET ROLE samepage_worker",
        "UPDATE consumer_head SET sequence = 0",
        "UPDATE consumer_offset SET next_offset = 0",
        "UPDATE idempotency SET answer = ''",
        "UPDATE outbox SET key = ''",
        "UPDATE patient_page SET version = ''",
        "UPDATE relay_cursor SET xid = 0",
        "UPDATE view SET site_id = 'riverbend'",
        "UPDATE view SET subject = ''",
    ),
    "feedback": ("SELECT * FROM feedback", "UPDATE feedback SET helped_decisions = true", "DELETE FROM feedback"),
    "analytics": (
        "DELETE FROM enrolment",
        "INSERT INTO site VALUES ('riverbend', '', '', 1)",
        "SELECT * FROM clinical_fact",
        "SELECT value FROM dead_letter",
        "UPDATE enrolment SET consent = 'consented'",
    ),
}
WORKER_MAY_NOT = {
    "intake": (
        "DELETE FROM outbox",
        "INSERT INTO relay_cursor VALUES ('other', 0, 0)",
        "SELECT * FROM idempotency",
        "SELECT * FROM outbox_default",
        "SELECT * FROM survey",
        "SELECT * FROM visit",
        "DELETE FROM erasure",
        "INSERT INTO patient DEFAULT VALUES",
        "SET ROLE samepage_app",
        "UPDATE outbox SET value = ''",
        "UPDATE patient SET consent = 'withdrawn'",
    ),
    "clinical": (
        "SELECT * FROM lab",
        "INSERT INTO lab DEFAULT VALUES",
        "SELECT * FROM plan_step",
        "UPDATE erasure SET erased_at = now()",
        "SELECT outbox_add('{riverbend}', '{a}', '{b}', ARRAY[gen_random_uuid()], '{c}', NULL)",
        "UPDATE outbox_head SET sequence = 0",
        "INSERT INTO outbox (site_id, event_id, topic, key, sequence, value) "
        "VALUES ('riverbend', gen_random_uuid(), '', '', 1, '')",
    ),
    "dashboard": ("SELECT * FROM view", "DELETE FROM patient_page", "UPDATE patient_page SET site_id = 'riverbend'"),
    "feedback": ("SELECT * FROM feedback", "INSERT INTO feedback DEFAULT VALUES", "DELETE FROM erasure"),
    "analytics": ("DELETE FROM site", "UPDATE enrolment SET site_id = 'riverbend'"),
}


async def refusals(dsn: str, statements: tuple[str, ...]) -> dict[str, str]:
    """What the server says to each statement: the name of the error, or what was done."""
    connection = await asyncpg.connect(dsn, server_settings={"samepage.sites": "riverbend"})
    said = {}
    try:
        for statement in statements:
            try:
                said[statement] = await connection.execute(statement)
            except asyncpg.PostgresError as error:
                said[statement] = type(error).__name__
    finally:
        await connection.close()
    return said


@pytest.mark.parametrize("service", SERVICES)
async def test_neither_role_may_do_what_is_not_its_part(database: Databases, service: str) -> None:
    found = await database(service)
    tables = {table.name for table in tables_of(service)}
    common = tuple(statement for statement in NOBODY_MAY if "delivery" in tables or "delivery" not in statement)
    for dsn, statements in ((found.app, APP_MAY_NOT[service]), (found.worker, WORKER_MAY_NOT[service])):
        refused = await refusals(dsn, common + statements)
        assert set(refused.values()) == {"InsufficientPrivilegeError"}, refused


@pytest.mark.parametrize("service", SERVICES)
async def test_the_worker_reaches_every_site(database: Databases, service: str) -> None:
    found = await filled(database, service)
    async with open_pool(found.worker, size=1) as pool, transaction(pool) as connection:
        for table in tables_of(service):
            if "SELECT" in privileges(GRANTS[service][table.name].worker):
                rows = await connection.fetch(f"SELECT site_id FROM {table.name} ORDER BY site_id")
                assert tuple(row["site_id"] for row in rows) == SITES, table.name


async def test_figures_are_made_of_every_site_whatever_is_bound(database: Databases) -> None:
    found = await filled(database, "analytics")
    async with open_pool(found.app, size=1) as pool:
        for scope in (None, SiteScope.of("riverbend")):
            async with transaction(pool, scope) as connection:
                assert await connection.fetchval("SELECT count(*) FROM enrolment") == len(SITES)


async def filled(database: Databases, service: str) -> FreshDatabase:
    """A database with a row of each site in every table."""
    found = await database(service)
    await fill(found, tables_of(service), *SITES)
    return found


async def test_the_owner_sees_no_row_of_its_own_tables(database: Databases) -> None:
    found = await filled(database, "intake")
    connection = await asyncpg.connect(found.owner)
    try:
        for table in tables_of("intake"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table.name}") == 0, table.name
    finally:
        await connection.close()


async def test_a_migration_that_would_pass_over_rows_fails_unless_it_opens_the_table(database: Databases) -> None:
    found = await filled(database, "intake")
    change = text("UPDATE survey SET form = 'pre-visit-crohns|1.1'")
    engine = owner_engine(found.owner)
    try:
        with pytest.raises(DBAPIError, match="row-level security"):
            async with engine.begin() as connection:
                await connection.execute(change)
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE survey NO FORCE ROW LEVEL SECURITY"))
            assert (await connection.execute(change)).rowcount == len(SITES)
            await connection.execute(text("ALTER TABLE survey FORCE ROW LEVEL SECURITY"))
    finally:
        await engine.dispose()


async def test_a_partition_that_is_made_later_is_closed_too(database: Databases) -> None:
    found = await database("intake")
    owner = await asyncpg.connect(found.owner)
    await owner.execute("SELECT outbox_make_partitions(24)")
    await owner.close()
    partition = await found.value("SELECT max(relname) FROM pg_class WHERE relispartition AND relkind = 'r'")
    statements = (f"SELECT * FROM {partition}", f"INSERT INTO {partition} DEFAULT VALUES")
    for dsn in (found.app, found.worker):
        assert set((await refusals(dsn, statements)).values()) == {"InsufficientPrivilegeError"}
    admin = await asyncpg.connect(found.admin)
    try:
        assert await findings(admin, GRANTS["intake"]) == []
    finally:
        await admin.close()
