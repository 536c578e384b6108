"""What clinical's writes come to: what is kept, what is published, and what is refused."""

import json
import math
from datetime import UTC, date, datetime
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from shared.clinic_day import clinic_day
from shared.keyring import KeyRing
from shared.sealing import NOT_READABLE_NOW, Patient, in_event, in_record
from tests.builders import PATIENT, SITE, VISIT, an_id
from tests.conftest import new_key
from tests.services.clinical.writes import (
    ASSESSMENT,
    LAB,
    MEDICINE,
    NEIGHBOUR,
    STEP,
    changes,
    post,
    recorded,
    refused,
    updates,
)


async def test_an_assessment_is_published_with_the_time_at_which_it_was_made(
    clinical: FastAPI, system: httpx.AsyncClient
) -> None:
    at = datetime(2026, 10, 13, 13, 55, tzinfo=UTC)
    assessment_id = await recorded(system, "assessments", ASSESSMENT | {"assessed_at": at.isoformat()})
    (event,) = await updates(clinical)
    assert event.effective_at == at
    assert event.change.model_dump(mode="json") == {
        "kind": "assessment",
        "assessment_id": assessment_id,
        "assessed_at": "2026-10-13T13:55:00Z",
        "entered_in_error": None,
        **ASSESSMENT,
    }


async def test_an_assessment_that_is_corrected_keeps_its_time(clinical: FastAPI, system: httpx.AsyncClient) -> None:
    assessment_id = await recorded(system, "assessments", ASSESSMENT)
    await recorded(system, "assessments", ASSESSMENT | {"assessment_id": assessment_id, "activity": "severe"})
    first, second = await updates(clinical)
    assert first.effective_at == second.effective_at
    assert await clinical.state.database.value("SELECT array_agg(activity) FROM assessment") == ["severe"]


async def test_a_result_is_kept_as_reported_and_published_in_the_canonical_unit(
    clinical: FastAPI, system: httpx.AsyncClient
) -> None:
    await recorded(system, "labs", LAB | {"comparator": "<", "reference_high": 0.5})
    (event,) = await updates(clinical)
    assert event.change.model_dump(mode="json", include={"name", "value", "unit", "comparator", "reference_high"}) == {
        "name": "C-reactive protein",
        "value": 6.0,
        "unit": "mg/L",
        "comparator": "<",
        "reference_high": 5.0,
    }
    reported = await clinical.state.database.value(
        "SELECT reported ->> 'value' || ' ' || (reported ->> 'unit') FROM lab"
    )
    assert reported == "0.6 mg/dL"


@pytest.mark.parametrize(
    ("wrong", "field", "expected"),
    [
        ({"unit": "ug/mL"}, "unit", "a UCUM unit accepted for C-reactive protein: mg/L, mg/dL"),
        ({"value": -1}, "value", "a finite number, zero or more"),
        ({"value": True}, "value", "Input should be a valid number"),
        ({"value": "6"}, "value", "Input should be a valid number"),
        ({"reference_low": 9, "reference_high": 5}, "reference_high", "not below reference_low"),
        ({"comparator": "~"}, "comparator", "Input should be '<', '<=', '>' or '>='"),
    ],
)
async def test_a_result_that_would_have_to_be_guessed_is_refused(
    clinical: FastAPI, system: httpx.AsyncClient, wrong: dict[str, object], field: str, expected: str
) -> None:
    assert refused(await post(system, "labs", LAB | wrong)) == {field: expected}
    assert await updates(clinical) == []


