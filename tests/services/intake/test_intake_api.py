"""Intake through its HTTP door, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import URLS, Apps, Tokens, client_of, new_key
from tests.services.clinic import PERSON, SITE_BODY, clinic_of
from tests.survey import CROHNS, answers_to, survey_of

SITE = "site-01"
OTHER = "site-02"
PATIENT = PERSON | {"identifier": "MRN-77"}


@pytest.fixture
async def intake(app: Apps) -> FastAPI:
    return await app("intake")


@pytest.fixture
async def site(intake: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The system of site-01, whose site is known."""
    async with clinic_of(intake, token, SITE) as clinic:
        yield clinic.system


async def enrolled(client: httpx.AsyncClient, **changes: object) -> str:
    answer = await client.post("/v1/patients", json={**PATIENT, **changes}, headers=new_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def scheduled(client: httpx.AsyncClient, patient_id: str) -> str:
    body = {"patient_id": patient_id, "clinician_id": "dr-1", "scheduled_at": "2026-10-13T10:20:00-05:00"}
    answer = await client.post("/v1/visits", json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def outbox(intake: FastAPI) -> list[tuple[str, int]]:
    rows = await intake.state.database.rows("SELECT topic, sequence FROM outbox ORDER BY xid, position")
    return [(row["topic"], row["sequence"]) for row in rows]


async def test_a_survey_is_scored_recorded_and_published_with_its_receipt(
    intake: FastAPI, site: httpx.AsyncClient
) -> None:
    patient_id = await enrolled(site)
    visit_id = await scheduled(site, patient_id)
    body = survey_of(patient_id, visit_id, concerns=[{"topic": "symptoms", "words": "The cramps are back"}])
    answer = await site.post("/v1/surveys", json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    receipt = (await site.get(f"/v1/receipts/{answer.json()['receipt']}")).json()
    assert receipt["topic"] == "survey-completed"
    assert receipt["is_published"] is False
    assert receipt["shown"] == f"{URLS['dashboard']}/v1/arrivals/{receipt['receipt']}"
    assert receipt["counted"] == f"{URLS['analytics']}/v1/arrivals/{receipt['receipt']}"
    value = await intake.state.database.value("SELECT value FROM outbox WHERE topic = 'survey-completed'")
    assert b"cramps" not in value, "words travel sealed"
    assert await outbox(intake) == [
        ("site-updated", 1),
        ("enrollment-updated", 1),
        ("visit-updated", 1),
        ("survey-completed", 1),
    ]


async def test_the_same_key_gives_the_stored_answer_and_writes_nothing(
    intake: FastAPI, site: httpx.AsyncClient
) -> None:
    key = new_key()
    first = await site.post("/v1/patients", json=PATIENT, headers=key)
    again = await site.post("/v1/patients", json=PATIENT, headers=key)
    assert again.status_code == 201
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await outbox(intake)) == 2


async def test_the_same_key_with_another_body_is_a_conflict(site: httpx.AsyncClient) -> None:
    key = new_key()
    await site.post("/v1/patients", json=PATIENT, headers=key)
    answer = await site.post("/v1/patients", json={**PATIENT, "identifier": "MRN-78"}, headers=key)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:samepage:problem:key-reused"


async def test_a_post_without_a_key_is_refused(site: httpx.AsyncClient) -> None:
    answer = await site.post("/v1/patients", json=PATIENT)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].lower().endswith("idempotency-key")


async def test_a_batch_keeps_the_good_items_and_says_what_is_wrong_with_the_others(
    intake: FastAPI, site: httpx.AsyncClient
) -> None:
    good = [{**PATIENT, "identifier": f"MRN-{n}"} for n in range(3)]
    batch = [good[0], {**PATIENT, "birth_year": "soon", "shoe_size": 43}, good[1], good[0], good[2]]
    answer = await site.post("/v1/patients", json=batch, headers=new_key())
    assert answer.status_code == 200
    document = answer.json()
    assert (document["accepted"], document["rejected"]) == (3, 2)
    assert [item["status"] for item in document["items"]] == [201, 422, 201, 409, 201]
    fields = {error["field"] for error in document["items"][1]["problem"]["errors"]}
    assert fields == {"birth_year", "shoe_size"}
    assert "soon" not in answer.text, "a problem does not repeat what was sent"
    assert len(await outbox(intake)) == 4


async def test_a_patient_of_another_site_is_as_unknown_as_one_that_does_not_exist(
    intake: FastAPI, site: httpx.AsyncClient, token: Tokens
) -> None:
    patient_id = await enrolled(site)
    async with client_of(intake, token("system", [OTHER])) as other:
        await other.put(f"/v1/sites/{OTHER}", json=SITE_BODY)
        body = {"patient_id": patient_id, "clinician_id": "dr-1", "scheduled_at": "2026-10-13T10:20:00Z"}
        foreign = await other.post("/v1/visits", json=body, headers=new_key())
        nobody = await other.post("/v1/visits", json={**body, "patient_id": str(uuid4())}, headers=new_key())
    assert foreign.status_code == nobody.status_code == 404
    assert foreign.content == nobody.content


async def test_a_receipt_of_another_site_is_unknown(intake: FastAPI, site: httpx.AsyncClient, token: Tokens) -> None:
    answer = await site.post("/v1/patients", json=PATIENT, headers=new_key())
    async with client_of(intake, token("system", [OTHER])) as other:
        assert (await other.get(f"/v1/receipts/{answer.json()['receipt']}")).status_code == 404


async def test_bad_answers_are_named_one_by_one_and_nothing_is_written(
    intake: FastAPI, site: httpx.AsyncClient
) -> None:
    patient_id = await enrolled(site)
    visit_id = await scheduled(site, patient_id)
    body = survey_of(patient_id, visit_id)
    body["answers"] = {**answers_to(CROHNS), "abdominal_pain": 9, "shoe_size": 43}
    answer = await site.post("/v1/surveys", json=body, headers=new_key())
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"answers.abdominal_pain", "answers.shoe_size"}
    assert ("survey-completed", 1) not in await outbox(intake)


