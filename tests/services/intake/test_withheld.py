"""What a coordinator is told of answers, does with them, and cannot undo, where the site does not show them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.domain.questionnaires import extensions
from tests.conftest import Tokens, client_of, new_key
from tests.questionnaires import URL, Json, asking, calculated, questionnaire, value_of, when
from tests.services.clinic import SITE_BODY, Clinic
from tests.services.intake.conftest import SITE
from tests.services.intake.test_corrections import RIGHT, correct, events_of, versions_of
from tests.services.intake.test_imports import send
from tests.services.intake.test_own_forms import bring, submit
from tests.services.intake.test_populating import FORM, answered, populate
from tests.survey import survey_of

WORDS = {"concerns": [{"topic": "diet", "words": "Bread (synthetic)"}], "matters_most": "My wedding (synthetic)"}
PARTS = "/visits/{}/survey/parts/1"
MASKED = [{"extension": [{"url": extensions.DATA_ABSENT_REASON, "valueCode": "masked"}]}]


@pytest.fixture
async def coordinator(clinic: Clinic, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(clinic.intake, token("coordinator", [SITE], subject="j-ortiz")) as client:
        yield client


async def submitted(clinic: Clinic) -> str:
    """A survey in words, of a patient who gave a reason for nothing."""
    patient = await clinic.enrol()
    survey = survey_of(patient, await clinic.visit(patient), **WORDS)
    answer = await clinic.system.post("/v1/surveys", json=survey, headers=new_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def allow(clinic: Clinic) -> None:
    body = SITE_BODY | {"shows_clinical_to_coordinators": True}
    assert (await clinic.system.put(f"/v1/sites/{SITE}", json=body)).status_code == 200


async def test_a_survey_says_that_it_was_answered_and_what_once_the_site_allows_it(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    survey = await submitted(clinic)
    (whole,), path = await versions_of(clinic, survey), f"/v1/surveys/{survey}"
    (brief,) = (await coordinator.get(path)).json()["versions"]
    told: Json = {"answers": {}, "scores": [], "words": None, "words_state": "not-readable-now"}
    assert brief == whole | told | {"withheld": sorted([*whole["answers"], "concern_1_topic"])}
    assert whole["withheld"] is None
    await allow(clinic)
    assert (await coordinator.get(path)).json()["versions"] == [whole]


async def test_an_amendment_by_who_could_not_read_it_keeps_what_it_leaves_out(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    survey = await submitted(clinic)
    body: dict[str, Any] = {**RIGHT, "answers": {"abdominal_pain": 3}}
    assert (await correct(coordinator, survey, "amendments", body)).status_code == 201
    newest, first = await versions_of(clinic, survey)
    assert newest["answers"] == first["answers"] | {"abdominal_pain": 3}
    assert (
        newest["words"]
        == first["words"]
        == {"concerns.1.words": "Bread (synthetic)", "matters_most": WORDS["matters_most"]}
    )
    before, after = await events_of(clinic)
    assert [one.topic for one in after.concerns] == [one.topic for one in before.concerns] == ["diet"]
    assert after.matters_most not in (None, before.matters_most), "sealed for its own event"


@pytest.mark.parametrize(
    ("change", "item"),
    [
        ({"answers": {"matters_most": "Nothing"}}, "matters_most"),
        ({"matters_most": "Nothing"}, "matters_most"),
        ({"skipped": {"matters_most": "prefer-not-to-say"}}, "matters_most"),
        ({"concerns": [{"topic": "mood", "words": "None"}]}, "concern_1_words"),
    ],
)
async def test_words_that_somebody_could_not_read_are_not_replaced_and_not_lost(
    clinic: Clinic, coordinator: httpx.AsyncClient, change: Json, item: str
) -> None:
    survey = await submitted(clinic)
    answer = await correct(coordinator, survey, "amendments", {"answers": {}} | RIGHT | change)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:withheld")
    assert [one["field"] for one in answer.json()["errors"]] == [f"answers.{item}"]
    assert len(await versions_of(clinic, survey)) == 1
    await allow(clinic)
    whole = survey_of("p", "v", **WORDS)
    right = {name: whole[name] for name in ("answers", "skipped", *WORDS)} | RIGHT | {"matters_most": "To sleep"}
    assert (await correct(coordinator, survey, "amendments", right)).status_code == 201


async def test_an_amendment_that_does_not_fit_is_refused_as_any_other(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    survey = await submitted(clinic)
    answer = await correct(coordinator, survey, "amendments", {**RIGHT, "answers": {"abdominal_pain": 9}})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "answers.abdominal_pain", "expected": "The answer must be 3 or less."}]


async def test_what_a_form_calculates_follows_an_amendment_by_who_could_not_read_it(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    double = asking("double", "integer", calculated(f"{value_of('a')} * 2"), readOnly=True)
    why = asking("why", "text", enableWhen=[when("double", ">", answerInteger=5)])
    await bring(clinic, questionnaire(asking("a", "integer"), double, why))
    survey = (await submit(clinic, f"{URL}|1.0", answers={"a": 3, "why": "Tea (synthetic)"})).json()["id"]
    answer = await correct(coordinator, survey, "amendments", {**RIGHT, "answers": {"a": 4}})
    assert answer.status_code == 201, answer.text
    newest = (await versions_of(clinic, survey))[0]
    assert (newest["answers"], list(newest["words"])) == ({"a": 4, "double": 8}, ["words.why"])
    hides = await correct(coordinator, survey, "amendments", {**RIGHT, "replaces": 2, "answers": {"a": 1}})
    assert (hides.status_code, [one["field"] for one in hides.json()["errors"]]) == (409, ["answers.why"])


async def test_words_are_not_lost_by_hiding_their_question(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    why = asking("why", "text", enableWhen=[when("is_well", "=", answerBoolean=False)])
    await bring(clinic, questionnaire(asking("is_well", "boolean"), why))
    said = {"is_well": False, "why": "The pain (synthetic)"}
    survey = (await submit(clinic, f"{URL}|1.0", answers=said)).json()["id"]
    answer = await correct(coordinator, survey, "amendments", {**RIGHT, "answers": {"is_well": True}})
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (409, ["answers.why"])


async def test_answers_in_a_group_that_repeats_are_for_others_to_correct(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    await bring(clinic)
    survey = (await submit(clinic)).json()["id"]
    answer = await correct(coordinator, survey, "amendments", {**RIGHT, "answers": {"since": "2026-01"}})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:withheld")


async def test_what_is_filled_in_from_the_last_answers_is_masked_and_what_is_known_otherwise_is_not(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    form = await bring(clinic, FORM)
    patient, visit = await answered(clinic)
    response = (await populate(coordinator, form, patient, visit)).json()
    (inside,) = response["item"]
    assert {one["linkId"]: one["answer"] for one in inside["item"]} == {
        "foods": MASKED,
        "note": MASKED,
        "matters_most": MASKED,
        "born": [{"valueString": "1984"}],
    }
    sent = await coordinator.post("/v1/fhir/surveys", json=response | {"status": "completed"}, headers=new_key())
    assert sent.status_code == 422, "a mask is no reason for skipping"
    await allow(clinic)
    assert (await populate(coordinator, form, patient, visit)).json() == (
        await populate(clinic.system, form, patient, visit)
    ).json()


async def test_refused_answers_are_offered_to_nobody_who_may_not_have_them(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    sent = await send(
        clinic, "answers", "patient,visit,submitted_at,answers.note\nMRN-1,V-1,soon,The pain (synthetic)\n"
    )
    sheet = f"/v1/imports/{sent['id']}/refused-rows"

    async def offered() -> list[bool]:
        pages = [await coordinator.get(page) for page in (f"/imports/{sent['id']}", "/visits")]
        return [sheet in page.text for page in pages]

    assert await offered() == [False, False]
    listed = (await coordinator.get("/v1/imports")).json()["items"]
    assert [(one["refused"], one["withheld"]) for one in listed] == [(1, True)]
    await allow(clinic)
    assert await offered() == [True, True]


async def test_of_a_draft_a_coordinator_sees_and_changes_what_they_entered_themselves(
    clinic: Clinic, coordinator: httpx.AsyncClient, token: Tokens
) -> None:
    patient = await clinic.enrol()
    visit = await clinic.visit(patient)
    link = (await clinic.system.post(f"/v1/visits/{visit}/links", json={}, headers=new_key())).json()["id"]
    by_patient = {"go": "save", "concern_1_topic": "diet", "concern_1_words": "Bread (synthetic)"}
    as_patient = token("patient", [SITE], patient_id=UUID(patient), subject=f"link:{link}")
    async with client_of(clinic.intake, as_patient) as phone:
        assert (await phone.post("/survey/parts/1", data=by_patient)).status_code == 204
        mine = {"go": "save", "concern_1_topic": "mood", "concern_1_words": "Gone", "matters_most": "To sleep"}
        assert (await coordinator.post(PARTS.format(visit), data=mine)).status_code == 204
        of_patient = "".join([(await phone.get(f"/survey/parts/{part}")).text for part in (1, 2)])
    assert "Bread (synthetic)" in of_patient
    assert "To sleep" in of_patient
    assert "Gone" not in of_patient
    review = f"/visits/{visit}/survey/review"
    seen = (await coordinator.get(review)).text
    assert "Bread (synthetic)" not in seen
    assert "To sleep" in seen
    assert seen.count("Answered already. Your clinic does not show it to coordinators.") == 2
    async with client_of(clinic.intake, token("coordinator", [SITE], subject="k-lind")) as colleague:
        assert "To sleep" not in (await colleague.get(review)).text
    await allow(clinic)
    seen = (await coordinator.get(review)).text
    assert "Bread (synthetic)" in seen
    assert "Answered already." not in seen