async def test_a_value_that_is_not_a_number_of_json_is_refused(clinical: FastAPI, system: httpx.AsyncClient) -> None:
    content = json.dumps({"patient_id": str(PATIENT)} | LAB | {"value": math.nan})
    headers = new_key() | {"content-type": "application/json"}
    answer = await system.post("/v1/labs", content=content, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:samepage:problem:unsound-json")
    assert await updates(clinical) == []


async def test_a_corrected_result_replaces_the_row_and_both_are_published(
    clinical: FastAPI, system: httpx.AsyncClient
) -> None:
    lab_id = await recorded(system, "labs", LAB)
    assert await recorded(system, "labs", LAB | {"lab_id": lab_id, "value": 0.8}) == lab_id
    assert await clinical.state.database.value("SELECT array_agg(value) FROM lab") == [8.0]
    assert [change["value"] for change in await changes(clinical)] == [6.0, 8.0]


async def test_a_medicine_is_recognised_and_later_stopped_for_a_reason(
    clinical: FastAPI, system: httpx.AsyncClient
) -> None:
    medication_id = await recorded(system, "medications", MEDICINE)
    stopped = {"medication_id": medication_id, "stopped_on": "2026-10-13", "stop_reason": "loss-of-response"}
    assert await recorded(system, "medications", MEDICINE | stopped) == medication_id
    started, ended = await updates(clinical)
    assert started.change.model_dump(include={"name", "drug_class", "rxcui", "stopped_on"}) == {
        "name": "adalimumab",
        "drug_class": "anti-tnf",
        "rxcui": "327361",
        "stopped_on": None,
    }
    assert ended.change.model_dump(include={"stopped_on", "stop_reason"}) == {
        "stopped_on": date(2026, 10, 13),
        "stop_reason": "loss-of-response",
    }
    assert (started.effective_at.date(), ended.effective_at.date()) == (date(2025, 11, 3), date(2026, 10, 13))
    assert await clinical.state.database.value("SELECT count(*) FROM medication") == 1


async def test_all_that_is_wrong_with_a_medicine_is_said_at_once(system: httpx.AsyncClient) -> None:
    body = MEDICINE | {"stopped_on": "2025-01-01", "drug_class": "opioid"}
    assert refused(await post(system, "medications", body)).keys() == {"stopped_on", "stop_reason", "drug_class"}


async def test_a_dose_is_an_amount_and_not_a_note(system: httpx.AsyncClient) -> None:
    assert refused(await post(system, "medications", MEDICINE | {"dose": "Ask Maria"})).keys() == {"dose"}


async def test_the_words_of_a_step_are_kept_and_travel_sealed_and_open_in_their_place_only(
    clinical: FastAPI, system: httpx.AsyncClient, ring: KeyRing
) -> None:
    step_id = await recorded(system, "plans", STEP)
    event_id = await clinical.state.database.value("SELECT event_id FROM outbox")
    kept = await clinical.state.database.value("SELECT what FROM plan_step")
    (event,) = await updates(clinical)
    sent = event.change.model_dump()["what"]
    mine, anothers = await ring.sealer(Patient(SITE, PATIENT)), await ring.sealer(Patient(SITE, NEIGHBOUR))
    in_the_event, in_the_row = in_event(event_id, "change.what"), in_record(step_id, "what")
    assert mine.open(sent, in_the_event).text == mine.open(kept, in_the_row).text == STEP["what"]
    for elsewhere in (
        anothers.open(sent, in_the_event),
        mine.open(sent, in_the_row),
        mine.open(kept, in_the_event),
        mine.open(sent, in_event(step_id, "change.what")),
    ):
        assert elsewhere == NOT_READABLE_NOW


async def test_a_step_is_ticked_off_and_keeps_the_day_on_which_it_was_done(
    clinical: FastAPI, system: httpx.AsyncClient
) -> None:
    agreed = {"agreed_at": "2026-10-13T15:40:00Z"}
    step_id = await recorded(system, "plans", STEP | agreed)
    await recorded(system, "plans", STEP | {"step_id": step_id, "is_done": True, "done_on": "2026-10-15"})
    await recorded(system, "plans", STEP | {"step_id": step_id, "is_done": True, "what": "Ask the insurer"})
    await recorded(system, "plans", STEP | {"step_id": step_id})
    steps = await changes(clinical)
    assert [(step["is_done"], step["done_on"]) for step in steps] == [
        (False, None),
        (True, date(2026, 10, 15)),
        (True, date(2026, 10, 15)),
        (False, None),
    ]
    assert {step["agreed_at"] for step in steps} == {datetime(2026, 10, 13, 15, 40, tzinfo=UTC)}


async def test_a_step_that_is_ticked_without_a_day_was_done_on_the_clinics_day_and_not_on_utcs(
    clinical: FastAPI, system: httpx.AsyncClient
) -> None:
    before = clinic_day(datetime.now(UTC))
    await recorded(system, "plans", STEP | {"is_done": True})
    (step,) = await changes(clinical)
    assert before <= step["done_on"] <= clinic_day(datetime.now(UTC))


async def test_a_step_that_is_open_has_no_day_on_which_it_was_done(system: httpx.AsyncClient) -> None:
    assert refused(await post(system, "plans", STEP | {"done_on": "2026-10-15"})).keys() == {"done_on"}


async def test_a_change_of_a_step_leaves_what_it_does_not_name(clinical: FastAPI, system: httpx.AsyncClient) -> None:
    step_id = await recorded(system, "plans", STEP | {"visit_id": str(VISIT)})
    words = {"patient_id": str(PATIENT), "what": STEP["what"]}
    for change in (
        {"who": "front-desk"},
        {"is_done": True, "done_on": "2026-10-14"},
        {"due_on": "2026-12-01"},
        {"is_done": False, "due_on": None},
    ):
        answer = await system.patch(f"/v1/plans/{step_id}", json=words | change, headers=new_key())
        assert answer.status_code == 200, answer.text
    steps = await changes(clinical)
    assert {(step["step_id"], step["visit_id"], step["agreed_at"]) for step in steps} == {
        (UUID(step_id), VISIT, steps[0]["agreed_at"])
    }
    assert [(step["who"], step["due_on"], step["done_on"]) for step in steps] == [
        ("nurse", date(2026, 10, 16), None),
        ("front-desk", date(2026, 10, 16), None),
        ("front-desk", date(2026, 10, 16), date(2026, 10, 14)),
        ("front-desk", date(2026, 12, 1), date(2026, 10, 14)),
        ("front-desk", None, None),
    ]


async def test_a_change_that_is_sent_twice_is_written_once(clinical: FastAPI, system: httpx.AsyncClient) -> None:
    step_id, key = await recorded(system, "plans", STEP), new_key()
    change = {"patient_id": str(PATIENT), "what": "Call the insurer"}
    first, again = [await system.patch(f"/v1/plans/{step_id}", json=change, headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await changes(clinical)) == 2


async def test_a_step_is_changed_with_its_words_and_of_its_patient_only(system: httpx.AsyncClient) -> None:
    step_id = await recorded(system, "plans", STEP)
    whole = {"patient_id": str(PATIENT), "what": "Call", "is_done": True}
    without_words = {name: value for name, value in whole.items() if name != "what"}
    answer = await system.patch(f"/v1/plans/{step_id}", json=without_words, headers=new_key())
    assert refused(answer).keys() == {"what"}
    for path, body in ((step_id, whole | {"patient_id": str(NEIGHBOUR)}), (an_id("no step"), whole)):
        assert (await system.patch(f"/v1/plans/{path}", json=body, headers=new_key())).status_code == 404
