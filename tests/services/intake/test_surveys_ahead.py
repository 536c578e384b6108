"""A survey cannot have been answered tomorrow, whichever way it comes in."""

from services.intake.domain.imports import ImportKind, column_names
from tests.conftest import new_key
from tests.services.clinic import Clinic
from tests.services.intake.test_corrections import amended, correct, submitted
from tests.services.intake.test_fhir_surveys import expected, response_for, surveys_of
from tests.services.intake.test_fhir_surveys import send as send_fhir
from tests.services.intake.test_imports import counts, send
from tests.survey import survey_of

AHEAD = "2126-10-11T18:04:00Z"


async def test_not_as_json(clinic: Clinic) -> None:
    patient_and_visit = await expected(clinic)
    for field in ("submitted_at", "started_at"):
        body = survey_of(*patient_and_visit, **{field: AHEAD})
        answer = await clinic.system.post("/v1/surveys", json=body, headers=new_key())
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    assert await surveys_of(clinic) == []


async def test_not_as_fhir(clinic: Clinic) -> None:
    response = response_for(*await expected(clinic), authored=AHEAD)
    answer = await send_fhir(clinic, response, accept="application/fhir+json")
    assert answer.status_code == 422
    assert [issue["expression"] for issue in answer.json()["issue"]] == [["QuestionnaireResponse.authored"]]
    assert await surveys_of(clinic) == []


async def test_not_as_an_amendment(clinic: Clinic) -> None:
    patient_id, visit_id, survey_id = await submitted(clinic)
    answer = await correct(clinic.system, survey_id, "amendments", amended(patient_id, visit_id, submitted_at=AHEAD))
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["submitted_at"])


async def test_not_in_a_file(clinic: Clinic) -> None:
    _, visit_id = await expected(clinic)
    header = ",".join(column_names(ImportKind.ANSWERS)[:3])
    answer = await send(clinic, "answers", f"{header}\nMRN-1,{visit_id},2126-10-11T18:04\n")
    assert counts(answer) == (0, 0, 1)
    assert "submitted_at" in str(answer["wrong"])
