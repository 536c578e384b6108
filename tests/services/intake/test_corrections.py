"""Corrections of a survey: another version, with reason and author, and nothing hidden."""

import asyncio
from typing import Any

import httpx
import pytest

from shared.events import SurveyCompleted
from tests.conftest import Tokens, client_of, new_key
from tests.services.clinic import Clinic
from tests.services.intake.conftest import OTHER, SITE
from tests.services.streams import published
from tests.survey import survey_of

RULE = f"/v1/sites/{SITE}/survey-rule"
RIGHT = {"replaces": 1, "reason": "entry-mistake"}


async def submitted(clinic: Clinic, **changes: Any) -> tuple[str, str, str]:
    """A new patient, their visit, and its survey."""
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id)
    survey = survey_of(patient_id, visit_id, matters_most="My wedding in May", **changes)
    answer = await clinic.system.post("/v1/surveys", json=survey, headers=new_key())
    assert answer.status_code == 201, answer.text
    return patient_id, visit_id, str(answer.json()["id"])


async def correct(client: httpx.AsyncClient, survey_id: str, how: str, body: dict[str, Any]) -> httpx.Response:
    return await client.post(f"/v1/surveys/{survey_id}/{how}", json=body, headers=new_key())


def amended(patient_id: str, visit_id: str, **changes: Any) -> dict[str, Any]:
    survey = survey_of(patient_id, visit_id, matters_most="My sister's wedding")
    return {**RIGHT, **{name: survey[name] for name in ("answers", "skipped", "matters_most")}, **changes}


