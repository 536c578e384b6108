"""Appointments and encounters of a site's own system through intake's door: any order, any number of times."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.intake.domain import read_visit
from shared.errors import Problem
from tests.conftest import new_key
from tests.services.clinic import Clinic
from tests.survey import survey_of

Json = dict[str, Any]
FHIR, NDJSON = "application/fhir+json", "application/fhir+ndjson"
START, LATER = "2026-10-13T10:20:00-05:00", "2026-10-15T09:00:00-05:00"


def appointment(status: str = "booked", hour: int = 9, **changes: Any) -> Json:
    """An appointment of the patient MRN-1 as its system told of it at this hour of 1 October. Synthetic."""
    return {
        "resourceType": "Appointment",
        "id": "a-1",
        "identifier": [{"system": "urn:synthetic:ehr", "value": "APT-1"}],
        "meta": {"lastUpdated": f"2026-10-01T{hour:02}:00:00Z"},
        "status": status,
        "start": START,
        "end": "2026-10-13T10:50:00-05:00",
        "participant": [
            {"actor": {"type": "Patient", "identifier": {"value": "MRN-1"}}},
            {"actor": {"reference": "Practitioner/dr-1"}},
        ],
        **changes,
    }


def encounter(status: str = "finished", hour: int = 9, **changes: Any) -> Json:
    return {
        "resourceType": "Encounter",
        "id": "e-1",
        "meta": {"lastUpdated": f"2026-10-14T{hour:02}:00:00Z"},
        "status": status,
        "subject": {"type": "Patient", "identifier": {"value": "MRN-1"}},
        "appointment": [{"reference": "https://ehr.example/fhir/Appointment/a-1"}],
        "period": {"start": "2026-10-13T10:31:00-05:00", "end": "2026-10-13T10:58:00-05:00"},
        **changes,
    }


async def tell(clinic: Clinic, *resources: Json, kind: str = FHIR) -> httpx.Response:
    body = "\n".join(json.dumps(one) for one in resources)
    return await clinic.system.post("/v1/fhir/visits", content=body, headers=new_key() | {"content-type": kind})


async def told(clinic: Clinic, resource: Json) -> str:
    answer = await tell(clinic, resource)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def visit(clinic: Clinic, visit_id: str) -> Json:
    answer = await clinic.system.get(f"/v1/visits/{visit_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def events(clinic: Clinic) -> int:
    count: int = await clinic.intake.state.database.value("SELECT count(*) FROM outbox WHERE topic = 'visit-updated'")
    return count


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "scheduled"),
        ("booked", "scheduled"),
        ("arrived", "checked-in"),
        ("checked-in", "checked-in"),
        ("fulfilled", "completed"),
        ("cancelled", "cancelled"),
        ("noshow", "cancelled"),
        ("entered-in-error", "cancelled"),
    ],
)
async def test_an_appointment_is_a_visit_of_the_patient_whom_the_site_calls_so(
    clinic: Clinic, status: str, state: str
) -> None:
    patient_id = await clinic.enrol()
    found = await visit(clinic, await told(clinic, appointment(status)))
    assert (found["patient_id"], found["clinician_id"], found["state"]) == (patient_id, "dr-1", state)
    assert found["cancel_reason"] == {"noshow": "no-show"}.get(status, status if state == "cancelled" else None)


async def test_the_same_news_again_change_nothing(clinic: Clinic) -> None:
    await clinic.enrol()
    first, again = await tell(clinic, appointment()), await tell(clinic, appointment())
    assert again.json() == first.json() | {"receipt": None}
    assert await events(clinic) == 1


async def test_late_news_do_not_put_a_newer_state_back(clinic: Clinic) -> None:
    await clinic.enrol()
    visit_id = await told(clinic, appointment(hour=12, start=LATER))
    assert await told(clinic, appointment(hour=10)) == visit_id
    assert await told(clinic, appointment("cancelled", hour=11)) == visit_id
    found = await visit(clinic, visit_id)
    assert (found["state"], found["scheduled_at"]) == ("scheduled", "2026-10-15T14:00:00Z")
    assert await events(clinic) == 1


async def test_every_order_of_the_same_news_comes_to_the_same_visit(clinic: Clinic) -> None:
    history = [appointment(), appointment(hour=10, start=LATER), appointment("noshow", hour=11)]
    for number, order in enumerate(([0, 1, 2], [2, 1, 0], [1, 2, 0])):
        await clinic.enrol(identifier=f"MRN-{number}")
        whose = [{"actor": {"type": "Patient", "identifier": {"value": f"MRN-{number}"}}}, history[0]["participant"][1]]
        changes: Json = {"participant": whose, "id": f"b-{number}", "identifier": []}
        (visit_id,) = {await told(clinic, history[place] | changes) for place in order}
        found = await visit(clinic, visit_id)
        assert (found["state"], found["cancel_reason"]) == ("cancelled", "no-show")


async def test_what_staff_changed_since_is_not_put_back_by_older_news(clinic: Clinic) -> None:
    await clinic.enrol()
    visit_id = await told(clinic, appointment(start="2126-10-13T10:20:00Z", end="2126-10-13T10:50:00Z"))
    assert (await clinic.system.patch(f"/v1/visits/{visit_id}", json={"state": "cancelled"})).status_code == 200
    await told(clinic, appointment(hour=10, start="2126-10-14T10:20:00Z"))
    assert (await visit(clinic, visit_id))["state"] == "cancelled"


async def test_an_encounter_closes_the_visit_of_its_appointment_and_keeps_the_agreed_time(clinic: Clinic) -> None:
    await clinic.enrol()
    visit_id = await told(clinic, appointment())
    assert await told(clinic, encounter("in-progress", hour=8)) == visit_id
    assert await told(clinic, encounter()) == visit_id
    found = await visit(clinic, visit_id)
    assert found["state"] == "completed"
    assert [found[name] for name in ("scheduled_at", "checked_in_at", "completed_at")] == [
        "2026-10-13T15:20:00Z",
        "2026-10-13T15:31:00Z",
        "2026-10-13T15:58:00Z",
    ]
    assert await told(clinic, encounter(appointment=[])) == visit_id, "it is found by its own name now"


async def test_a_visit_that_was_cancelled_and_takes_place_after_all_is_open_again(clinic: Clinic) -> None:
    await clinic.enrol()
    visit_id = await told(clinic, appointment("cancelled"))
    await told(clinic, appointment("arrived", hour=10))
    found = await visit(clinic, visit_id)
    assert (found["state"], found["cancel_reason"]) == ("checked-in", None)


async def test_a_completed_visit_is_final(clinic: Clinic) -> None:
    await clinic.enrol()
    await told(clinic, appointment("fulfilled"))
    answer = await tell(clinic, appointment("cancelled", hour=10))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:visit-not-allowed")


async def test_lines_have_a_result_each_and_a_bad_one_spoils_none(clinic: Clinic) -> None:
    await clinic.enrol()
    stranger = [{"actor": {"type": "Patient", "identifier": {"value": "MRN-9"}}}]
    other: Json = {"id": "a-2", "identifier": []}
    lines = [appointment(), appointment("waitlist", **other), appointment(**other, participant=stranger)]
    answer = await tell(clinic, *lines, kind=NDJSON)
    assert answer.json()["accepted"] == 1
    assert [item["status"] for item in answer.json()["items"]] == [200, 422, 404]
    assert answer.json()["items"][1]["problem"]["errors"][0]["field"] == "status"
    assert "MRN-9" not in answer.text


async def test_a_bundle_leads_from_its_patients_to_the_sites_numbers(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    numbers: list[Json] = [{"value": "other"}, {"type": {"coding": [{"code": "MR"}]}, "value": "MRN-1"}]
    person = {"resourceType": "Patient", "id": "77", "identifier": numbers}
    booked = appointment(
        participant=[{"actor": {"reference": "Patient/77"}}, {"actor": {"reference": "Practitioner/dr-2"}}]
    )
    bundle = {"resourceType": "Bundle", "entry": [{"resource": booked}, {"resource": person}]}
    (item,) = (await tell(clinic, bundle)).json()["items"]
    assert (await visit(clinic, item["id"]))["patient_id"] == patient_id


async def test_a_visit_does_not_pass_to_another_patient(clinic: Clinic) -> None:
    await clinic.enrol()
    other = await clinic.enrol(identifier="MRN-2")
    await told(clinic, appointment())
    answer = await tell(clinic, appointment(hour=10, participant=[{"actor": {"reference": f"Patient/{other}"}}]))
    assert answer.json()["type"] == "urn:samepage:problem:visit-of-another-patient"


async def test_what_the_site_calls_patients_and_visits_is_kept_in_hashes_and_goes_with_the_patient(
    clinic: Clinic,
) -> None:
    patient_id = await clinic.enrol()
    await told(clinic, appointment())
    database = clinic.intake.state.database
    kept = [bytes(row["name_hash"]) for row in await database.rows("SELECT name_hash FROM visit_name")]
    assert [len(one) for one in kept] == [32, 32, 32], "its number, that behind its system, and the address"
    body = {"reason": "patient-request", "confirm_patient_id": patient_id}
    erasing = await clinic.system.post(f"/v1/patients/{patient_id}/erasure", json=body, headers=new_key())
    assert erasing.status_code == 201
    assert await database.value("SELECT count(*) FROM visit_name") == 0


async def test_a_survey_that_counted_may_not_any_more_when_the_visit_moves(clinic: Clinic) -> None:
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id, days=3)
    assert (await visit(clinic, visit_id))["survey"] is None
    answer = await clinic.system.post("/v1/surveys", json=survey_of(patient_id, visit_id), headers=new_key())
    assert answer.status_code == 201, answer.text
    assert (await visit(clinic, visit_id))["survey"]["standing"] == "counts"
    moved = {"scheduled_at": "2126-10-13T10:20:00Z"}
    assert (await clinic.system.patch(f"/v1/visits/{visit_id}", json=moved)).status_code == 200
    assert (await visit(clinic, visit_id))["survey"]["standing"] == "too-early"


async def test_news_from_a_clock_that_is_ahead_keeps_out_no_later_news(clinic: Clinic) -> None:
    await clinic.enrol()
    ahead = await tell(clinic, appointment(meta={"lastUpdated": "2126-10-01T09:00:00Z"}))
    assert (ahead.status_code, ahead.json()["errors"][0]["field"]) == (422, "meta")
    assert await told(clinic, appointment())
    begun, later = "2026-10-13T10:31:00-05:00", "2126-10-13T10:31:00-05:00"
    for status, period in (("finished", {"start": begun, "end": later}), ("in-progress", {"start": later})):
        ahead = await tell(clinic, encounter(status, period=period))
        assert (ahead.status_code, ahead.json()["errors"][0]["field"]) == (422, "period")
    assert await told(clinic, encounter())


async def test_nobody_has_come_or_gone_in_the_future(clinic: Clinic) -> None:
    visit_id = await clinic.visit(await clinic.enrol(), days=3)
    later = "2126-10-13T10:20:00Z"
    for change in ({"state": "checked-in", "checked_in_at": later}, {"state": "completed", "completed_at": later}):
        refused = await clinic.system.patch(f"/v1/visits/{visit_id}", json=change)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, [*change][1])
    assert (await visit(clinic, visit_id))["state"] == "scheduled"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": "proposed"}, "status"),
        ({"status": 5}, "status"),
        ({"meta": {}}, "meta"),
        ({"meta": {"lastUpdated": "2026-10-01"}}, "meta"),
        ({"start": "2026-10-13T10:20:00"}, "start"),
        ({"start": None}, "start"),
        ({"end": "soon"}, "end"),
        ({"participant": []}, "participant"),
        ({"participant": [{"actor": {"reference": "Patient/MRN-1"}}]}, "participant"),
        ({"id": None, "identifier": [{"system": "urn:synthetic:ehr"}]}, "identifier"),
    ],
)
def test_a_part_that_is_missing_or_not_understood_is_named(changes: Json, field: str) -> None:
    with pytest.raises(Problem) as refused:
        read_visit(appointment(**changes))
    assert [error.field for error in refused.value.errors] == [field]


def test_a_reference_with_an_address_and_a_version_is_one_to_the_same_patient() -> None:
    patient_id = uuid4()
    whose = [{"actor": {"reference": f"https://ehr.example/fhir/Patient/{patient_id}/_history/3"}}]
    assert read_visit(appointment(participant=whose)).patient == patient_id
