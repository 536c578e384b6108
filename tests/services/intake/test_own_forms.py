"""Answers to forms that a site brought: checked, kept and told of as those to shipped forms."""

import json
import threading
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.intake.api.own_forms import OwnForm, OwnForms, at_leisure
from services.intake.domain import FORMS, own_form, read, unfit_for_answers
from services.intake.domain.forms import Said, last_answers
from services.intake.domain.questionnaires import extensions as known
from shared.db import SiteScope, transaction
from shared.events import SurveyCompleted
from tests.conftest import Tokens, client_of, new_key
from tests.questionnaires import (
    URL,
    Json,
    a_form,
    asking,
    calculated,
    extension,
    group,
    option,
    questionnaire,
    response,
    value_of,
    when,
)
from tests.services.clinic import Clinic, clinic_of
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.test_imports import counts, send
from tests.services.streams import published

FOODS = asking("foods", "choice", repeats=True, answerOption=[option("milk"), option("wheat"), option("nuts")])
MEALS = group("meals", asking("at", "time"), asking("what", "string"), repeats=True)
DIET = questionnaire(
    group("g", FOODS, MEALS, asking("since", "date"), asking("weight", "quantity"), asking("note", "text")),
    url=f"{URL}/diet",
    title="What you eat",
)
NAME = f"{URL}/diet|1.0"
ANSWERS: Json = {
    "foods": ["milk", "nuts"],
    "meals": [{"at": "08:30", "what": "Porridge (synthetic)"}, {"at": "13:00"}],
    "since": "2026-03",
    "weight": {"value": 61.5, "unit": "kg"},
    "note": "Less bread (synthetic)",
}
KEPT = {"foods[1]": "milk", "foods[2]": "nuts", "at[1]": "08:30:00", "at[2]": "13:00:00", "since": "2026-03"}


