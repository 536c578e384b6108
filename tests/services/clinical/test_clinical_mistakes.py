"""Facts that should never have been recorded: marked once, told, kept as they stood, and corrected no more."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.keyring import KeyRing
from shared.sealing import Patient, in_event
from tests.builders import PATIENT, SITE, an_id
from tests.conftest import KeyRings, Tokens, client_of, new_key
from tests.services.clinical.writes import (
    ASSESSMENT,
    EACH,
    LAB,
    MEDICINE,
    NEIGHBOUR,
    OTHER_SITE,
    STEP,
    Item,
    changes,
    mark,
    post,
    recorded,
    updates,
)
from tests.services.rings import away

IDS = {"assessments": "assessment_id", "labs": "lab_id", "medications": "medication_id", "plans": "step_id"}


def kind_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


@pytest.mark.parametrize(("path", "body"), EACH)
async def test_a_fact_is_told_as_it_stood_with_a_mark_and_its_row_stays(
    clinical: FastAPI, system: httpx.AsyncClient, path: str, body: Item
) -> None:
    fact_id = await recorded(system, path, body)
    answer = await mark(system, path, fact_id)
    assert (answer.status_code, answer.json()["id"]) == (201, fact_id)
    before, after = await updates(clinical)
    assert after.effective_at == before.effective_at
    told = before.change.model_dump() | {"entered_in_error": {"reason": "wrong-patient"}}
    assert without_words(after.change.model_dump()) == without_words(told)
    (row,) = await clinical.state.database.rows("SELECT * FROM entered_in_error")
    assert (str(row["fact_id"]), row["patient_id"], row["reason"]) == (fact_id, PATIENT, "wrong-patient")
    assert row["author"] == "system-of-the-demo"


def without_words(change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in change.items() if name != "what"}


async def test_a_medicine_that_was_stopped_is_told_as_of_its_stop(clinical: FastAPI, system: httpx.AsyncClient) -> None:
    stopped = {"stopped_on": "2026-10-13", "stop_reason": "loss-of-response"}
    await mark(system, "medications", await recorded(system, "medications", MEDICINE | stopped))
    before, after = await updates(clinical)
    assert after.effective_at == before.effective_at
    assert after.change.model_dump()["stopped_on"] == before.change.model_dump()["stopped_on"]


async def test_a_step_that_is_taken_back_travels_without_its_words(
    clinical: FastAPI, system: httpx.AsyncClient, ring: KeyRing
) -> None:
    await mark(system, "plans", await recorded(system, "plans", STEP))
    event_id = await clinical.state.database.value("SELECT event_id FROM outbox ORDER BY sequence DESC LIMIT 1")
    opened = (await ring.sealer(Patient(SITE, PATIENT))).open(
        (await changes(clinical))[-1]["what"], in_event(event_id, "change.what")
    )
    assert opened.text == ""


@pytest.mark.parametrize(("path", "body"), EACH)
async def test_what_was_entered_in_error_is_neither_corrected_nor_marked_again(
    clinical: FastAPI, system: httpx.AsyncClient, path: str, body: Item
) -> None:
    fact_id = await recorded(system, path, body)
    await mark(system, path, fact_id)
    assert kind_of(await mark(system, path, fact_id, reason="test-entry")) == (409, "entered-in-error")
    assert kind_of(await post(system, path, body | {IDS[path]: fact_id})) == (409, "entered-in-error")
    assert len(await updates(clinical)) == 2


async def test_a_step_that_was_taken_back_is_not_changed_any_more(system: httpx.AsyncClient) -> None:
    step_id = await recorded(system, "plans", STEP)
    await mark(system, "plans", step_id)
    change = {"patient_id": str(PATIENT), "what": STEP["what"], "is_done": True}
    answer = await system.patch(f"/v1/plans/{step_id}", json=change, headers=new_key())
    assert kind_of(answer) == (409, "entered-in-error")


@pytest.mark.parametrize(("path", "body"), EACH)
async def test_a_fact_of_another_patient_or_site_or_kind_is_as_unknown_as_one_that_does_not_exist(
    clinical: FastAPI, system: httpx.AsyncClient, token: Tokens, path: str, body: Item
) -> None:
    fact_id = await recorded(system, path, body)
    other_kind, other_body = EACH[(EACH.index((path, body)) + 1) % len(EACH)]
    another = await recorded(system, other_kind, other_body)
    async with client_of(clinical, token("system", [OTHER_SITE])) as stranger:
        answers = [
            await mark(system, path, an_id("nothing")),
            await mark(system, path, another),
            await mark(system, path, fact_id, patient_id=str(NEIGHBOUR)),
            await mark(stranger, path, fact_id),
        ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len(await updates(clinical)) == 2
    assert await clinical.state.database.value("SELECT count(*) FROM entered_in_error") == 0


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("clinician", {"assessments", "labs", "medications", "plans"}),
        ("coordinator", {"labs", "medications", "plans"}),
        ("operator", set()),
        ("patient", set()),
    ],
)
async def test_who_may_record_a_fact_may_take_it_back(
    clinical: FastAPI, system: httpx.AsyncClient, token: Tokens, role: str, allowed: set[str]
) -> None:
    facts = {path: await recorded(system, path, body) for path, body in EACH}
    bearer = token(role, [SITE], patient_id=PATIENT if role == "patient" else None)
    async with client_of(clinical, bearer) as client:
        statuses = {path: (await mark(client, path, fact_id)).status_code for path, fact_id in facts.items()}
    assert statuses == {path: 201 if path in allowed else 403 for path in facts}


async def test_a_repeated_key_marks_once(clinical: FastAPI, system: httpx.AsyncClient) -> None:
    lab_id, key = await recorded(system, "labs", LAB), new_key()
    first, again = [await mark(system, "labs", lab_id, key=key) for _ in range(2)]
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (201, first.content, "true")
    assert len(await updates(clinical)) == 2


async def test_of_a_correction_and_a_mark_at_once_none_comes_after_the_mark(
    clinical: FastAPI, system: httpx.AsyncClient
) -> None:
    lab_id = await recorded(system, "labs", LAB)
    corrections = [post(system, "labs", LAB | {"lab_id": lab_id, "value": value}) for value in (0.7, 0.8, 0.9)]
    answers = await asyncio.gather(*corrections, mark(system, "labs", lab_id), mark(system, "labs", lab_id))
    marks = [answer.status_code for answer in answers[3:]]
    assert sorted(marks) == [201, 409]
    assert {answer.status_code for answer in answers[:3]} <= {201, 409}
    assert [change["entered_in_error"] is not None for change in await changes(clinical)][-2:] == [False, True]


async def test_why_is_one_of_the_codes_that_surveys_have(system: httpx.AsyncClient) -> None:
    assessment_id = await recorded(system, "assessments", ASSESSMENT)
    assert (await mark(system, "assessments", assessment_id, reason="oops")).status_code == 422
    assert (await mark(system, "assessments", assessment_id, reason="entry-mistake")).status_code == 201


async def test_without_the_key_ring_a_result_is_taken_back_all_the_same(
    system: httpx.AsyncClient, keyring_of: KeyRings
) -> None:
    lab_id = await recorded(system, "labs", LAB)
    async with away(keyring_of):
        assert (await mark(system, "labs", lab_id)).status_code == 201
