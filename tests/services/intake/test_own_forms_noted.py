"""What is said of answers beside taking or refusing them: what was not asked, what the form warns of, and which kind of
mistake it was."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.intake.domain.questionnaires import extensions as known
from tests.conftest import Tokens, client_of, new_key
from tests.questionnaires import Json, answered, asking, constraint, extension, questionnaire, response, when
from tests.services.clinic import Clinic
from tests.services.intake.conftest import SITE
from tests.services.intake.test_own_forms import bring, told

NAME = "https://samepage.example/fhir/Questionnaire/test|1.0"
FORM = questionnaire(
    asking("milk", "boolean"),
    asking(
        "cups",
        "integer",
        extension(known.MAX_VALUE, valueInteger=20),
        enableWhen=[when("milk", "=", answerBoolean=True)],
    ),
    asking("age", "integer", constraint("answer.value < 100", "Is the age right?", "warning"), required=True),
    asking("note", "string", maxLength=5),
)
ANSWERS: Json = {"milk": False, "cups": 3, "age": 40}
IN_FHIR = {"milk": "valueBoolean", "cups": "valueInteger", "age": "valueInteger", "note": "valueString"}
DOORS = pytest.mark.parametrize("by_fhir", [False, True], ids=["plain", "fhir"])


async def submit(clinic: Clinic, answers: Json, *, by_fhir: bool, not_shown: str | None = None) -> httpx.Response:
    patient_id = await clinic.enrol(identifier=uuid4().hex)
    visit_id = await clinic.visit(patient_id)
    setting: dict[str, Any] = {} if not_shown is None else {"not_shown": not_shown}
    if not by_fhir:
        body = {"patient_id": patient_id, "visit_id": visit_id, "form": NAME, "answers": answers}
        return await clinic.system.post("/v1/surveys", json=body | setting, headers=new_key())
    items = [answered(link_id, {IN_FHIR[link_id]: value}) for link_id, value in answers.items()]
    whose = {"subject": {"reference": f"Patient/{patient_id}"}, "encounter": {"reference": f"Encounter/{visit_id}"}}
    headers = new_key() | {"accept": "application/fhir+json"}
    body = response(*items, questionnaire=NAME, **whose)
    return await clinic.system.post("/v1/fhir/surveys", json=body, params=setting, headers=headers)


def noted(answer: httpx.Response) -> list[tuple[str, str, str]]:
    return [
        (issue["severity"], issue["code"], issue["diagnostics"]) for issue in answer.json().get("outcome", {})["issue"]
    ]


@DOORS
async def test_an_answer_to_what_is_not_asked_is_refused_and_named(clinic: Clinic, by_fhir: bool) -> None:
    await bring(clinic, FORM)
    answer = await submit(clinic, ANSWERS, by_fhir=by_fhir)
    assert (answer.status_code, await told(clinic)) == (422, [])
    if by_fhir:
        (issue,) = answer.json()["issue"]
        assert (issue["code"], issue["diagnostics"]) == ("business-rule", "linkId cups")
    else:
        assert [error["field"] for error in answer.json()["errors"]] == ["answers.cups"]


@DOORS
async def test_where_the_sender_says_so_it_is_left_out_and_named(clinic: Clinic, by_fhir: bool) -> None:
    await bring(clinic, FORM)
    answer = await submit(clinic, ANSWERS, by_fhir=by_fhir, not_shown="strip")
    assert (answer.status_code, noted(answer)) == (201, [("warning", "business-rule", "linkId cups")])
    (event,) = await told(clinic)
    assert event.answers == {"milk": False, "age": 40}
    nothing = await submit(clinic, ANSWERS | {"milk": True}, by_fhir=by_fhir, not_shown="strip")
    assert (nothing.status_code, "outcome" in nothing.json()) == (201, False)


@DOORS
async def test_an_accepted_survey_carries_what_the_form_warns_of(clinic: Clinic, by_fhir: bool) -> None:
    await bring(clinic, FORM)
    answer = await submit(clinic, {"age": 140}, by_fhir=by_fhir)
    assert (answer.status_code, noted(answer)) == (201, [("warning", "invariant", "linkId age")])
    assert answer.json()["outcome"]["issue"][0]["details"]["text"] == "Is the age right?"


async def test_a_refusal_in_fhir_says_which_kind_of_mistake_it_was(clinic: Clinic) -> None:
    await bring(clinic, FORM)
    for answers, kinds in (
        ({"milk": True, "cups": 21, "note": "too long"}, {"cups": "value", "note": "too-long"}),
        ({"milk": True}, {"age": "required"}),
    ):
        issues = (await submit(clinic, answers, by_fhir=True)).json()["issue"]
        assert {issue["diagnostics"].removeprefix("linkId "): issue["code"] for issue in issues} == kinds


async def test_an_amendment_carries_it_too_unless_it_may_hang_on_what_its_author_does_not_see(
    clinic: Clinic, token: Tokens
) -> None:
    await bring(clinic, FORM)
    survey = (await submit(clinic, {"age": 140}, by_fhir=False)).json()["id"]
    body: Json = {"answers": {"age": 140, "milk": True}, "reason": "entry-mistake"}
    path = f"/v1/surveys/{survey}/amendments"
    answer = await clinic.system.post(path, json=body | {"replaces": 1}, headers=new_key())
    assert (answer.status_code, noted(answer)) == (201, [("warning", "invariant", "linkId age")])
    async with client_of(clinic.intake, token("coordinator", [SITE])) as coordinator:
        answer = await coordinator.post(
            path, json=body | {"answers": {"milk": False}, "replaces": 2}, headers=new_key()
        )
    assert (answer.status_code, "outcome" in answer.json()) == (201, False)
