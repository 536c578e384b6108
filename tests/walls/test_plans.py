"""No statement of a hot path reads a whole table, with the walls up and 10,000 rows of twenty sites in each table.

The doors are used as they are, past the five executions after which PostgreSQL settles on a plan; how each table was
read is what PostgreSQL counted meanwhile.
"""

import hashlib
from uuid import UUID

import pytest
from fastapi import FastAPI

from services.dashboard.worker import SUBSCRIPTION
from shared.events import TOPICS
from shared.memory_broker import MemoryBroker
from shared.relay import Relay
from tests.builders import a_site, a_visit, an_enrollment, an_event
from tests.conftest import Apps, FreshDatabase, Tokens, client_of, new_key
from tests.services.streams import arrive
from tests.shared.effects import running
from tests.survey import survey_of
from tests.waiting import until

ROWS, SITES, TIMES = 10_000, 20, 8
# Patient g is at site g % 20, and each of its ids is made of what it is and g.
_INTAKE = f"""
CREATE TEMP TABLE g AS SELECT g, 'site-' || g % {SITES} AS site_id, md5('patient' || g)::uuid AS patient_id,
    md5('visit' || g)::uuid AS visit_id FROM generate_series(1, {ROWS}) AS g;
INSERT INTO site SELECT DISTINCT site_id, 'Synthetic', 'private', 'UTC' FROM g;
INSERT INTO patient SELECT site_id, patient_id, sha256(g::text::bytea), '2026-01-05', 1984, 'female', 'not-said', 'en',
    'crohns-disease', NULL, 'consented', '2026-01-05', NULL FROM g;
INSERT INTO visit SELECT site_id, visit_id, patient_id, 'dr-1', '2026-10-13', 'scheduled', NULL, NULL FROM g;
INSERT INTO survey SELECT site_id, md5('survey' || g)::uuid, visit_id, patient_id, 'pre-visit-crohns|1.0', '2026-10-11',
    '{{}}', '[]', NULL, 1, 'completed', NULL, 'self', 'synthetic', '2026-10-11' FROM g WHERE g > {SITES * TIMES};
INSERT INTO idempotency SELECT site_id, 'key-' || g, '', 200, '' FROM g;
"""
_DASHBOARD = f"""
CREATE TEMP TABLE g AS SELECT g, 'site-' || g % {SITES} AS site_id, md5('patient' || g)::uuid AS patient_id
    FROM generate_series(1, {ROWS}) AS g;
INSERT INTO patient_page SELECT g.site_id, g.patient_id, facts, page, version FROM patient_page, g;
INSERT INTO view SELECT site_id, md5('view' || g)::uuid, patient_id, NULL, 'dr-1', 'clinician', 'outside', false,
    '2026-10-13', NULL, '{{}}' FROM g;
INSERT INTO delivery SELECT site_id, 'dashboard', md5('event' || g)::uuid, 'visit-updated', 0, g, now(), now() FROM g;
INSERT INTO consumer_head SELECT site_id, 'dashboard', 'visit-updated', patient_id::text, 1 FROM g;
"""
_OUTBOX = f"""
INSERT INTO outbox (site_id, event_id, topic, key, sequence, value)
    SELECT site_id, md5('event' || g)::uuid, 'visit-updated', patient_id::text, 1, '{{}}' FROM g;
INSERT INTO outbox_head SELECT site_id, 'visit-updated', patient_id::text, 1 FROM g;
UPDATE relay_cursor SET (xid, position) =
    (SELECT xid, position FROM outbox ORDER BY position OFFSET {ROWS - 1000} LIMIT 1);
ANALYZE;
SELECT pg_stat_force_next_flush();
"""
_READ_WHOLE = """
SELECT pg_class.relname FROM pg_stat_user_tables JOIN pg_class ON oid = relid
WHERE seq_scan > 0 AND reltuples > 1000 ORDER BY relname
"""
_IS_SENT = "SELECT relay_cursor.position = outbox_position.last_value FROM relay_cursor, outbox_position"
_LOOKED_UP = "SELECT coalesce(sum(idx_scan), 0)::bigint FROM pg_stat_user_tables WHERE relname LIKE $1"


def an_id(what: str, number: int) -> str:
    """The id that the rows above have, by the same digest."""
    return str(UUID(hashlib.md5(f"{what}{number}".encode(), usedforsecurity=False).hexdigest()))


