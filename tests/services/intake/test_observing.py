"""A survey as Observations: what was answered, for those who may read it, and what was only skipped, for the others."""

from typing import Any
from uuid import uuid4

import httpx

from services.intake.domain import as_given, own_form, read, score
from services.intake.domain.forms import Said
from services.intake.domain.questionnaires import extensions as known
from tests.conftest import Tokens, client_of, new_key
from tests.questionnaires import SYSTEM, URL, Json, a_form, asking, extension, group, option, questionnaire
from tests.services.clinic import SITE_BODY, Clinic, clinic_of
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.test_own_forms import bring
from tests.services.trails import trail
from tests.survey import CROHNS, survey_of


def coded(code: str) -> Json:
    return {"code": [{"system": SYSTEM, "code": code}]}


FORM = questionnaire(
    asking("pain", "integer", **coded("pain")),
    asking("note", "text", **coded("note")),
    asking("mood", "choice", answerOption=[option("good")], **coded("mood")),
    group(
        "meals",
        asking("at", "time", **coded("at")),
        asking("foods", "string", repeats=True, **coded("food")),
        repeats=True,
    ),
    extension=[extension(known.EXPLICIT_SKIP, valueBoolean=True)],
)
GIVEN: Json = {
    "pain": 3,
    "note": "Tea (synthetic)",
    "meals": [{"at": "08:30:00", "foods": ["milk", "nuts"]}, {"foods": ["bread"], "skipped": {"at": "do-not-know"}}],
}
SKIPPED = {"mood": "prefer-not-to-say"}


