"""Words at rest and erasing a patient, through intake's door, on a real PostgreSQL and key ring."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.intake.api.erasures import finish_erasures
from shared.db import open_pool
from shared.events import ErasureReason, PatientErased, SurveyCompleted
from shared.keyring import KeyRing
from shared.sealing import ERASED, NOT_READABLE_NOW, Patient, in_event, in_record
from tests.conftest import Apps, FreshDatabase, KeyRings, Tokens, client_of, new_key
from tests.services.clinic import PERSON, clinic_of
from tests.services.rings import away
from tests.services.streams import published
from tests.survey import survey_of

SITE = "site-01"
PATIENT = PERSON | {"identifier": "MRN-77"}
SAID = {"concerns": [{"topic": "symptoms", "words": "The cramps are back"}], "matters_most": "Work a full shift"}
TABLES = ("patient", "visit", "visit_link", "survey")


@pytest.fixture
async def intake(app: Apps) -> FastAPI:
    return await app("intake")


@pytest.fixture
async def site(intake: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """A coordinator of site-01, whose site is known."""
    async with clinic_of(intake, token, SITE), client_of(intake, token("coordinator", [SITE])) as client:
        yield client


async def posted(client: httpx.AsyncClient, path: str, body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def enrolled(client: httpx.AsyncClient, identifier: str = "MRN-77") -> tuple[str, str]:
    """A patient with a visit; their ids."""
    patient_id = (await posted(client, "/v1/patients", PATIENT | {"identifier": identifier}))["id"]
    visit = {"patient_id": patient_id, "clinician_id": "dr-1", "scheduled_at": "2026-10-13T10:20:00-05:00"}
    return patient_id, (await posted(client, "/v1/visits", visit))["id"]


async def erasing(client: httpx.AsyncClient, patient_id: str, **changes: str) -> httpx.Response:
    body = {"reason": "patient-request", "confirm_patient_id": patient_id} | changes
    return await client.post(f"/v1/patients/{patient_id}/erasure", json=body, headers=new_key())


async def counts(intake: FastAPI) -> dict[str, int]:
    database: FreshDatabase = intake.state.database
    return {table: await database.value(f"SELECT count(*) FROM {table}") for table in (*TABLES, "erasure", "outbox")}


async def test_words_are_kept_and_travel_sealed_and_open_in_their_place_only(
    intake: FastAPI, site: httpx.AsyncClient, ring: KeyRing
) -> None:
    patient_id, visit_id = await enrolled(site)
    survey_id = (await posted(site, "/v1/surveys", survey_of(patient_id, visit_id, **SAID)))["id"]
    (row,) = await intake.state.database.rows("SELECT response, words FROM survey")
    assert json.loads(row["response"])["concerns"] == [{"topic": "symptoms"}]
    event = (await published(intake))[-1]
    assert isinstance(event.body, SurveyCompleted)
    sent, most = event.body.concerns[0].words, event.body.matters_most
    assert sent is not None
    assert most is not None
    for text in ("cramps", "full shift"):
        assert text not in f"{row['response']}{row['words']}{event.body.model_dump_json()}"
    opens = await ring.opener(Patient(SITE, UUID(patient_id)))
    assert opens(sent, in_event(event.event_id, "concerns.1.words")).text == "The cramps are back"
    assert opens(most, in_event(event.event_id, "matters_most")).text == "Work a full shift"
    assert opens(most, in_event(event.event_id, "concerns.1.words")) == NOT_READABLE_NOW
    kept = json.loads(opens(row["words"], in_record(survey_id, "words")).text or "")
    assert kept == {"concerns.1.words": "The cramps are back", "matters_most": "Work a full shift"}


async def test_without_the_key_ring_words_are_refused_whole_and_the_rest_goes_on(
    intake: FastAPI, site: httpx.AsyncClient, keyring_of: KeyRings
) -> None:
    async with away(keyring_of):
        (first, visit), (second, other) = await enrolled(site), await enrolled(site, "MRN-78")
        before = await counts(intake)
        with_words, without = survey_of(first, visit, **SAID), survey_of(second, other)
        for body in (with_words, [without, with_words]):
            answer = await site.post("/v1/surveys", json=body, headers=new_key())
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:samepage:problem:no-keys")
            assert answer.headers["retry-after"] == "1"
        assert await counts(intake) == before, "nothing is half-written"
        assert await intake.state.database.value("SELECT count(*) FROM idempotency") == 4, "and the refusal is not kept"
        await posted(site, "/v1/surveys", without)


async def test_an_erased_patient_leaves_nothing_but_a_tombstone_and_an_event(
    intake: FastAPI, site: httpx.AsyncClient, ring: KeyRing
) -> None:
    (patient_id, visit_id), (_, another) = await enrolled(site), await enrolled(site, "MRN-78")
    survey = await posted(site, "/v1/surveys", survey_of(patient_id, visit_id, **SAID))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for visit in (visit_id, another):
        await posted(site, f"/v1/visits/{visit}/links", {"expires_at": tomorrow.isoformat()})
    answer = await erasing(site, patient_id)
    assert answer.status_code == 201, answer.text

    left = {"patient": 1, "visit": 1, "visit_link": 1, "survey": 0, "erasure": 1, "outbox": 7}
    assert await counts(intake) == left
    *_, said, erasure = await published(intake)
    assert isinstance(erasure.body, PatientErased)
    assert (str(erasure.body.patient_id), erasure.body.reason) == (patient_id, ErasureReason.PATIENT_REQUEST)
    assert (str(erasure.event_id), erasure.key) == (answer.json()["receipt"], patient_id)
    assert isinstance(said.body, SurveyCompleted)
    opens = await ring.opener(Patient(SITE, UUID(patient_id)))
    assert opens(said.body.matters_most or "", in_event(said.event_id, "matters_most")) == ERASED
    receipt = await site.get(f"/v1/receipts/{survey['receipt']}")
    assert (receipt.status_code, receipt.json()["topic"]) == (200, "survey-completed"), "a receipt has no content"


async def test_erasing_again_changes_nothing(intake: FastAPI, site: httpx.AsyncClient) -> None:
    patient_id, _ = await enrolled(site)
    body, key = {"reason": "legal-order", "confirm_patient_id": patient_id}, new_key()
    path = f"/v1/patients/{patient_id}/erasure"
    first = await site.post(path, json=body, headers=key)
    again = await site.post(path, json=body, headers=key)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    other = await erasing(site, patient_id)
    assert other.json() == {"status": 201, "id": patient_id, "receipt": None}
    assert (await counts(intake))["outbox"] == 4


async def test_nothing_more_is_written_about_an_erased_patient_and_a_person_who_comes_back_is_new(
    site: httpx.AsyncClient,
) -> None:
    patient_id, visit_id = await enrolled(site)
    await erasing(site, patient_id)
    visit = {"patient_id": patient_id, "clinician_id": "dr-1", "scheduled_at": "2026-10-13T10:20:00-05:00"}
    for path, body in (
        ("/v1/surveys", survey_of(patient_id, visit_id, **SAID)),
        ("/v1/visits", visit),
        (f"/v1/patients/{patient_id}/consent", {"state": "consented"}),
    ):
        answer = await site.post(path, json=body, headers=new_key())
        assert (answer.status_code, answer.json()["type"]) == (410, "urn:samepage:problem:erased"), path
    assert (await site.patch(f"/v1/visits/{visit_id}", json={"state": "cancelled"})).status_code == 404
    again, _ = await enrolled(site)
    assert again != patient_id


async def test_erasing_has_to_be_confirmed_and_is_for_the_sites_own_staff(
    intake: FastAPI, site: httpx.AsyncClient, token: Tokens
) -> None:
    patient_id, _ = await enrolled(site)
    before = await counts(intake)
    refused = await erasing(site, patient_id, confirm_patient_id=str(uuid4()))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "confirm_patient_id")
    assert (await erasing(site, patient_id, reason="because Ms. Rowe asked")).status_code == 422
    for role in ("clinician", "operator"):
        async with client_of(intake, token(role, [SITE])) as client:
            assert (await erasing(client, patient_id)).status_code == 403
    async with client_of(intake, token("patient", [SITE], patient_id=UUID(patient_id))) as patient:
        assert (await erasing(patient, patient_id)).status_code == 403
    async with client_of(intake, token("coordinator", ["site-02"])) as stranger:
        foreign, nobody = await erasing(stranger, patient_id), await erasing(stranger, str(uuid4()))
        assert (foreign.status_code, foreign.content) == (404, nobody.content)
    assert await counts(intake) == before


async def test_without_the_key_ring_nobody_is_erased(
    intake: FastAPI, site: httpx.AsyncClient, keyring_of: KeyRings
) -> None:
    async with away(keyring_of):
        patient_id, _ = await enrolled(site)
        before = await counts(intake)
        assert (await erasing(site, patient_id)).status_code == 503
        assert await counts(intake) == before


async def test_an_erasure_that_was_cut_off_after_the_key_was_destroyed_is_finished(
    intake: FastAPI, site: httpx.AsyncClient, ring: KeyRing
) -> None:
    """The same as when the database of intake is restored from a backup that still has the patient."""
    patient_id, visit_id = await enrolled(site)
    await enrolled(site, "MRN-78")
    await posted(site, "/v1/surveys", survey_of(patient_id, visit_id, **SAID))
    await ring.erase(Patient(SITE, UUID(patient_id)), ErasureReason.RETENTION_ENDED, datetime.now(UTC))
    await ring.erase(Patient("site-02", uuid4()), ErasureReason.LEGAL_ORDER, datetime.now(UTC))
    async with open_pool(intake.state.database.worker, size=1) as pool:
        assert await finish_erasures(pool, ring) == 1
        assert await finish_erasures(pool, ring) == 0
    left = {"patient": 1, "visit": 1, "visit_link": 0, "survey": 0, "erasure": 1, "outbox": 7}
    assert await counts(intake) == left
    event = (await published(intake))[-1]
    assert isinstance(event.body, PatientErased)
    assert event.body.reason is ErasureReason.RETENTION_ENDED


async def test_what_a_client_made_its_key_of_is_not_kept(intake: FastAPI, site: httpx.AsyncClient) -> None:
    key = {"idempotency-key": "enrol-MRN-77-again"}
    first = await site.post("/v1/patients", json=PATIENT, headers=key)
    assert (await site.post("/v1/patients", json=PATIENT, headers=key)).content == first.content
    assert (await site.post("/v1/patients", json=PATIENT | {"sex": "male"}, headers=key)).status_code == 409
    kept = await intake.state.database.rows("SELECT t::text FROM idempotency AS t")
    assert kept
    assert "MRN-77" not in str(kept)
