"""A lookup reads what it asks for and nothing else, although its plan was made while the table was empty.

PostgreSQL keeps the plan of a prepared statement until it counts a table anew. A door begins on empty tables, and is
asked a thousand times a second before that.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from services.dashboard import store as dashboard
from services.intake import store as intake
from shared import delivery_store
from shared.broker import Stream
from shared.db import Connection, SiteScope, open_pool, transaction
from shared.erasures import erased_among
from shared.http.conclusion import stored_answers
from shared.sealing import Patient
from tests.conftest import Databases

SITE = SiteScope.of("riverbend")
WANTED = [Patient("riverbend", UUID(int=number)) for number in range(1, 4)]
MANY = 3_000
# Rows that were fetched in this transaction from these tables, whichever way.
FETCHED = """
SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::integer FROM pg_stat_xact_user_tables
WHERE relname = ANY($1)
"""
_NUMBERED = f"""
FROM (SELECT n, ('00000000-0000-0000-0000-' || lpad(to_hex(n), 12, '0'))::uuid AS id
FROM generate_series(1, {MANY}) AS n) AS numbered
"""
_PAGES = f"""
INSERT INTO patient_page (site_id, patient_id, facts, page, version) SELECT 'riverbend', id, '{{}}', '', '' {_NUMBERED}
ON CONFLICT DO NOTHING
"""
_TOMBSTONES = f"INSERT INTO erasure (site_id, patient_id, erased_at) SELECT 'riverbend', id, now() {_NUMBERED}"
# Of patients who were erased and visits that never were: foreign keys would ask for both.
_SURVEYS = f"""
SET LOCAL session_replication_role = replica;
{_TOMBSTONES};
INSERT INTO survey (site_id, survey_id, visit_id, patient_id, form, submitted_at, response, scores, version, change,
                    mode, author, recorded_at)
SELECT 'riverbend', id, id, id, 'form|1', now(), '{{}}', '[]', 1, 'completed', 'self', 'synthetic', now() {_NUMBERED}
"""


@dataclass(frozen=True)
class Lookup:
    """What is looked up where, and how its table is filled with rows of one site that are numbered by `n`."""

    service: str
    tables: tuple[str, ...]
    fill: str
    ask: Callable[[Connection], Awaitable[Any]]
    is_of_worker: bool = False


LOOKUPS = {
    "answers of idempotency keys": Lookup(
        "intake",
        ("idempotency",),
        "INSERT INTO idempotency (site_id, key, request_hash, status, answer) "
        f"SELECT 'riverbend', 'key-' || n, '', 200, '' {_NUMBERED}",
        lambda connection: stored_answers(connection, [("riverbend", f"key-{number}") for number in range(1, 4)]),
    ),
    "how surveys stand": Lookup(
        "intake",
        ("survey", "erasure"),
        _SURVEYS,
        lambda connection: intake.standings(connection, SITE, [intake.Wanted(*one, one.patient_id) for one in WANTED]),
    ),
    "pages": Lookup(
        "dashboard",
        ("patient_page",),
        _PAGES,
        lambda connection: dashboard.pages(connection, SITE, WANTED),
    ),
    "facts": Lookup(
        "dashboard",
        ("patient_page",),
        _PAGES,
        lambda connection: dashboard.hold_facts(connection, WANTED, {}),
        is_of_worker=True,
    ),
    "heads of streams": Lookup(
        "dashboard",
        ("consumer_head",),
        "INSERT INTO consumer_head (consumer, site_id, topic, key, sequence) "
        f"SELECT 'reader', 'riverbend', 'visit-updated', 'key-' || n, 1 {_NUMBERED}",
        lambda connection: delivery_store.heads(
            connection, "reader", [Stream("riverbend", "visit-updated", f"key-{number}") for number in range(1, 4)]
        ),
        is_of_worker=True,
    ),
    "tombstones": Lookup(
        "intake",
        ("erasure",),
        _TOMBSTONES,
        lambda connection: erased_among(connection, WANTED),
    ),
}


@pytest.mark.parametrize("name", LOOKUPS)
async def test_a_lookup_reads_no_more_of_a_table_that_has_grown(name: str, database: Databases) -> None:
    lookup = LOOKUPS[name]
    found = await database(lookup.service)
    async with open_pool(found.worker if lookup.is_of_worker else found.app, size=1) as pool:
        for _ in range(10):  # PostgreSQL settles on a plan after five
            async with transaction(pool, SITE) as connection:
                await lookup.ask(connection)
        await found.run(lookup.fill)
        async with transaction(pool, SITE) as connection:
            assert len(await lookup.ask(connection)) == len(WANTED)
            assert await connection.fetchval(FETCHED, list(lookup.tables)) < MANY / 20
