"""Surveys that come as FHIR: the same survey as in plain JSON, and every mistake named by its question."""

from typing import Any

import httpx
import pytest

from services.intake.domain.questionnaires import Given, to_response
from shared.events import SkipReason, SurveyCompleted
from tests.conftest import new_key
from tests.services.clinic import Clinic
from tests.services.streams import published
from tests.survey import CROHNS, answers_to, survey_of

Json = dict[str, Any]
SKIPPED = {"concern_1_topic": SkipReason.PREFER_NOT_TO_SAY, "fatigue": SkipReason.DO_NOT_KNOW}


def response_for(patient: str, visit: str, **changes: Any) -> Json:
    """A QuestionnaireResponse of a person with Crohn's disease."""
    answers = {item: answer for item, answer in answers_to(CROHNS).items() if item != "fatigue"}
    given = Given.of_plain(answers | {"matters_most": "My wedding in May"}, SKIPPED)
    return {
        **to_response(CROHNS.definition, given),
        "status": "completed",
        "language": "es-MX",
        "authored": "2026-10-11T18:04:00Z",
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{visit}"},
        **changes,
    }


async def send(clinic: Clinic, body: object, **headers: str) -> httpx.Response:
    return await clinic.system.post("/v1/fhir/surveys", json=body, headers={**new_key(), **headers})


async def expected(clinic: Clinic) -> tuple[str, str]:
    """A patient and the visit that is to be answered for."""
    patient_id = await clinic.enrol()
    return patient_id, await clinic.visit(patient_id)


async def surveys_of(clinic: Clinic) -> list[SurveyCompleted]:
    return [event.body for event in await published(clinic.intake) if isinstance(event.body, SurveyCompleted)]


async def test_a_response_becomes_the_survey_that_plain_answers_become(clinic: Clinic) -> None:
    answer = await send(clinic, response_for(*await expected(clinic)))
    assert answer.status_code == 201, answer.text
    other = await clinic.enrol(identifier="MRN-2")
    plain = survey_of(
        other, await clinic.visit(other), language="es", matters_most="My wedding in May", skipped=SKIPPED
    )
    del plain["answers"]["fatigue"]
    await clinic.system.post("/v1/surveys", json=plain, headers=new_key())
    fhir, by_hand = await surveys_of(clinic)
    same = {"form", "language", "answers", "skipped", "scores", "mode", "change"}
    assert fhir.model_dump(include=same) == by_hand.model_dump(include=same)
    assert fhir.matters_most is not None
    assert fhir.submitted_at.isoformat() == "2026-10-11T18:04:00+00:00"


async def test_a_shipped_form_is_named_by_its_address_and_version_as_the_list_of_forms_and_fhir_do(
    clinic: Clinic,
) -> None:
    body = survey_of(*await expected(clinic)) | {"form": CROHNS.definition.key}
    answer = await clinic.system.post("/v1/surveys", json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    assert [survey.form for survey in await surveys_of(clinic)] == [CROHNS.key]
    asked = {"kind": "answers", "form": CROHNS.definition.key}
    template = await clinic.system.get("/v1/import-template", params=asked)
    assert (template.status_code, "answers.well_being" in template.text) == (200, True)


@pytest.mark.parametrize(
    "encounter",
    [
        {"identifier": {"value": "A-1"}},
        {"identifier": {"system": "urn:example:visits", "value": "V-1"}},
        {"reference": "Appointment/6f2d6b1e-0a52-4c2c-9f55-0d3a1c5f7a10"},
        {"reference": "https://ehr.example/fhir/Appointment/6f2d6b1e-0a52-4c2c-9f55-0d3a1c5f7a10/_history/2"},
    ],
)
async def test_the_sites_own_names_lead_to_patient_and_visit(clinic: Clinic, encounter: Json) -> None:
    await clinic.enrol(identifier="MRN-7")
    appointment = {
        "resourceType": "Appointment",
        "id": "6f2d6b1e-0a52-4c2c-9f55-0d3a1c5f7a10",
        "identifier": [{"value": "A-1"}, {"system": "urn:example:visits", "value": "V-1"}],
        "meta": {"lastUpdated": "2026-10-01T09:00:00Z"},
        "status": "booked",
        "start": "2026-10-13T10:20:00-05:00",
        "participant": [
            {"actor": {"identifier": {"value": "MRN-7"}, "type": "Patient"}},
            {"actor": {"reference": "Practitioner/dr-1"}},
        ],
    }
    booked = await clinic.system.post("/v1/fhir/visits", json=appointment, headers=new_key())
    assert booked.status_code == 200, booked.text
    response = response_for("x", "x", subject={"identifier": {"value": "MRN-7"}}, encounter=encounter)
    answer = await send(clinic, response)
    assert answer.status_code == 201, answer.text
    (survey,) = await surveys_of(clinic)
    assert str(survey.visit_id) == booked.json()["id"]


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ({}, "self"),
        ({"source": {"reference": "Patient/77"}, "author": {"reference": "Practitioner/5"}}, "self"),
        ({"author": {"reference": "Device/1"}}, "self"),
        ({"author": {"reference": "PractitionerRole/5"}}, "self"),
        ({"source": {"reference": "RelatedPerson/3"}}, "proxy"),
        ({"source": {"reference": "https://ehr.example/fhir/RelatedPerson/3/_history/2"}}, "proxy"),
        ({"source": {"type": "RelatedPerson", "display": "Her mother (synthetic)"}}, "proxy"),
        ({"source": {"reference": "#m"}, "contained": [{"resourceType": "RelatedPerson", "id": "m"}]}, "proxy"),
        ({"source": {"reference": "#p"}, "contained": [{"resourceType": "Patient", "id": "p"}]}, "self"),
        ({"author": {"reference": "RelatedPerson/3"}}, "proxy"),
        ({"source": {"reference": "RelatedPerson/3"}, "author": {"reference": "Practitioner/5"}}, "proxy"),
        ({"source": {"reference": "Practitioner/5"}, "author": {"reference": "Practitioner/5"}}, "proxy"),
        ({"source": "Patient/77", "author": {"reference": ["RelatedPerson/3"], "type": {}}, "contained": [5]}, "self"),
    ],
)
async def test_who_answered_for_the_patient_is_recorded_as_somebody_else(clinic: Clinic, said: Json, mode: str) -> None:
    answer = await send(clinic, response_for(*await expected(clinic), **said))
    assert answer.status_code == 201, answer.text
    (survey,) = await surveys_of(clinic)
    assert survey.mode == mode