async def test_a_visit_has_one_survey(site: httpx.AsyncClient) -> None:
    patient_id = await enrolled(site)
    visit_id = await scheduled(site, patient_id)
    assert (await site.post("/v1/surveys", json=survey_of(patient_id, visit_id), headers=new_key())).status_code == 201
    again = await site.post("/v1/surveys", json=survey_of(patient_id, visit_id), headers=new_key())
    assert again.status_code == 409
    assert again.json()["type"] == "urn:samepage:problem:already-answered"


async def test_consent_goes_its_way_and_withdrawing_needs_a_reason(site: httpx.AsyncClient) -> None:
    patient_id = await enrolled(site, consent="consented", enrolled_on="2026-01-05")
    path = f"/v1/patients/{patient_id}/consent"
    withdrawn = {"state": "withdrawn", "decided_on": "2026-02-01"}
    assert (await site.post(path, json=withdrawn, headers=new_key())).status_code == 409
    answer = await site.post(path, json={**withdrawn, "reason": "privacy"}, headers=new_key())
    assert answer.status_code == 201, answer.text


async def test_a_visit_is_checked_in_and_completed_and_then_final(intake: FastAPI, site: httpx.AsyncClient) -> None:
    visit_id = await scheduled(site, await enrolled(site))
    for state in ("checked-in", "completed"):
        answer = await site.patch(f"/v1/visits/{visit_id}", json={"state": state})
        assert answer.status_code == 200, answer.text
    assert (await site.patch(f"/v1/visits/{visit_id}", json={"state": "cancelled"})).status_code == 409
    assert [sequence for topic, sequence in await outbox(intake) if topic == "visit-updated"] == [1, 2, 3]


async def test_a_visit_is_given_to_another_clinician_at_its_time(intake: FastAPI, site: httpx.AsyncClient) -> None:
    visit_id = await scheduled(site, await enrolled(site))
    before = (await site.get(f"/v1/visits/{visit_id}")).json()
    answers = [await site.patch(f"/v1/visits/{visit_id}", json={"clinician_id": "dr-2"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert (await site.get(f"/v1/visits/{visit_id}")).json() == before | {"clinician_id": "dr-2"}
    assert [sequence for topic, sequence in await outbox(intake) if topic == "visit-updated"] == [1, 2]


async def test_a_patient_submits_for_themselves_only(intake: FastAPI, site: httpx.AsyncClient, token: Tokens) -> None:
    patient_id = await enrolled(site)
    visit_id = await scheduled(site, patient_id)
    async with client_of(intake, token("patient", [SITE], patient_id=uuid4())) as stranger:
        answer = await stranger.post("/v1/surveys", json=survey_of(patient_id, visit_id), headers=new_key())
        assert answer.status_code == 404
        assert (await stranger.post("/v1/patients", json=PATIENT, headers=new_key())).status_code == 403
    async with client_of(intake, token("patient", [SITE], patient_id=patient_id)) as patient:
        answer = await patient.post("/v1/surveys", json=survey_of(patient_id, visit_id), headers=new_key())
        assert answer.status_code == 201, answer.text


async def test_describing_a_site_as_it_is_publishes_nothing(intake: FastAPI, site: httpx.AsyncClient) -> None:
    again = await site.put(f"/v1/sites/{SITE}", json=SITE_BODY)
    assert again.json()["receipt"] is None
    moved = await site.put(f"/v1/sites/{SITE}", json={**SITE_BODY, "time_zone": "America/Denver"})
    assert moved.json()["receipt"] is not None
    assert await outbox(intake) == [("site-updated", 1), ("site-updated", 2)]
    allowing = {**SITE_BODY, "shows_clinical_to_coordinators": True}
    assert (await site.put(f"/v1/sites/{SITE}", json=allowing)).json()["receipt"] is not None
    assert (await site.put(f"/v1/sites/{SITE}", json=allowing)).json()["receipt"] is None
    assert (await site.put(f"/v1/sites/{SITE}", json=SITE_BODY)).json()["receipt"] is not None
    wrong = await site.put(f"/v1/sites/{SITE}", json={**SITE_BODY, "time_zone": "Mars/Olympus"})
    assert wrong.json()["errors"][0]["field"] == "time_zone"
