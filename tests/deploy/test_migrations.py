"""Migrations lead to the tables; a database with words from before the key ring is refused in a sentence."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from deploy.databases import KEY_RING, ensure_database
from deploy.doors import SERVICES
from deploy.local.errors import StackError
from deploy.local.stack import Addresses
from deploy.migrate import differences, upgrade
from tests.conftest import Databases, FreshDatabase, drop, reached

SITE = "INSERT INTO site VALUES ('s', 'Riverbend (synthetic)', 'academic', 'UTC')"
PATIENT = """
INSERT INTO patient VALUES ('s', '00000000-0000-0000-0000-000000000001', '', '2026-01-01', 1984, 'female', 'not-said',
                            'en', 'crohns-disease', NULL, 'invited', '2026-01-01')
"""
VISIT = """
INSERT INTO visit VALUES ('s', '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'dr-1',
                          now(), 'scheduled')
"""
SURVEY = """
INSERT INTO survey VALUES ('s', '00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000002',
                           '00000000-0000-0000-0000-000000000001', 'form', now(), $${response}$$, '[]')
"""
STEP = """
INSERT INTO patient VALUES ('s', '00000000-0000-0000-0000-000000000001', 1);
INSERT INTO plan_step VALUES ('s', '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', NULL,
                              'Ask the insurer', 'nurse', NULL, false, NULL, now())
"""
PAGE = "INSERT INTO patient_page VALUES ('s', '00000000-0000-0000-0000-000000000001', '{}', '', '')"
IDEMPOTENCY = "INSERT INTO idempotency VALUES ('s', 'survey-of-MRN-77', '', 201, '')"
WITHOUT_WORDS = '{"answers": {}, "concerns": [{"topic": "diet", "words": null}], "matters_most": null}'

Old = Callable[..., Awaitable[FreshDatabase]]


@pytest.fixture
async def old(stack: Addresses) -> AsyncIterator[Old]:
    """`await old("intake", *statements)`: a database as it was before the key ring, with these rows."""
    made: list[str] = []

    async def make(service: str, *statements: str) -> FreshDatabase:
        made.append(f"old_{service}_{secrets.token_hex(4)}")
        database = reached(stack, made[-1], template=made[-1])
        await ensure_database(stack.postgres_admin_dsn, database)
        await upgrade(service, database.owner, to="0003")
        for statement in statements:
            await database.run(statement)
        return database

    yield make
    for name in made:
        await drop(stack, name)


@pytest.mark.parametrize("service", [*SERVICES, KEY_RING])
async def test_the_migrations_lead_to_the_tables(service: str, database: Databases) -> None:
    assert await differences(service, (await database(service)).owner) is None


async def test_a_table_that_no_migration_made_is_found(database: Databases) -> None:
    owner = (await database("feedback")).owner
    connection = await asyncpg.connect(owner)
    await connection.execute("CREATE TABLE stray (id integer)")
    await connection.close()
    assert "stray" in (await differences("feedback", owner) or "")


@pytest.mark.parametrize(
    ("service", "rows"),
    [
        ("intake", (SITE, PATIENT, VISIT, SURVEY.format(response='{"matters_most": "Being able to run"}'))),
        ("intake", (SITE, PATIENT, VISIT, SURVEY.format(response='{"concerns": [{"words": "The cramps"}]}'))),
        ("clinical", (STEP,)),
        ("dashboard", (PAGE,)),
    ],
)
async def test_words_from_before_the_key_ring_are_refused_in_a_sentence(
    old: Old, service: str, rows: tuple[str, ...]
) -> None:
    database = await old(service, *rows)
    with pytest.raises(StackError, match=r"^The database of .*make clean") as refused:
        await upgrade(service, database.owner)
    assert "cramps" not in str(refused.value)


async def test_a_database_without_words_is_brought_to_the_newest_version_and_forgets_keys_in_clear(old: Old) -> None:
    database = await old("intake", SITE, PATIENT, VISIT, SURVEY.format(response=WITHOUT_WORDS), IDEMPOTENCY)
    await upgrade("intake", database.owner)
    assert await database.value("SELECT count(*) FROM survey") == 1
    assert await database.value("SELECT count(*) FROM idempotency") == 0
    forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = ANY($1)"
    assert {row["relforcerowsecurity"] for row in await database.rows(forced, ["survey", "idempotency"])} == {True}