async def bring(clinic: Clinic, form: Json = DIET) -> str:
    answer = await clinic.system.post("/v1/forms", json=form, headers=new_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def retire(clinic: Clinic, form_id: str) -> None:
    assert (await clinic.system.patch(f"/v1/forms/{form_id}", json={"state": "retired"})).status_code == 200


async def submit(clinic: Clinic, form: str = NAME, **changes: Any) -> httpx.Response:
    patient_id = await clinic.enrol(identifier=uuid4().hex)
    body = {"patient_id": patient_id, "visit_id": await clinic.visit(patient_id), "form": form, "answers": ANSWERS}
    return await clinic.system.post("/v1/surveys", json=body | changes, headers=new_key())


async def told(clinic: Clinic) -> list[SurveyCompleted]:
    return [event.body for event in await published(clinic.intake) if isinstance(event.body, SurveyCompleted)]


def problem(answer: httpx.Response) -> tuple[int, str, list[str]]:
    document = answer.json()
    return (
        answer.status_code,
        document["type"].rpartition(":")[2],
        [error["field"] for error in document.get("errors", ())],
    )


async def test_answers_to_a_sites_own_form_are_kept_in_codes_and_words_and_told_of(clinic: Clinic) -> None:
    form_id = await bring(clinic)
    for name in (NAME, form_id):
        answer = await submit(clinic, name)
        assert answer.status_code == 201, answer.text
    event = (await told(clinic))[-1]
    assert (event.form, event.form_title, event.scores) == (NAME, "What you eat", ())
    assert event.answers == KEPT
    assert sorted(event.words) == ["note", "weight", "what[1]"]
    assert all(text.startswith("1.") for text in event.words.values()), "sealed"
    kept = (await clinic.system.get(f"/v1/surveys/{answer.json()['id']}")).json()["versions"][0]
    assert (kept["form"], kept["answers"]) == (NAME, KEPT)
    assert kept["words"] == {
        "words.note": "Less bread (synthetic)",
        "words.weight": '{"value":61.5,"unit":"kg"}',
        "words.what[1]": "Porridge (synthetic)",
    }


async def test_answers_are_checked_against_the_pinned_version(clinic: Clinic) -> None:
    await bring(clinic)
    stricter = asking("note", "text", maxLength=4)
    await bring(clinic, DIET | {"version": "2.0", "item": [group("g", FOODS, stricter)]})
    for version, answers, named in (
        ("1.0", {"foods": ["milk", "beer"]}, "foods"),
        ("1.0", {"pain": 3}, "pain"),
        ("2.0", {"note": ANSWERS["note"]}, "note"),
    ):
        answer = await submit(clinic, f"{URL}/diet|{version}", answers=answers)
        assert problem(answer) == (422, "invalid", [f"answers.{named}"])


@pytest.mark.parametrize("answers", [{"note": "x" * 200_000}, {"foods": ["milk"] * 20_000}])
async def test_answers_that_no_event_could_carry_are_refused(clinic: Clinic, answers: Json) -> None:
    await bring(clinic)
    assert problem(await submit(clinic, answers=answers)) == (422, "invalid", ["answers"])


async def test_an_item_is_named_whatever_its_link_id_looks_like_and_what_is_made_up_is_not_repeated(
    clinic: Clinic,
) -> None:
    await bring(clinic, questionnaire(group("g", asking("/44250-9", "integer"), asking("Qué?", "boolean"))))
    answers = {"/44250-9": "x", "Qué?": 5, "My secret": 1}
    answer = await submit(clinic, f"{URL}|1.0", answers=answers)
    assert problem(answer) == (422, "invalid", ["answers./44250-9", "answers.Qué?", "answers.(another name)"])


async def test_a_draft_and_a_retired_form_take_no_new_answers_and_say_so(clinic: Clinic) -> None:
    form_id = await bring(clinic)
    await bring(clinic, DIET | {"version": "2.0", "status": "draft"})
    await bring(clinic, DIET | {"version": "3.0", "effectivePeriod": {"end": "2026-01-31"}})
    await retire(clinic, form_id)
    for name in (NAME, form_id, f"{URL}/diet|2.0", f"{URL}/diet|3.0"):
        answer = await submit(clinic, name)
        assert problem(answer) == (409, "form-not-in-use", [])
    assert "in use until 2026-01-31" in answer.json()["detail"]
    assert await told(clinic) == []


async def test_a_draft_that_was_put_to_use_takes_answers(clinic: Clinic) -> None:
    form_id = await bring(clinic, DIET | {"status": "draft"})
    assert problem(await submit(clinic))[:2] == (409, "form-not-in-use")
    answer = await clinic.system.patch(f"/v1/forms/{form_id}", json={"state": "active"})
    assert answer.status_code == 200, answer.text
    assert (await submit(clinic)).status_code == 201


async def test_what_a_form_calculates_is_put_in_and_opens_what_depends_on_it(clinic: Clinic) -> None:
    total = asking("total", "integer", calculated(f"{value_of('a')} + {value_of('b')}"), readOnly=True)
    why = asking("why", "string", enableWhen=[when("total", ">", answerInteger=5)])
    form = questionnaire(group("g", asking("a", "integer"), asking("b", "integer"), total, why), url=f"{URL}/sum")
    await bring(clinic, form)
    refused = await submit(clinic, f"{URL}/sum|1.0", answers={"a": 1, "b": 2, "why": "Tea (synthetic)"})
    assert problem(refused) == (422, "invalid", ["answers.why"])
    wrong = await submit(clinic, f"{URL}/sum|1.0", answers={"a": 1, "b": 2, "total": 4})
    assert problem(wrong) == (422, "invalid", ["answers.total"])
    for answers in ({"a": 4, "b": 3, "why": "Tea (synthetic)"}, {"a": 4, "b": 3, "total": 7}, {"a": 4}):
        answer = await submit(clinic, f"{URL}/sum|1.0", answers=answers)
        assert answer.status_code == 201, answer.text
    assert [one.answers for one in await told(clinic)] == [{"a": 4, "b": 3, "total": 7}] * 2 + [{"a": 4}]
    unsaid = await submit(clinic, f"{URL}/sum|1.0", answers={"a": 4, "b": 3}, skipped={"total": "do-not-know"})
    assert unsaid.status_code == 201, unsaid.text
    assert (await told(clinic))[-1].answers == {"a": 4, "b": 3}, "a reason stands instead"


async def test_the_form_of_another_site_is_unknown(clinic: Clinic, token: Tokens) -> None:
    async with clinic_of(clinic.intake, token, OTHER) as other:
        form_id = await bring(other)
        for name in (NAME, form_id, str(uuid4()), "https://example.org/none|1"):
            assert problem(await submit(clinic, name)) == (422, "invalid", ["form"])
            assert problem(await by_fhir(clinic, questionnaire=name)) == (422, "invalid", ["questionnaire"])
        assert (await submit(other)).status_code == 201, "at the site that brought it, it is there"


async def test_an_amendment_is_checked_against_the_version_that_was_answered_though_it_is_retired(
    clinic: Clinic,
) -> None:
    form_id = await bring(clinic)
    survey_id = (await submit(clinic)).json()["id"]
    await retire(clinic, form_id)
    amended = {"replaces": 1, "reason": "entry-mistake", "answers": {"foods": ["wheat"]}}
    path = f"/v1/surveys/{survey_id}/amendments"
    wrong = await clinic.system.post(path, json=amended | {"answers": {"foods": ["beer"]}}, headers=new_key())
    assert problem(wrong) == (422, "invalid", ["answers.foods"])
    assert (await clinic.system.post(path, json=amended, headers=new_key())).status_code == 201
    newest = (await told(clinic))[-1]
    assert (newest.version, newest.form, newest.form_title, newest.answers) == (
        2,
        NAME,
        "What you eat",
        {"foods[1]": "wheat"},
    )
    body = {"replaces": 2, "reason": "test-entry"}
    marked = await clinic.system.post(f"/v1/surveys/{survey_id}/entered-in-error", json=body, headers=new_key())
    assert marked.status_code == 201
    assert (await told(clinic))[-1].form_title == "What you eat"


async def by_fhir(clinic: Clinic, **changes: Any) -> httpx.Response:
    patient_id = await clinic.enrol(identifier=uuid4().hex)
    foods = {"linkId": "foods", "answer": [option("milk"), option("wheat")]}
    body = response(
        {"linkId": "g", "item": [foods, {"linkId": "note", "answer": [{"valueString": "Tea (synthetic)"}]}]},
        subject={"reference": f"Patient/{patient_id}"},
        encounter={"reference": f"Encounter/{await clinic.visit(patient_id)}"},
        questionnaire=NAME,
    )
    return await clinic.system.post("/v1/fhir/surveys", json=body | changes, headers=new_key())


async def test_fhir_names_a_form_by_its_canonical_and_the_newest_in_use_without_a_version(clinic: Clinic) -> None:
    first = await bring(clinic)
    second = await bring(clinic, DIET | {"version": "2.0"})
    await bring(clinic, DIET | {"version": "3.0", "status": "draft"})
    for name in (NAME, f"{URL}/diet"):
        answer = await by_fhir(clinic, questionnaire=name)
        assert answer.status_code == 201, answer.text
    assert [(one.form, one.answers) for one in await told(clinic)] == [
        (form, {"foods[1]": "milk", "foods[2]": "wheat"}) for form in (NAME, f"{URL}/diet|2.0")
    ]
    for form_id in (first, second):
        await retire(clinic, form_id)
    assert problem(await by_fhir(clinic)) == (409, "form-not-in-use", [])
    assert problem(await by_fhir(clinic, questionnaire=f"{URL}/diet")) == (422, "invalid", ["questionnaire"])


async def test_a_fhir_answer_that_does_not_fit_is_named_by_its_link_id(clinic: Clinic) -> None:
    await bring(clinic)
    wrong = {"linkId": "g", "item": [{"linkId": "foods", "answer": [option("beer")]}]}
    assert problem(await by_fhir(clinic, item=[wrong])) == (422, "invalid", ["answers.foods"])


async def test_a_file_of_answers_may_name_a_form_of_the_site(clinic: Clinic) -> None:
    form_id = await bring(clinic)
    patient_id = await clinic.enrol()
    visit_id = await clinic.visit(patient_id)
    template = await clinic.system.get("/v1/import-template", params={"kind": "answers", "form": NAME})
    assert template.status_code == 200, template.text
    items = ("foods", "at", "what", "since", "weight", "note")
    assert template.text.strip().endswith(",".join(f"answers.{item}" for item in items))
    header = "patient,visit,submitted_at,form,answers.foods,answers.note"
    row = f"MRN-1,{visit_id},2026-03-01T09:00,{NAME},milk,12"
    assert counts(await send(clinic, "answers", f"{header}\n{row}\n")) == (1, 0, 0)
    (event,) = await told(clinic)
    assert (event.form, event.answers, list(event.words)) == (NAME, {"foods[1]": "milk"}, ["note"])
    await retire(clinic, form_id)
    other = await clinic.visit(patient_id)
    refused = await send(clinic, "answers", f"{header}\nMRN-1,{other},2026-03-01T09:00,{NAME},milk,12\n")
    assert counts(refused) == (0, 0, 1)
    assert "retired" in str(refused)


async def test_the_template_of_a_form_takes_its_answers_whatever_letters_its_items_have(clinic: Clinic) -> None:
    await bring(clinic, questionnaire(group("G", asking("Pain.Now", "integer"), asking("/44250-9", "boolean"))))
    visit_id = await clinic.visit(await clinic.enrol())
    asked = {"kind": "answers", "form": f"{URL}|1.0"}
    template = (await clinic.system.get("/v1/import-template", params=asked)).text.strip()
    assert template.endswith(",answers.Pain.Now,answers./44250-9")
    given = {"patient": "MRN-1", "visit": visit_id, "submitted_at": "2026-03-01T09:00", "form": f"{URL}|1.0"}
    given |= {"answers.Pain.Now": "3", "answers./44250-9": "TRUE"}
    row = ",".join(given.get(column, "") for column in template.removeprefix("\ufeff").split(","))
    brought = await send(clinic, "answers", f"{template}\r\n{row}\r\n")
    assert counts(brought) == (1, 0, 0), brought
    (event,) = await told(clinic)
    assert event.answers == {"Pain.Now": 3, "/44250-9": True}


async def test_lists_and_objects_of_a_file_are_the_answers_that_they_are(clinic: Clinic) -> None:
    pets = asking("pets", "string", repeats=True)
    await bring(clinic, DIET | {"version": "3.0", "item": [*DIET["item"], pets]})
    patient_id = await clinic.enrol()
    answers = ANSWERS | {"pets": ["a cat", "a dog"]}

    async def line(**changes: Any) -> str:
        visit = await clinic.visit(patient_id)
        row = {"patient": "MRN-1", "visit": visit, "submitted_at": "2026-03-01T09:00", "form": f"{URL}/diet|3.0"}
        return json.dumps(row | {"answers": answers} | changes)

    lines = [await line(), await line(answers={"note": ["a", "b"]}), await line(visit=["V-1"])]
    brought = await send(clinic, "answers", "\n".join(lines), name="a.ndjson")
    assert counts(brought) == (1, 0, 2)
    wrong = [(one["line"], one["column"], one["what"]) for one in brought["wrong"]]
    assert wrong == [
        (2, "answers.note", "The answer must be some words."),
        (3, "visit", "One value goes here, no list and no object."),
    ]
    (event,) = await told(clinic)
    kept = (await clinic.system.get(f"/v1/surveys/{event.survey_id}")).json()["versions"][0]
    assert kept["answers"] == KEPT
    assert (kept["words"]["words.pets[1]"], kept["words"]["words.pets[2]"]) == ("a cat", "a dog")
    assert kept["words"]["words.weight"] == '{"value":61.5,"unit":"kg"}'


@pytest.mark.parametrize(
    ("item", "named"),
    [
        (asking("fatigue", "choice", answerOption=[option("mild")]), "fatigue"),
        (asking("fatigue", "integer"), "fatigue"),
        (asking("in_remission", "choice", answerOption=[option("perhaps")]), "in_remission"),
        (asking("matters_most", "integer"), "matters_most"),
        (asking("photo", "attachment"), "photo"),
        (asking("meal[1]", "string"), "meal[1]"),
    ],
)
async def test_a_form_whose_answers_would_be_misread_or_not_kept_takes_none(
    clinic: Clinic, item: Json, named: str
) -> None:
    await bring(clinic, questionnaire(group("g", item)))
    answer = await submit(clinic, f"{URL}|1.0", answers={})
    assert problem(answer) == (422, "invalid", ["form"])
    assert answer.json()["errors"][0]["expected"].startswith(f"{named}: ")


async def test_a_shipped_question_in_a_form_of_the_site_is_that_question_and_scores_and_alerts_as_there(
    clinic: Clinic, token: Tokens
) -> None:
    limits = [extension(known.MIN_VALUE, valueInteger=0), extension(known.MAX_VALUE, valueInteger=3)]
    items = [asking(name, "integer", *limits) for name in ("phq2_interest", "phq2_mood", "rectal_bleeding")]
    scored = [extension(known.INSTRUMENT, valueCanonical="phq-2|1.0")]
    await bring(clinic, questionnaire(group("g", *items), extension=scored))
    given = {"phq2_interest": 3, "phq2_mood": 2, "rectal_bleeding": 3}
    answer = await submit(clinic, f"{URL}|1.0", answers=given)
    assert answer.status_code == 201, answer.text
    (event,) = await told(clinic)
    assert [(score.instrument, score.value) for score in event.scores] == [("phq-2|1.0", 5)]
    async with client_of(clinic.intake, token("coordinator", [SITE])) as coordinator:
        alerts = (await coordinator.get("/v1/alerts")).json()["items"]
    assert sorted(alert["answer"] for alert in alerts) == [3, 5]


async def test_a_form_that_bears_the_name_of_a_shipped_one_takes_no_answers(clinic: Clinic) -> None:
    form_id = await bring(clinic, DIET | {"url": "pre-visit-crohns"})
    assert problem(await submit(clinic, form_id)) == (422, "invalid", ["form"])


@pytest.mark.parametrize("key", ["phq-2|1.0", "phq-99|1.0"])
def test_an_instrument_that_the_form_does_not_ask_for_or_that_is_unknown_is_no_instrument_of_it(key: str) -> None:
    form = a_form(asking("note", "text"), extension=[extension(known.INSTRUMENT, valueCanonical=key)])
    assert unfit_for_answers(form)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_shipped_form_would_be_fit_as_a_form_of_a_site(form: Any) -> None:
    assert unfit_for_answers(form.definition) == []


def test_what_was_kept_is_found_again_as_it_was_given() -> None:
    form = own_form(a_form(group("g", FOODS, MEALS, asking("since", "date"), asking("note", "text"))))
    given = {name: ANSWERS[name] for name in ("foods", "since", "note")}
    content = read(form, {**given, "meals": ANSWERS["meals"]}, {})
    assert isinstance(content, Said)
    assert last_answers(form.definition, {**content.answers, **content.words}) == given


async def test_answers_to_a_form_that_is_large_or_has_rules_are_checked_beside_the_loop() -> None:
    async def is_beside(*items: Json) -> bool:
        own = OwnForm(own_form(a_form(*items)), [], [])
        return await at_leisure([own], threading.get_ident) != threading.get_ident()

    note = asking("note", "string")
    shown = extension(known.ENABLE_WHEN_EXPRESSION, valueExpression={"expression": "%resource.item.exists()"})
    assert not await is_beside(note)
    assert await is_beside(note, asking("why", "string", shown))
    assert await is_beside(*(asking(f"q{number}", "string") for number in range(501)))


async def test_forms_are_prepared_once_and_the_longest_unused_is_forgotten(clinic: Clinic) -> None:
    await bring(clinic)
    await bring(clinic, DIET | {"version": "2.0"})
    forms = OwnForms(most_items=10)
    scope = SiteScope.of(SITE)
    async with transaction(clinic.intake.state.pool, scope) as connection:

        async def of(version: str) -> object:
            name = f"{URL}/diet|{version}"
            return (await forms.named(connection, SITE, [name]))[name].form.definition

        first = await of("1.0")
        assert await of("1.0") is first
        await of("2.0")
        assert await of("1.0") is not first
        assert await forms.named(connection, OTHER, [NAME]) == {}