async def submitted(clinic: Clinic, form: str = f"{URL}|1.0", **given: Any) -> tuple[str, str]:
    """A survey, and the patient whose it is."""
    patient = await clinic.enrol(identifier=uuid4().hex)
    visit = await clinic.visit(patient)
    body = {"patient_id": patient, "visit_id": visit, "form": form, "answers": GIVEN, "skipped": SKIPPED} | given
    answer = await clinic.system.post("/v1/surveys", json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"]), patient


async def observations(client: httpx.AsyncClient, survey: str) -> Json:
    answer = await client.get(f"/v1/surveys/{survey}/observations")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def said(bundle: Json) -> list[tuple[str, Any]]:
    found = []
    for entry in bundle["entry"]:
        one = entry["resource"]
        value = next((part for name, part in one.items() if name.startswith("value")), one.get("dataAbsentReason"))
        found.append(
            (one["code"]["coding"][0]["code"], value["coding"][0]["code"] if isinstance(value, dict) else value)
        )
    return found


async def test_a_survey_is_extracted_with_its_words_and_what_repeats(clinic: Clinic) -> None:
    await bring(clinic, FORM)
    survey, patient = await submitted(clinic)
    bundle = await observations(clinic.system, survey)
    assert said(bundle) == [
        ("pain", 3),
        ("note", "Tea (synthetic)"),
        ("mood", "asked-declined"),
        ("at", "08:30:00"),
        ("food", "milk"),
        ("food", "nuts"),
        ("at", "asked-unknown"),
        ("food", "bread"),
    ]
    assert "meta" not in bundle
    first = bundle["entry"][0]["resource"]
    assert (first["status"], first["subject"]) == ("final", {"reference": f"Patient/{patient}"})
    assert first["derivedFrom"] == [{"reference": f"QuestionnaireResponse/{survey}"}]
    assert await observations(clinic.system, survey) == bundle, "the same ids again"


async def test_one_that_was_entered_in_error_says_so_in_each(clinic: Clinic) -> None:
    await bring(clinic, FORM)
    survey, _ = await submitted(clinic)
    wrong = {"replaces": 1, "reason": "test-entry"}
    answer = await clinic.system.post(f"/v1/surveys/{survey}/entered-in-error", json=wrong, headers=new_key())
    assert answer.status_code == 201, answer.text
    states = {entry["resource"]["status"] for entry in (await observations(clinic.system, survey))["entry"]}
    assert states == {"entered-in-error"}


async def test_a_coordinator_from_whom_answers_are_withheld_is_told_of_what_was_skipped(
    clinic: Clinic, token: Tokens
) -> None:
    await bring(clinic, FORM)
    survey, _ = await submitted(clinic)
    async with client_of(clinic.intake, token("coordinator", [SITE])) as coordinator:
        told = await observations(coordinator, survey)
        assert said(told) == [("mood", "asked-declined"), ("at", "asked-unknown")]
        assert [tag["code"] for tag in told["meta"]["tag"]] == ["SUBSETTED"]
        allowed = SITE_BODY | {"shows_clinical_to_coordinators": True}
        assert (await clinic.system.put(f"/v1/sites/{SITE}", json=allowed)).is_success
        assert await observations(coordinator, survey) == await observations(clinic.system, survey)
    rows = [row for row in await trail(clinic.intake, route="extract_survey") if row["kind"] == "read"]
    assert [row["role"] for row in rows] == ["coordinator", "coordinator", "system"]


async def test_a_shipped_survey_gives_every_answer_and_its_scores(clinic: Clinic, token: Tokens) -> None:
    patient = await clinic.enrol()
    body = survey_of(patient, await clinic.visit(patient))
    del body["answers"]["phq2_mood"]
    body["skipped"]["phq2_mood"] = "prefer-not-to-say"
    answer = await clinic.system.post("/v1/surveys", json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    survey = str(answer.json()["id"])
    bundle = await observations(clinic.system, survey)
    found = {one["code"]["coding"][-1]["code"]: one for one in (entry["resource"] for entry in bundle["entry"])}
    asked = {*body["answers"], *body["skipped"]}
    scores = score(CROHNS, body["answers"])
    assert found.keys() == asked | {one.instrument.partition("|")[0] for one in scores}
    assert found["phq2_mood"]["code"]["coding"][0] == {"system": "http://loinc.org", "code": "44255-8"}
    index = found["pro-3-cd"]
    assert index["code"]["coding"][0]["version"]
    assert index["valueQuantity"]["value"] == scores[0].value
    assert index["interpretation"][0]["coding"][0]["code"] == scores[0].band
    assert found["phq-2"]["dataAbsentReason"]["text"] == "No answer to: phq2_mood"
    assert found["phq-4"]["code"]["coding"][0]["code"] == "70272-0"
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == len(bundle["entry"])
    assert await observations(clinic.system, survey) == bundle, "the same ids again"
    async with client_of(clinic.intake, token("coordinator", [SITE])) as coordinator:
        told = await observations(coordinator, survey)
    skipped = body["skipped"].keys() - {"phq2_mood"} | {"44255-8"}
    assert {one for one, _ in said(told)} == skipped, "no score, as no answer"


async def test_another_sites_survey_is_unknown(clinic: Clinic, token: Tokens) -> None:
    await bring(clinic, FORM)
    survey, _ = await submitted(clinic)
    async with clinic_of(clinic.intake, token, OTHER) as other:
        assert (await other.system.get(f"/v1/surveys/{survey}/observations")).status_code == 404


def test_answers_are_put_together_again_as_they_were_given() -> None:
    inner = group("inner", asking("deep", "integer", repeats=True), repeats=True)
    form = own_form(a_form(group("outer", asking("a", "string"), inner, repeats=True), asking("b", "quantity")))
    given: Json = {
        "outer": [{"a": "x"}, {}, {"inner": [{"deep": [1, 2]}, {"deep": [3]}], "skipped": {"a": "do-not-know"}}],
        "b": {"value": 1, "unit": "kg"},
    }
    content = read(form, given, {})
    assert isinstance(content, Said)
    assert as_given(form.definition, {**content.answers, **content.words}, content.skipped) == (given, {})
