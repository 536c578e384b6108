"""The floor is as durable as it claims, or figures beside it would mean nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from deploy.databases import at
from deploy.local.stack import Addresses
from shared.db import open_pool
from shared.http.ndjson import NDJSON
from tests.load import floor_tables
from tests.load.floor import Together, create_app

SITE = {"samepage-site": "site-1"}
PATIENT = "0b7c6a54-6a39-4c1f-9d55-2f6a52c0a001"


@pytest.fixture
async def dsn(stack: Addresses) -> AsyncIterator[str]:
    name = f"floor_{uuid4().hex[:12]}"
    admin = await asyncpg.connect(stack.postgres_admin_dsn)
    await admin.execute(f'CREATE DATABASE "{name}"')
    made = await asyncpg.connect(at(stack.postgres_admin_dsn, name))
    await made.execute(floor_tables.TABLES)
    await made.close()
    yield at(stack.postgres_admin_dsn, name)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


@pytest.fixture
async def door(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(dsn)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://floor.test") as client,
    ):
        yield client


async def counts(dsn: str, *tables: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
    finally:
        await connection.close()


def survey() -> dict[str, object]:
    return {"patient_id": PATIENT, "visit_id": str(uuid4()), "answers": {"well_being": 1}}


async def test_a_survey_and_its_event_are_kept_when_it_is_answered(door: httpx.AsyncClient, dsn: str) -> None:
    single = await door.post("/v1/surveys", json=survey(), headers=SITE)
    assert single.status_code == 201
    UUID(single.json()["receipt"])
    lines = "\n".join(json.dumps(survey()) for _ in range(2))
    many = await door.post("/v1/surveys", content=lines, headers=SITE | {"content-type": NDJSON[0]})
    assert many.json()["accepted"] == 2
    assert await counts(dsn, "survey", "outbox") == [3, 3]


async def test_surveys_that_arrive_together_are_all_kept(door: httpx.AsyncClient, dsn: str) -> None:
    answers = await asyncio.gather(*(door.post("/v1/surveys", json=survey(), headers=SITE) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["receipt"] for answer in answers}) == 200
    assert await counts(dsn, "survey", "outbox") == [200, 200]
    assert await counts(dsn, "(SELECT DISTINCT xid FROM outbox) AS transaction") < [200]


async def test_a_page_is_shown_as_it_is_stored_and_the_look_is_on_record(door: httpx.AsyncClient, dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO page VALUES ('site-1', $1, '{\"a\": 1}', '<p>')", UUID(PATIENT))
    await connection.close()
    assert (await door.get(f"/v1/patients/{PATIENT}/page", headers=SITE)).json() == {"a": 1}
    assert (await door.get(f"/patients/{PATIENT}", headers=SITE)).text == "<p>"
    assert await counts(dsn, "look", "audit", "outbox") == [2, 2, 2]
    assert (await door.get(f"/patients/{uuid4()}", headers=SITE)).status_code == 404


async def test_everybody_whose_rows_were_written_together_hears_of_a_failure(dsn: str) -> None:
    async with open_pool(dsn, size=2) as pool:
        together = Together(pool, "INSERT INTO arrived (event_id) SELECT * FROM unnest($1::text[])")
        await together.write([("a",)])
        outcomes = await asyncio.gather(*(together.write([("a",)]) for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [asyncpg.UniqueViolationError] * 3
        await together.write([("b",)])
    assert await counts(dsn, "arrived") == [2]
