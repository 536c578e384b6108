"""Migrations lead to the tables; a database with words from before the key ring is refused in a sentence."""

import secrets
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from deploy.doors import SERVICES
from deploy.local.databases import ensure_database
from deploy.local.errors import StackError
from deploy.local.stack import Addresses
from deploy.migrate import differences, upgrade
from tests.conftest import PASSWORD, Databases

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

Old = Callable[..., Awaitable[str]]


@pytest.fixture
def old(stack: Addresses) -> Old:
    """`await old("intake", *statements)`: the DSN of a database of the first version, with these rows."""

    async def make(service: str, *statements: str) -> str:
        dsn = ensure_database(stack.postgres_admin_dsn, f"old_{service}_{secrets.token_hex(4)}", PASSWORD)
        await upgrade(service, dsn, to="0001")
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()
        return dsn

    return make


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrations_of_a_service_lead_to_its_tables(service: str, database: Databases) -> None:
    assert await differences(service, await database(service)) is None


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
    dsn = await old(service, *rows)
    with pytest.raises(StackError, match=r"^The database of .*make clean") as refused:
        await upgrade(service, dsn)
    assert "cramps" not in str(refused.value)


async def test_a_database_without_words_is_brought_to_the_newest_version_and_forgets_keys_in_clear(old: Old) -> None:
    dsn = await old("intake", SITE, PATIENT, VISIT, SURVEY.format(response=WITHOUT_WORDS), IDEMPOTENCY)
    await upgrade("intake", dsn)
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetchval("SELECT count(*) FROM survey") == 1
        assert await connection.fetchval("SELECT count(*) FROM idempotency") == 0
    finally:
        await connection.close()