async def fill(database: FreshDatabase, rows: str) -> None:
    """Put the rows there, and count from now on."""
    await database.run(rows + _OUTBOX)
    await database.run("SELECT pg_stat_reset()")


async def read_whole(database: FreshDatabase) -> list[str]:
    """The large tables that were read from end to end."""
    return [row["relname"] for row in await database.rows(_READ_WHOLE)]


async def until_counted(database: FreshDatabase, **least: int) -> None:
    """Wait until PostgreSQL has counted the look-ups: a session says at the latest ten seconds later what it did."""

    async def are_counted() -> bool:
        return all([await database.value(_LOOKED_UP, f"{table}%") >= count for table, count in least.items()])

    await until(are_counted)


async def relay_to_the_end(database: FreshDatabase) -> None:
    """Send what is behind the cursor, as the worker does."""
    broker = MemoryBroker()
    await broker.create_topics(list(TOPICS))

    async def is_sent() -> bool:
        return bool(await database.value(_IS_SENT))

    async with running(Relay("test", database.worker, broker).run()):
        await until(is_sent)


@pytest.fixture
async def intake(app: Apps) -> FastAPI:
    application = await app("intake")
    await fill(application.state.database, _INTAKE)
    return application


@pytest.fixture
async def dashboard(app: Apps) -> FastAPI:
    application = await app("dashboard")
    await arrive(application, SUBSCRIPTION, an_event(a_site()), an_event(an_enrollment()), an_event(a_visit()))
    await fill(application.state.database, _DASHBOARD)
    return application


async def test_submitting_a_survey_and_following_its_receipt_look_every_row_up(intake: FastAPI, token: Tokens) -> None:
    async with client_of(intake, token("system", ["site-0"])) as system:
        for number in range(SITES, SITES * TIMES + 1, SITES):
            survey = survey_of(an_id("patient", number), an_id("visit", number))
            answer = await system.post("/v1/surveys", json=survey, headers=new_key())
            assert answer.status_code == 201, answer.text
            assert (await system.get(f"/v1/receipts/{answer.json()['receipt']}")).status_code == 200
    database: FreshDatabase = intake.state.database
    await relay_to_the_end(database)
    await until_counted(database, patient=TIMES, visit=TIMES, survey=TIMES, idempotency=TIMES, outbox_2=2 * TIMES)
    assert await read_whole(database) == []


async def test_reading_a_page_waiting_for_a_receipt_and_applying_an_event_look_every_row_up(
    dashboard: FastAPI, token: Tokens
) -> None:
    async with client_of(dashboard, token("clinician", ["site-0"])) as clinician:
        for number in range(SITES, SITES * TIMES + 1, SITES):
            path = f"/v1/patients/{an_id('patient', number)}/page"
            answer = await clinician.get(path, params={"wait_for": an_id("event", number)})
            assert (answer.status_code, answer.headers["samepage-waited"]) == (200, "arrived")
            beacon = f"/v1/views/{answer.headers['samepage-view']}/beacon"
            assert (await clinician.post(beacon, json={"duration_ms": 1000})).status_code == 204
    for sequence in range(2, TIMES + 2):
        await arrive(dashboard, SUBSCRIPTION, an_event(a_visit(), sequence=sequence))
    database: FreshDatabase = dashboard.state.database
    await relay_to_the_end(database)
    await until_counted(
        database, patient_page=3 * TIMES, view=2 * TIMES, delivery=TIMES, consumer_head=2 * TIMES, outbox_head=2 * TIMES
    )
    assert await read_whole(database) == []


async def test_the_forms_of_a_visit_look_up_the_site_and_its_visits(intake: FastAPI, token: Tokens) -> None:
    async with client_of(intake, token("coordinator", ["site-0"])) as coordinator:
        for number in range(SITES, SITES * TIMES + 1, SITES):
            for path in ("new", an_id("patient", number)):
                assert (await coordinator.get(f"/patients/{path}")).status_code == 200
            assert (await coordinator.get(f"/visits/{an_id('visit', number)}")).status_code == 200
    database: FreshDatabase = intake.state.database
    await until_counted(database, patient=2 * TIMES, visit=5 * TIMES)
    assert await read_whole(database) == []


async def test_a_statement_that_reads_a_whole_table_is_seen(intake: FastAPI) -> None:
    database: FreshDatabase = intake.state.database
    await database.value("SELECT count(*) FROM patient WHERE birth_year = 1984")

    async def is_seen() -> bool:
        return await read_whole(database) == ["patient"]

    await until(is_seen)
