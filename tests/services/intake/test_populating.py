"""A form that is begun for somebody: with what they said last and what is known, for their eyes and their clinic's."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.intake.domain.questionnaires import extensions as known
from tests.conftest import Tokens, client_of, new_key
from tests.questionnaires import SYSTEM, URL, Json, asking, extension, group, option, questionnaire
from tests.services.clinic import Clinic, clinic_of
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.test_own_forms import bring, retire
from tests.services.trails import trail

AGAIN = extension(known.FROM_LAST, valueBoolean=True)
BORN = extension(
    known.INITIAL_EXPRESSION,
    valueExpression={"language": "text/fhirpath", "expression": "%patient.birthDate.toString()"},
)
YOUNG = extension(
    known.OBSERVATION_LINK_PERIOD, valueDuration={"value": 100, "code": "a", "system": "http://unitsofmeasure.org"}
)
WEIGHT: Json = {"system": "http://loinc.org", "code": "29463-7"}
LAUNCHED = extension(
    known.LAUNCH_CONTEXT,
    extension=[extension("name", valueCoding={"code": "patient"}), extension("type", valueCode="Patient")],
)
FORM = questionnaire(
    group(
        "g",
        asking("foods", "choice", AGAIN, repeats=True, answerOption=[option("milk"), option("nuts")]),
        asking("note", "text", AGAIN),
        asking("matters_most", "text", AGAIN),
        asking("today", "text"),
        asking("born", "string", BORN),
        asking("weight", "decimal", YOUNG, code=[WEIGHT]),
    ),
    extension=[LAUNCHED],
)


async def populate(client: httpx.AsyncClient, form_id: str, patient: str, visit: str, **more: Any) -> httpx.Response:
    about = {"patient_id": patient, "visit_id": visit}
    return await client.post(f"/v1/forms/{form_id}/populate", params=about, json=more or None)


async def answered(clinic: Clinic, **changes: Any) -> tuple[str, str]:
    """A patient who answered the form at an earlier visit, and the next visit."""
    patient_id = await clinic.enrol(identifier=uuid4().hex)
    answers = {"foods": ["nuts"], "note": "Tea (synthetic)", "matters_most": "Sleep (synthetic)", "today": "Tired"}
    body = {
        "patient_id": patient_id,
        "visit_id": await clinic.visit(patient_id),
        "form": f"{URL}|1.0",
        "answers": answers,
    }
    answer = await clinic.system.post("/v1/surveys", json=body | changes, headers=new_key())
    assert answer.status_code == 201, answer.text
    return patient_id, await clinic.visit(patient_id, days=30)


def filled(response: Json) -> Json:
    (inside,) = response.get("item", [{"item": []}])
    return {item["linkId"]: [next(iter(one.values())) for one in item["answer"]] for item in inside["item"]}


async def test_a_response_begins_with_the_last_answers_and_what_is_known(clinic: Clinic) -> None:
    await bring(clinic, FORM)
    patient, visit = await answered(clinic)
    newer = await bring(clinic, FORM | {"version": "2.0"})
    weighed = {
        "resourceType": "Observation",
        "code": {"coding": [WEIGHT]},
        "effectiveDateTime": "2026-03-01",
        "valueQuantity": {"value": 61.5},
    }
    answer = await populate(clinic.system, newer, patient, visit, resources=[weighed])
    assert answer.status_code == 200, answer.text
    response = answer.json()
    assert {name: response[name] for name in ("status", "questionnaire", "subject", "encounter")} == {
        "status": "in-progress",
        "questionnaire": f"{URL}|2.0",
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{visit}"},
    }
    assert filled(response) == {
        "foods": [{"system": SYSTEM, "code": "nuts", "display": "Nuts"}],
        "note": ["Tea (synthetic)"],
        "matters_most": ["Sleep (synthetic)"],
        "born": ["1984"],
        "weight": [61.5],
    }


async def test_who_answered_nothing_yet_begins_with_what_is_known_alone(clinic: Clinic) -> None:
    form_id = await bring(clinic, FORM)
    patient = await clinic.enrol()
    answer = await populate(clinic.system, form_id, patient, await clinic.visit(patient))
    assert filled(answer.json()) == {"born": ["1984"]}


async def test_shipped_forms_are_begun_too(clinic: Clinic) -> None:
    patient = await clinic.enrol()
    shipped = (await clinic.system.get("/v1/forms")).json()["items"][0]["id"]
    answer = await populate(clinic.system, shipped, patient, await clinic.visit(patient))
    assert (answer.status_code, answer.json()["status"]) == (200, "in-progress")


async def test_the_care_team_and_the_patient_may_and_it_is_on_record_first(clinic: Clinic, token: Tokens) -> None:
    form_id = await bring(clinic, FORM)
    patient, visit = await answered(clinic)
    for role, status in (("clinician", 200), ("coordinator", 200), ("operator", 403)):
        async with client_of(clinic.intake, token(role, [SITE])) as client:
            assert (await populate(client, form_id, patient, visit)).status_code == status
    async with client_of(clinic.intake, token("patient", [SITE], patient_id=UUID(patient))) as own:
        assert "note" in filled((await populate(own, form_id, patient, visit)).json())
    async with client_of(clinic.intake, token("patient", [SITE], patient_id=uuid4())) as another:
        assert (await populate(another, form_id, patient, visit)).status_code == 404
    rows = await trail(clinic.intake, route="populate_form")
    assert [(row["kind"], row["role"]) for row in rows if row["kind"] == "read"] == [
        ("read", role) for role in ("clinician", "coordinator", "patient")
    ]
    assert {row["patient_id"] for row in rows if row["kind"] == "read"} == {UUID(patient)}


async def test_another_sites_form_patient_and_visit_are_unknown(clinic: Clinic, token: Tokens) -> None:
    form_id = await bring(clinic, FORM)
    patient, visit = await answered(clinic)
    async with clinic_of(clinic.intake, token, OTHER) as other:
        theirs = await bring(other, FORM)
        assert (await populate(other.system, theirs, patient, visit)).status_code == 404
        assert (await populate(clinic.system, theirs, patient, visit)).status_code == 404
    neighbour = await clinic.enrol(identifier="MRN-9")
    assert (await populate(clinic.system, form_id, neighbour, visit)).status_code == 404
    await retire(clinic, form_id)
    assert (await populate(clinic.system, form_id, patient, visit)).status_code == 200, "for a correction"


@pytest.mark.parametrize("resources", [["Patient"], [5], {}, [{}] * 201])
async def test_what_are_no_resources_is_refused(clinic: Clinic, resources: object) -> None:
    form_id = await bring(clinic, FORM)
    patient = await clinic.enrol()
    answer = await populate(clinic.system, form_id, patient, await clinic.visit(patient), resources=resources)
    assert answer.status_code == 422


async def test_resources_that_make_no_sense_fill_nothing(clinic: Clinic) -> None:
    form_id = await bring(clinic, FORM)
    patient = await clinic.enrol()
    odd: list[Json] = [{}, {"resourceType": 5}, {"resourceType": "Observation", "code": [], "valueQuantity": 5}]
    odd += [{"resourceType": "Bundle", "entry": [5, {"resource": {"resourceType": "Patient", "birthDate": []}}]}]
    answer = await populate(clinic.system, form_id, patient, await clinic.visit(patient), resources=odd)
    assert (answer.status_code, filled(answer.json())) == (200, {"born": ["1984"]})
