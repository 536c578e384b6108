"""One valid write of each kind, and how it is sent. Everything here is synthetic."""

from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from shared.events import ClinicianDataUpdated
from tests.builders import CLINICIAN, PATIENT, VISIT, an_id
from tests.conftest import new_key
from tests.services.streams import published

OTHER_SITE = "lakeside"
NEIGHBOUR = an_id("another patient of the same site")
STRANGER = an_id("a patient of another site")

Item = dict[str, Any]
ASSESSMENT: Item = {"clinician_id": CLINICIAN, "activity": "mild", "visit_id": str(VISIT)}
LAB: Item = {"loinc": "1988-5", "value": 0.6, "unit": "mg/dL", "taken_at": "2026-10-07T09:00:00-05:00"}
MEDICINE: Item = {
    "name": "Adalimumab",
    "dose": "40 mg every 2 weeks",
    "route": "subcutaneous",
    "started_on": "2025-11-03",
}
STEP: Item = {"what": "Ask the insurer about the co-pay", "who": "nurse", "due_on": "2026-10-16"}
EACH = [("assessments", ASSESSMENT), ("labs", LAB), ("medications", MEDICINE), ("plans", STEP)]


async def post(
    client: httpx.AsyncClient, path: str, body: Item | list[Item], patient_id: UUID = PATIENT
) -> httpx.Response:
    """Post one item or many about this patient, where an item names no other."""
    about = {"patient_id": str(patient_id)}
    items = [about | item for item in body] if isinstance(body, list) else about | body
    return await client.post(f"/v1/{path}", json=items, headers=new_key())


async def recorded(client: httpx.AsyncClient, path: str, body: Item, patient_id: UUID = PATIENT) -> str:
    """Post one item that is taken; its id."""
    answer = await post(client, path, body, patient_id)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def mark(
    client: httpx.AsyncClient, path: str, fact_id: object, *, key: dict[str, str] | None = None, **said: object
) -> httpx.Response:
    """Say that a fact of this patient was entered in error, of another one where that is said."""
    body = {"patient_id": str(PATIENT), "reason": "wrong-patient"} | said
    return await client.post(f"/v1/{path}/{fact_id}/entered-in-error", json=body, headers=key or new_key())


async def updates(application: FastAPI) -> list[ClinicianDataUpdated]:
    """What clinical has published, in order."""
    return [event.body for event in await published(application) if isinstance(event.body, ClinicianDataUpdated)]


async def changes(application: FastAPI) -> list[Item]:
    """The changes that clinical has published, in order, as their members."""
    return [update.change.model_dump() for update in await updates(application)]


def refused(answer: httpx.Response) -> dict[str, str]:
    """The bad fields of a refusal and what was expected there."""
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["expected"] for error in answer.json()["errors"]}