async def versions_of(clinic: Clinic, survey_id: str) -> list[dict[str, Any]]:
    answer = await clinic.system.get(f"/v1/surveys/{survey_id}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["versions"])


async def events_of(clinic: Clinic) -> list[SurveyCompleted]:
    return [event.body for event in await published(clinic.intake) if isinstance(event.body, SurveyCompleted)]


async def test_an_amendment_is_the_newest_version_and_the_first_stays_as_it_was(clinic: Clinic) -> None:
    patient_id, visit_id, survey_id = await submitted(clinic)
    body = amended(patient_id, visit_id)
    body["answers"]["abdominal_pain"] = 3
    assert (await correct(clinic.system, survey_id, "amendments", body)).status_code == 201
    newest, first = await versions_of(clinic, survey_id)
    assert (newest["version"], newest["change"], newest["reason"]) == (2, "amended", "entry-mistake")
    assert (newest["answers"]["abdominal_pain"], first["answers"]["abdominal_pain"]) == (3, 0)
    assert newest["words"] == {"matters_most": "My sister's wedding"}
    assert first["words"] == {"matters_most": "My wedding in May"}
    assert newest["submitted_at"] == first["submitted_at"], "a correction says nothing of when the patient answered"
    assert newest["author"]


async def test_each_version_is_published_in_full_with_its_words_sealed(clinic: Clinic) -> None:
    patient_id, visit_id, survey_id = await submitted(clinic)
    await correct(clinic.system, survey_id, "amendments", amended(patient_id, visit_id))
    first, second = await events_of(clinic)
    assert (first.version, first.change, first.reason) == (1, "completed", None)
    assert (second.version, second.change, second.reason) == (2, "amended", "entry-mistake")
    assert second.survey_id == first.survey_id
    assert second.answers == first.answers
    assert second.matters_most is not None
    assert "wedding" not in second.matters_most


async def test_a_survey_entered_in_error_counts_no_more_and_its_visit_can_be_answered_again(clinic: Clinic) -> None:
    patient_id, visit_id, survey_id = await submitted(clinic)
    marked = await correct(clinic.system, survey_id, "entered-in-error", {"replaces": 1, "reason": "wrong-patient"})
    assert marked.status_code == 201
    newest, first = await versions_of(clinic, survey_id)
    assert (newest["change"], newest["words_state"]) == ("entered-in-error", None)
    assert first["words"] == {"matters_most": "My wedding in May"}
    again = await clinic.system.post("/v1/surveys", json=survey_of(patient_id, visit_id), headers=new_key())
    assert again.status_code == 201
    kinds = [(event.change, event.version) for event in await events_of(clinic)]
    assert kinds == [("completed", 1), ("entered-in-error", 2), ("completed", 1)]


@pytest.mark.parametrize("how", ["amendments", "entered-in-error"])
async def test_what_was_entered_in_error_is_not_corrected_any_more(clinic: Clinic, how: str) -> None:
    patient_id, visit_id, survey_id = await submitted(clinic)
    await correct(clinic.system, survey_id, "entered-in-error", RIGHT)
    body = amended(patient_id, visit_id) if how == "amendments" else RIGHT
    answer = await correct(clinic.system, survey_id, how, {**body, "replaces": 2})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:entered-in-error")


async def test_two_who_correct_the_same_version_do_not_overwrite_each_other(clinic: Clinic) -> None:
    patient_id, visit_id, survey_id = await submitted(clinic)
    body = amended(patient_id, visit_id)
    answers = await asyncio.gather(*(correct(clinic.system, survey_id, "amendments", body) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert [version["version"] for version in await versions_of(clinic, survey_id)] == [2, 1]


@pytest.mark.parametrize("is_left_out_at_first", [False, True])
async def test_an_amendment_answers_what_was_asked_then_whatever_the_site_leaves_out_now(
    clinic: Clinic, is_left_out_at_first: bool
) -> None:
    async def leave_out(*parts: str) -> None:
        assert (await clinic.system.put(RULE, json={"care_line": None, "left_out": parts})).status_code == 200

    def asked(survey: dict[str, Any]) -> dict[str, Any]:
        answers = {name: one for name, one in survey["answers"].items() if not name.startswith("phq2")}
        return {**survey, "answers": answers} if is_left_out_at_first else survey

    patient_id, visit_id = (patient := await clinic.enrol()), await clinic.visit(patient)
    await leave_out(*(["mood"] if is_left_out_at_first else []))
    survey = asked(survey_of(patient_id, visit_id))
    answer = await clinic.system.post("/v1/surveys", json=survey, headers=new_key())
    assert answer.status_code == 201, answer.text
    await leave_out(*([] if is_left_out_at_first else ["mood"]))
    amendment = asked(amended(patient_id, visit_id))
    assert (await correct(clinic.system, answer.json()["id"], "amendments", amendment)).status_code == 201
    newest, _ = await versions_of(clinic, answer.json()["id"])
    assert ("phq2_mood" in newest["answers"]) is not is_left_out_at_first


async def test_an_amendment_that_does_not_fit_the_form_changes_nothing(clinic: Clinic) -> None:
    patient_id, visit_id, survey_id = await submitted(clinic)
    body = amended(patient_id, visit_id)
    body["answers"]["abdominal_pain"] = 9
    answer = await correct(clinic.system, survey_id, "amendments", body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "answers.abdominal_pain", "expected": "The answer must be 3 or less."}]
    assert len(await versions_of(clinic, survey_id)) == 1


async def test_a_survey_of_another_site_is_as_unknown_as_one_that_does_not_exist(clinic: Clinic, token: Tokens) -> None:
    _, _, survey_id = await submitted(clinic)
    async with client_of(clinic.intake, token("system", [OTHER])) as stranger:
        for how in ("amendments", "entered-in-error"):
            body = amended("p", "v") if how == "amendments" else RIGHT
            assert (await correct(stranger, survey_id, how, body)).status_code == 404
        assert (await stranger.get(f"/v1/surveys/{survey_id}")).status_code == 404


async def test_a_patient_corrects_their_own_and_says_nothing_of_paper(clinic: Clinic, token: Tokens) -> None:
    patient_id, visit_id, survey_id = await submitted(clinic)
    body = amended(patient_id, visit_id, reason="patient-corrected")
    async with client_of(clinic.intake, token("patient", [SITE], patient_id=patient_id)) as patient:
        paper = await correct(patient, survey_id, "amendments", {**body, "mode": "paper"})
        assert paper.status_code == 422
        assert paper.json()["errors"][0]["field"] == "mode"
        assert (await correct(patient, survey_id, "amendments", body)).status_code == 201


async def test_an_erased_patient_leaves_no_version(clinic: Clinic) -> None:
    patient_id, visit_id, survey_id = await submitted(clinic)
    await correct(clinic.system, survey_id, "amendments", amended(patient_id, visit_id))
    erased = {"reason": "patient-request", "confirm_patient_id": patient_id}
    answer = await clinic.system.post(f"/v1/patients/{patient_id}/erasure", json=erased, headers=new_key())
    assert answer.status_code in (200, 201), answer.text
    assert await clinic.intake.state.database.rows("SELECT * FROM survey_version") == []
    assert (await clinic.system.get(f"/v1/surveys/{survey_id}")).status_code == 404
