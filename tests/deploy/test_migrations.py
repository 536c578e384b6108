"""Migrations lead to the tables; a database with words from before the key ring is refused in a sentence."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from deploy.databases import KEY_RING, ensure_database
from deploy.doors import SERVICES
from deploy.local.errors import StackError
from deploy.local.stack import Addresses
from deploy.migrate import differences, upgrade
from shared.db import open_pool, transaction
from shared.delivery_store import Letter, add_letters, record_of
from shared.events import TOPICS, VISIT_UPDATED
from shared.memory_broker import MemoryBroker
from shared.relay import Relay
from tests.conftest import Databases, FreshDatabase, drop, reached
from tests.shared.effects import PATIENTS, running, write
from tests.shared.logs import read, reading
from tests.waiting import until
from tests.walls.catalogue import findings
from tests.walls.grants import GRANTS

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
LETTER = r"""
INSERT INTO dead_letter VALUES ('s', 'feedback', 'visit-updated', 3, 120, 'dead', 'unreadable', 'a key of anybody''s',
                                NULL, '[["ce_siteid", "s"], ["ce_id", "%FF 1"]]', '\x00ff5c', 1790000000000)
"""
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


async def test_what_was_set_aside_before_letters_had_ids_is_the_same_letter_when_it_comes_again(old: Old) -> None:
    database = await old("feedback", LETTER)
    await upgrade("feedback", database.owner)
    (before,) = await database.rows("SELECT * FROM dead_letter")
    async with open_pool(database.worker, size=1) as pool, transaction(pool) as connection:
        await add_letters(connection, "feedback", [Letter(record_of(before), "dead", "again", 2)])
    (after,) = await database.rows("SELECT * FROM dead_letter")
    assert dict(after) == {**before, "reason": "again", "sequence": 2}


# As if nobody had made partitions for longer than a year.
FORGET_MONTHS = """
DO $$
DECLARE
    month regclass;
BEGIN
    FOR month IN SELECT oid FROM pg_class WHERE relispartition AND relname ~ '^outbox_2' AND relkind = 'r' LOOP
        EXECUTE format('DROP TABLE %s', month);
    END LOOP;
END $$
"""
WHERE_THEY_ARE = """
SELECT tableoid::regclass::text AS partition, to_char(recorded_at AT TIME ZONE 'UTC', 'YYYYMM') AS month,
       count(*) AS n
FROM outbox GROUP BY 1, 2 ORDER BY 2
"""
ALL = "SELECT * FROM outbox ORDER BY xid, position"
IS_ALL_SENT = "SELECT (SELECT position FROM relay_cursor) = (SELECT max(position) FROM outbox)"


@pytest.fixture
async def late(database: Databases) -> FreshDatabase:
    """A database of intake with events of this month and others, none of which has a partition."""
    found = await database("intake")
    await found.run(FORGET_MONTHS)
    async with open_pool(found.admin, size=1) as pool:
        await write(pool, PATIENTS[0], 6)
    for position, month in enumerate((-14, -1, -1, 1), start=1):
        moved = f"recorded_at + interval '{month} months'"
        await found.run(f"UPDATE outbox SET recorded_at = {moved} WHERE position = {position}")
    assert {row["partition"] for row in await found.rows(WHERE_THEY_ARE)} == {"outbox_default"}
    return found


async def test_events_of_months_without_a_partition_are_moved_into_it_when_it_is_made(late: FreshDatabase) -> None:
    before = await late.rows(ALL)
    for _ in range(2):
        await upgrade("intake", late.owner)
        assert await late.rows(ALL) == before
        where = await late.rows(WHERE_THEY_ARE)
        assert [row["n"] for row in where] == [1, 2, 2, 1]
        assert [row["partition"] for row in where] == [f"outbox_{row['month']}" for row in where]
    admin = await asyncpg.connect(late.admin)
    assert await findings(admin, GRANTS["intake"]) == [], "the new months and the default one are closed"
    await admin.close()
    assert await differences("intake", late.owner) is None


async def test_what_is_written_and_sent_while_months_are_made_is_neither_lost_nor_sent_twice(
    late: FreshDatabase,
) -> None:
    broker = MemoryBroker()
    await broker.create_topics(list(TOPICS))
    async with open_pool(late.admin, size=5) as pool, running(Relay("intake", late.worker, broker).run()):
        async with asyncio.TaskGroup() as beside:
            for patient in PATIENTS[1:]:
                beside.create_task(write(pool, patient, 40))
            await upgrade("intake", late.owner)

        async def is_done() -> bool:
            return bool(await late.value(IS_ALL_SENT))

        await until(is_done)
    assert await late.value("SELECT count(*) FROM outbox") == 6 + 40 * len(PATIENTS[1:])
    async with reading(broker, "auditor", [VISIT_UPDATED.name]) as source:
        sent = await read(source, 6 + 40 * len(PATIENTS[1:]))
    assert len({record.attribute("ce_id") for record in sent}) == len(sent)