async def test_a_name_that_no_visit_has_leads_to_none(clinic: Clinic) -> None:
    patient_id, _ = await expected(clinic)
    answer = await send(clinic, response_for(patient_id, "x", encounter={"identifier": {"value": "A-9"}}))
    assert answer.status_code == 404


async def test_each_mistake_is_an_issue_of_an_operation_outcome_for_its_link_id(clinic: Clinic) -> None:
    response = response_for(*await expected(clinic))
    _item(response, "abdominal_pain")["answer"] = [{"valueDecimal": 9}]
    _item(response, "opioid_use")["answer"] = [{"valueString": "perhaps"}]
    answer = await send(clinic, response, accept="application/fhir+json")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/fhir+json"
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert {issue["diagnostics"] for issue in outcome["issue"]} == {"linkId abdominal_pain", "linkId opioid_use"}
    assert await surveys_of(clinic) == []


async def test_a_question_that_was_left_out_is_named(clinic: Clinic) -> None:
    response = response_for(*await expected(clinic))
    _item(response, "well_being").pop("answer")
    answer = await send(clinic, response)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["answers.well_being"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"status": "in-progress"}, "status"),
        ({"questionnaire": "https://example.org/other"}, "questionnaire"),
        ({"subject": None}, "subject"),
        ({"encounter": {"display": "Tuesday"}}, "encounter"),
        ({"authored": 5}, "authored"),
    ],
)
async def test_what_a_response_lacks_is_said(clinic: Clinic, change: Json, field: str) -> None:
    answer = await send(clinic, response_for(*await expected(clinic), **change))
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]


async def test_what_is_no_answer_is_named_by_its_place_in_the_response(clinic: Clinic) -> None:
    response = response_for(*await expected(clinic), status="in-progress")
    answer = await send(clinic, response, accept="application/fhir+json")
    assert answer.status_code == 422, answer.text
    (issue,) = answer.json()["issue"]
    assert (issue["expression"], "diagnostics" in issue) == (["QuestionnaireResponse.status"], False)


async def test_a_bad_line_of_many_does_not_spoil_the_others(clinic: Clinic) -> None:
    good = response_for(*await expected(clinic))
    bundle = {"resourceType": "Bundle", "entry": [{"resource": good}, {"resource": {**good, "status": "stopped"}}]}
    answer = await send(clinic, bundle)
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (200, 1, 1)


async def test_a_patient_of_another_site_is_unknown(clinic: Clinic) -> None:
    _, visit_id = await expected(clinic)
    answer = await send(clinic, response_for("0b7c6a54-6a39-4c1f-9d55-2f6a52c0f999", visit_id))
    assert answer.status_code == 404


def _item(response: Json, link_id: str) -> Json:
    """The item of a response, however deep it stands."""
    waiting: list[Json] = list(response["item"])
    while waiting:
        item = waiting.pop()
        if item["linkId"] == link_id:
            return item
        waiting += item.get("item", [])
    raise LookupError(link_id)
