"""What all of clinical's routes share: who may write, about whom, how often, and in what order with Kafka."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.clinical.worker import SUBSCRIPTION
from tests.builders import PATIENT, SITE, an_enrollment, an_event
from tests.conftest import Tokens, client_of, new_key
from tests.services.clinical.writes import (
    ASSESSMENT,
    EACH,
    LAB,
    NEIGHBOUR,
    STEP,
    STRANGER,
    Item,
    changes,
    post,
    recorded,
    refused,
    updates,
)
from tests.services.streams import arrive


@pytest.mark.parametrize(("path", "body"), EACH)
async def test_a_patient_of_another_site_is_as_unknown_as_one_that_does_not_exist(
    clinical: FastAPI, system: httpx.AsyncClient, path: str, body: Item
) -> None:
    strange, absent = await post(system, path, body, STRANGER), await post(system, path, body, uuid4())
    assert strange.status_code == absent.status_code == 404
    assert strange.json() == absent.json()
    assert await updates(clinical) == []


@pytest.mark.parametrize(
    ("path", "body", "own_id"),
    [
        (path, body, name)
        for (path, body), name in zip(EACH, ("assessment_id", "lab_id", "medication_id", "step_id"), strict=True)
    ],
)
async def test_nothing_of_one_patient_can_be_changed_as_another_ones(
    clinical: FastAPI, system: httpx.AsyncClient, path: str, body: Item, own_id: str
) -> None:
    thing_id = await recorded(system, path, body, NEIGHBOUR)
    assert (await post(system, path, body | {own_id: thing_id}, PATIENT)).status_code == 404
    assert (await post(system, path, body | {own_id: str(uuid4())}, NEIGHBOUR)).status_code == 404
    assert len(await updates(clinical)) == 1


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("clinician", {"assessments", "labs", "medications", "plans"}),
        ("system", {"assessments", "labs", "medications", "plans"}),
        ("coordinator", {"labs", "medications", "plans"}),
        ("operator", set()),
        ("patient", set()),
    ],
)
async def test_each_role_may_write_what_is_its_own(
    clinical: FastAPI, token: Tokens, role: str, allowed: set[str]
) -> None:
    bearer = token(role, [SITE], patient_id=PATIENT if role == "patient" else None)
    async with client_of(clinical, bearer) as client:
        statuses = {path: (await post(client, path, body)).status_code for path, body in EACH}
    assert statuses == {path: 201 if path in allowed else 403 for path, _ in EACH}


async def test_in_a_batch_each_item_has_its_own_result(clinical: FastAPI, system: httpx.AsyncClient) -> None:
    items = [
        LAB,
        LAB | {"unit": "oz"},
        LAB | {"patient_id": str(STRANGER)},
        LAB | {"method": ""},
        {"loinc": "1988-5"},
        LAB | {"value": 0.9},
    ]
    answer = await post(system, "labs", items)
    assert answer.status_code == 200
    assert [item["status"] for item in answer.json()["items"]] == [201, 422, 404, 422, 422, 201]
    assert [change["value"] for change in await changes(clinical)] == [6.0, 9.0]


@pytest.mark.parametrize(("path", "body"), EACH)
async def test_a_repeated_key_writes_once_and_a_missing_one_is_refused(
    clinical: FastAPI, system: httpx.AsyncClient, path: str, body: Item
) -> None:
    item, key = {"patient_id": str(PATIENT)} | body, new_key()
    first, again = [await system.post(f"/v1/{path}", json=item, headers=key) for _ in range(2)]
    assert (again.status_code, again.content) == (201, first.content)
    assert (await system.post(f"/v1/{path}", json=item)).status_code == 422
    assert len(await updates(clinical)) == 1


async def test_a_write_waits_for_an_enrolment_that_is_still_on_its_way(
    clinical: FastAPI, system: httpx.AsyncClient
) -> None:
    newcomer = uuid4()
    enrolment = an_event(an_enrollment(patient_id=newcomer), event_id=uuid4())
    body = LAB | {"patient_id": str(newcomer)}
    assert (await post(system, "labs", body)).status_code == 404
    query = {"wait_for": str(enrolment.event_id)}
    waiting = asyncio.create_task(system.post("/v1/labs", json=body, params=query, headers=new_key()))
    answered, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not answered
    await arrive(clinical, SUBSCRIPTION, enrolment)
    assert (await waiting).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [("assessments", ASSESSMENT, "assessed_at"), ("labs", LAB, "taken_at"), ("plans", STEP, "agreed_at")],
)
async def test_what_is_still_to_come_is_not_recorded(
    clinical: FastAPI, system: httpx.AsyncClient, path: str, body: Item, field: str
) -> None:
    answer = await post(system, path, body | {field: "2126-10-07T09:00:00Z"})
    assert list(refused(answer)) == [field]
    assert await updates(clinical) == []
