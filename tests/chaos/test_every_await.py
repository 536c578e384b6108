"""Relay, reader and command killed at each of their awaits, one after the other: what begins in their place loses
nothing, doubles nothing and keeps the order.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from deploy.chaos import writes
from deploy.chaos.evidence import Evidence, outbox_of
from deploy.chaos.findings import checks
from deploy.chaos.ledger import Entry
from deploy.databases import connected
from services.intake.app import create_app
from services.intake.settings import IntakeAppSettings
from shared.db import open_pool
from shared.relay import Relay
from shared.settings import Platform
from tests.builders import VISIT_AT
from tests.chaos.crash import Process, processes
from tests.chaos.pipeline import QUICK_RELAY, Pipeline
from tests.conftest import Databases, FreshDatabase, KeyRings, Tokens, client_of, new_key
from tests.shared.effects import PATIENTS
from tests.shared.wire import wire_to
from tests.survey import survey_of
from tests.waiting import until

SITE = "site-01"
Settings = Callable[[str], IntakeAppSettings]
ANSWERED, RECORDED = "every request answered as it must be", "every accepted write in its owner's tables"
EXPLAINED, IN_SEQUENCE = "one event in an outbox for each, and no other", "sequences 1 to n in the order of the log"


@pytest.fixture(autouse=True)
async def counting() -> AsyncIterator[None]:
    """Every task belongs to the process that began it."""
    with processes():
        yield


async def is_killed(process: Process, job: Coroutine[Any, Any, None], is_done: Callable[[], Awaitable[bool]]) -> bool:
    """Run a job that never ends until it is killed, or has done what it was to do; whether it was killed."""
    task = process.begin(job)

    async def has_ended() -> bool:
        return task.done() or await is_done()

    await until(has_ended)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return process.was_killed


async def test_a_relay_may_be_killed_at_every_await(pipeline: Pipeline) -> None:
    await pipeline.write(*PATIENTS, times=2)
    for at in count(1):
        await pipeline.begin_again()
        async with wire_to(pipeline.writer.worker) as wire:
            relay = Relay("writer", wire.dsn, pipeline.broker, QUICK_RELAY)
            was_killed = await is_killed(Process(at=at, cut=wire.unplug), relay.run(), pipeline.is_all_sent)
        await pipeline.relay_all()
        await pipeline.read_all()
        assert await pipeline.findings() == {}, f"killed at await {at}"
        if not was_killed:
            break
    assert at > 20


async def test_a_reader_may_be_killed_at_every_await(pipeline: Pipeline) -> None:
    await pipeline.write(*PATIENTS, times=2)
    await pipeline.relay_all()
    for at in count(1):
        await pipeline.read_anew()
        async with wire_to(pipeline.reader.worker) as wire, open_pool(wire.dsn, size=2) as pool:
            reading = pipeline.a_reader(pool).run()
            was_killed = await is_killed(Process(at=at, cut=wire.unplug), reading, pipeline.is_all_read)
        await pipeline.read_all()
        assert await pipeline.findings() == {}, f"killed at await {at}"
        if not was_killed:
            break
    assert at > 50


@pytest.fixture
async def settings(platform: Platform, keyring_of: KeyRings, own_settings: dict[str, dict[str, object]]) -> Settings:
    """Settings of intake's door on a database."""
    keyring = await keyring_of("intake")

    def on(dsn: str) -> IntakeAppSettings:
        told = {"platform": platform, "database_url": SecretStr(dsn), "keyring": keyring, **own_settings["intake"]}
        return IntakeAppSettings.model_validate(told)

    return on


@asynccontextmanager
async def a_door(settings: IntakeAppSettings, bearer: str) -> AsyncIterator[httpx.AsyncClient]:
    """Intake's door as one process has it, and a client of it."""
    application = create_app(settings)
    async with application.router.lifespan_context(application), client_of(application, bearer) as client:
        yield client


async def a_patient(client: httpx.AsyncClient) -> str:
    """Enrolled at a site that is known."""
    site = {"name": "Riverbend GI", "site_type": "academic", "time_zone": "America/Chicago"}
    (await client.put(f"/v1/sites/{SITE}", json=site)).raise_for_status()
    body = {"identifier": "MRN-1", "birth_year": 1984, "sex": "female", "diagnosis": "crohns-disease"}
    answer = await client.post("/v1/patients", json=body, headers=new_key())
    return str(answer.raise_for_status().json()["id"])


async def a_visit_of(client: httpx.AsyncClient, patient_id: str, number: int) -> str:
    at = VISIT_AT + timedelta(days=number)
    body = {"patient_id": patient_id, "clinician_id": "dr-1", "scheduled_at": at.isoformat()}
    answer = await client.post("/v1/visits", json=body, headers=new_key())
    return str(answer.raise_for_status().json()["id"])


async def found_of_surveys(intake: FreshDatabase, ledger: list[Entry]) -> list[str]:
    """What the auditor finds in intake, of surveys."""
    async with connected(intake.admin) as connection:
        facts = [fact for fact in await outbox_of(connection) if fact.stream.topic == "survey-completed"]
        things = {row["id"] for row in await connection.fetch("SELECT survey_id::text AS id FROM survey")}
    found = {one.name: one for one in checks(Evidence(ledger, facts, [], {}, {"survey": frozenset(things)}))}
    told = [found[name] for name in (ANSWERED, RECORDED, EXPLAINED, IN_SEQUENCE)]
    assert all(check.looked_at for check in told)
    return [finding for check in told for finding in check.findings]


async def test_a_submit_may_be_killed_at_every_await(database: Databases, settings: Settings, token: Tokens) -> None:
    intake, bearer, ledger = await database("intake"), token("system", [SITE]), list[Entry]()
    async with a_door(settings(intake.app), bearer) as sound:
        patient_id = await a_patient(sound)
        for at in count(1):
            key, survey = new_key(), survey_of(patient_id, await a_visit_of(sound, patient_id, at))
            async with wire_to(intake.app) as wire, a_door(settings(wire.dsn), bearer) as dying:
                process = Process(at=at, cut=wire.unplug)
                asking = process.begin(dying.post("/v1/surveys", json=survey, headers=key))
                await asyncio.gather(asking, return_exceptions=True)
            answer = await sound.post("/v1/surveys", json=survey, headers=key)
            given = answer.raise_for_status().json()
            entry = Entry(what=writes.SURVEY, site_id=SITE, status=201, thing=given["id"], receipt=given["receipt"])
            ledger.append(entry)
            assert await found_of_surveys(intake, ledger) == [], f"killed at await {at}"
            if not process.was_killed:
                break
    assert at > 8
