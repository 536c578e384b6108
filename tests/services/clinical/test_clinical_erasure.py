"""What clinical does when a patient is erased, and when the key ring is away."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from services.clinical.handlers import apply
from services.clinical.worker import SUBSCRIPTION
from shared.db import open_pool, transaction
from shared.keyring import KeyRing
from shared.sealing import Patient
from tests.builders import PATIENT, SITE, an_enrollment, an_erasure, an_event
from tests.conftest import KeyRings
from tests.services.clinical.writes import EACH, LAB, NEIGHBOUR, STEP, mark, post, recorded
from tests.services.rings import away
from tests.services.streams import arrive, published

TABLES = ("patient", "assessment", "lab", "medication", "plan_step", "entered_in_error")


async def rows_of(clinical: FastAPI, patient_id: object) -> dict[str, int]:
    count = clinical.state.database.value
    where = "WHERE site_id = $1 AND patient_id = $2"
    return {table: await count(f"SELECT count(*) FROM {table} {where}", SITE, patient_id) for table in TABLES}


async def test_of_an_erased_patient_nothing_is_left_and_nothing_more_is_written(
    clinical: FastAPI, system: httpx.AsyncClient
) -> None:
    for path, body in EACH:
        own, another = await recorded(system, path, body), await recorded(system, path, body, NEIGHBOUR)
    await mark(system, path, own)
    await mark(system, path, another, patient_id=str(NEIGHBOUR))
    await arrive(clinical, SUBSCRIPTION, an_event(an_erasure()))
    await arrive(clinical, SUBSCRIPTION, an_event(an_enrollment(), sequence=2))
    assert await rows_of(clinical, PATIENT) == dict.fromkeys(TABLES, 0)
    assert await rows_of(clinical, NEIGHBOUR) == dict.fromkeys(TABLES, 1)
    for path, body in EACH:
        refused = await post(system, path, body)
        assert (refused.status_code, refused.json()["type"]) == (410, "urn:samepage:problem:erased"), path
    assert len(await published(clinical)) == 2 * len(EACH) + 2, "the log keeps its events"


async def test_a_step_of_a_patient_whose_key_is_gone_is_refused_before_the_event_has_come(
    clinical: FastAPI, system: httpx.AsyncClient, ring: KeyRing
) -> None:
    erasure = an_erasure()
    await ring.erase(Patient(SITE, PATIENT), erasure.reason, erasure.erased_at)
    refused = await post(system, "plans", STEP)
    assert (refused.status_code, refused.json()["type"]) == (410, "urn:samepage:problem:erased")
    assert await published(clinical) == []


async def test_erasing_waits_for_a_write_that_is_under_way(clinical: FastAPI, system: httpx.AsyncClient) -> None:
    async def erase() -> None:
        async with open_pool(clinical.state.database.worker, size=1) as pool, transaction(pool) as connection:
            await apply(connection, [an_event(an_erasure())])

    answers: list[Any] = await asyncio.gather(*(post(system, "labs", LAB) for _ in range(10)), erase())
    assert {answer.status_code for answer in answers[:-1]} <= {201, 410}
    assert await rows_of(clinical, PATIENT) == dict.fromkeys(TABLES, 0)


async def test_without_the_key_ring_steps_are_refused_and_all_else_is_recorded(
    clinical: FastAPI, system: httpx.AsyncClient, keyring_of: KeyRings
) -> None:
    async with away(keyring_of):
        refused = await post(system, "plans", [STEP, STEP])
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:samepage:problem:no-keys")
        assert (await rows_of(clinical, PATIENT))["plan_step"] == 0
        await recorded(system, "labs", LAB)
