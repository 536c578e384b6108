"""A site's own form on the survey's pages: asked where the site says so, shown in its sections and its languages."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.intake.domain.questionnaires import extensions as known
from shared.events import SkipReason
from tests.conftest import URLS, Tokens, client_of
from tests.questionnaires import URL, Json, asking, calculated, extension, group, option, questionnaire, value_of, when
from tests.services.clinic import LIST_OF_NEXT_WEEK, NEXT_WEEK, Clinic, clinic_of
from tests.services.intake.conftest import OTHER, SITE
from tests.services.intake.test_own_forms import bring, problem, retire, told
from tests.sign_in.browser import Browser

HOME = URLS["intake"]
RULE = f"/v1/sites/{SITE}/survey-rule"
REASONS = extension(known.EXPLICIT_SKIP, valueBoolean=True)
HIDDEN = extension(known.HIDDEN, valueBoolean=True)
NO_REASON = extension(known.EXPLICIT_SKIP, valueBoolean=False)


def in_spanish(words: str) -> Json:
    said = [{"url": "lang", "valueCode": "es"}, {"url": "content", "valueString": words}]
    return {"extension": [extension(known.TRANSLATION, extension=said)]}


MILK = {"valueCoding": {"code": "milk", "display": "Milk", "_display": in_spanish("Leche")}}
DIET = questionnaire(
    group(
        "food",
        asking(
            "foods",
            "choice",
            text="What do you eat?",
            _text=in_spanish("¿Qué come?"),
            answerOption=[MILK, option("nuts")],
        ),
        asking("since", "date", text="Since when?", _text=in_spanish("¿Desde cuándo?")),
        text="Food",
        _text=in_spanish("Comida"),
    ),
    group("more", asking("note", "text", NO_REASON, text="Anything else?"), text="More", _text=in_spanish("Más")),
    url=f"{URL}/diet",
    title="What you eat",
    extension=[REASONS],
)
NAME = f"{URL}/diet|1.0"
CROHNS = "crohns-disease"


async def ask(clinic: Clinic, name: str, **more: Any) -> httpx.Response:
    return await clinic.system.put(RULE, json={"care_line": "+1 312 555 0123", "forms": {CROHNS: name}} | more)


@pytest.fixture
async def phone(clinic: Clinic) -> AsyncIterator[Browser]:
    """A phone whose patient has opened the link of a visit, at a site that asks its own form."""
    assert (await ask(clinic, await bring(clinic, DIET))).status_code == 200
    async with Browser({HOME: clinic.intake}) as browser:
        await browser.submit(await browser.open(await clinic.new_link(days=NEXT_WEEK)))
        yield browser


async def save(phone: Browser, number: int, go: str = "next", **fields: str) -> httpx.Response:
    return await phone.fill(f"{HOME}/survey/parts/{number}", {**fields, "go": go})


async def test_the_form_is_asked_in_its_sections_and_sent_as_every_survey(clinic: Clinic, phone: Browser) -> None:
    first = await phone.open(f"{HOME}/survey")
    assert "What do you eat?" in first.text
    assert 'type="date"' in first.text
    assert "+1 312 555 0123" in first.text
    again = await save(phone, 1, since="yesterday")
    assert again.status_code == 422, again.text
    second = await save(phone, 1, foods="milk", **{"~since": SkipReason.DO_NOT_KNOW})
    assert "Anything else?" in second.text
    review = await save(phone, 2, note="Tea (synthetic)")
    assert all(said in review.text for said in ("Food", "Milk", "Tea (synthetic)", "I do not know"))
    draft = (await clinic.intake.state.database.rows("SELECT * FROM survey_draft"))[0]
    assert (draft["form"], "Tea" in draft["words"]) == (NAME, False)
    thanks = await phone.fill(f"{HOME}/survey/send", {})
    assert str(thanks.url) == f"{HOME}/survey/thanks"
    (event,) = await told(clinic)
    assert (event.form, event.form_title) == (NAME, "What you eat")
    assert (event.answers, event.skipped, list(event.words)) == (
        {"foods": "milk"},
        {"since": SkipReason.DO_NOT_KNOW},
        ["note"],
    )


async def test_a_part_opens_after_what_the_form_calculates_and_is_sent_with_it(clinic: Clinic) -> None:
    total = asking("total", "integer", calculated(f"{value_of('a')} + {value_of('b')}"), HIDDEN)
    numbers = group("numbers", asking("a", "integer"), asking("b", "integer"), total, text="Numbers")
    why = asking("why", "text", enableWhen=[when("total", ">", answerInteger=5)])
    form = questionnaire(numbers, group("more", why, text="More"), url=f"{URL}/sum", extension=[REASONS])
    assert (await ask(clinic, await bring(clinic, form))).status_code == 200
    async with Browser({HOME: clinic.intake}) as phone:
        await phone.submit(await phone.open(await clinic.new_link(identifier="MRN-3")))
        assert "What about why?" not in (await save(phone, 1, a="1", b="2")).text
        assert "What about why?" in (await save(phone, 1, a="4", b="3")).text
        await save(phone, 2, why="Tea (synthetic)")
        assert str((await phone.fill(f"{HOME}/survey/send", {})).url) == f"{HOME}/survey/thanks"
    (event,) = await told(clinic)
    assert (event.answers, list(event.words)) == ({"a": 4, "b": 3, "total": 7}, ["why"])


async def test_the_clinics_list_says_how_far_it_has_come(clinic: Clinic, phone: Browser, token: Tokens) -> None:
    await save(phone, 1, foods="milk", since="2026-03-01")
    await save(phone, 2, go="save", note="Tea (synthetic)")
    async with client_of(clinic.intake, token("coordinator", [SITE])) as coordinator:
        assert "part 2 of 2" in (await coordinator.get(LIST_OF_NEXT_WEEK)).text


async def test_it_is_shown_in_the_languages_that_it_has(clinic: Clinic, phone: Browser) -> None:
    spanish = await save(phone, 1, go="lang-es")
    assert all(said in spanish.text for said in ("¿Qué come?", "Leche", "Comida", "English"))
    only_english = questionnaire(group("g", asking("note", "text"), text="Notes"), extension=[REASONS])
    assert (await ask(clinic, await bring(clinic, only_english))).status_code == 200
    async with Browser({HOME: clinic.intake}) as other:
        link = await clinic.new_link(identifier="MRN-2", language="es")
        await other.submit(await other.open(link))
        page = await other.open(f"{HOME}/survey")
        assert "What about note?" in page.text
        assert 'lang="en"' in page.text
        assert "Español" not in page.text
        await save(other, 1, go="lang-es")
        assert "Español" not in (await other.open(f"{HOME}/survey")).text


async def test_who_began_goes_on_with_their_form_until_it_is_retired(clinic: Clinic, phone: Browser) -> None:
    await save(phone, 1, foods="milk", since="2026-03-01")
    assert (await clinic.system.put(RULE, json={})).json()["forms"] == {}
    assert "Anything else?" in (await phone.open(f"{HOME}/survey/parts/2")).text
    (form_id,) = [
        one["id"] for one in (await clinic.system.get("/v1/forms")).json()["items"] if one["uploaded_at"] is not None
    ]
    await retire(clinic, form_id)
    assert "Anything else?" not in (await phone.open(f"{HOME}/survey/parts/2")).text


async def test_while_the_form_is_not_in_use_the_shipped_one_is_asked(clinic: Clinic) -> None:
    form_id = await bring(clinic, DIET)
    assert (await ask(clinic, NAME)).json()["forms"] == {CROHNS: NAME}
    await retire(clinic, form_id)
    async with Browser({HOME: clinic.intake}) as browser:
        await browser.submit(await browser.open(await clinic.new_link(days=NEXT_WEEK)))
        assert "What do you eat?" not in (await browser.open(f"{HOME}/survey")).text
    assert (await clinic.system.get(RULE)).json()["forms"] == {CROHNS: NAME}


async def test_other_diagnoses_are_asked_as_before(clinic: Clinic) -> None:
    await bring(clinic, DIET)
    await ask(clinic, NAME)
    async with Browser({HOME: clinic.intake}) as browser:
        await browser.submit(await browser.open(await clinic.new_link(diagnosis="ulcerative-colitis")))
        assert "What do you eat?" not in (await browser.open(f"{HOME}/survey")).text


@pytest.mark.parametrize(
    ("items", "named"),
    [
        ([group("g", asking("photo", "attachment"))], "photo"),
        ([group("g", asking("doctor", "reference"))], "doctor"),
        ([group("g", asking("weight", "quantity"))], "weight"),
        ([group("g", asking("often", "boolean", repeats=True))], "often"),
        ([group("screen", asking("a", "text"), repeats=True)], "screen"),
        ([group("g", group("of", asking("a", "text", repeats=True), repeats=True))], "a"),
        ([group("g", group("of", group("deep", asking("a", "text")), repeats=True))], "deep"),
        ([group("g", asking("at", "dateTime"))], "at"),
        ([asking("alone", "boolean")], "alone"),
        ([group("g", asking("a", "boolean", item=[asking("b", "text")]))], "a"),
        ([group("g", asking("bare", "boolean", text=""))], "bare"),
        ([group("g", asking("fatigue", "boolean"))], "fatigue"),
    ],
)
async def test_a_form_that_the_pages_cannot_ask_is_refused_with_what_they_cannot(
    clinic: Clinic, items: list[Json], named: str
) -> None:
    await bring(clinic, questionnaire(*items, extension=[REASONS]))
    answer = await ask(clinic, f"{URL}|1.0")
    assert problem(answer)[:2] == (422, "invalid")
    assert {error["field"] for error in answer.json()["errors"]} == {f"forms.{CROHNS}"}
    assert f"{named}: " in str(answer.json()["errors"])
    assert (await clinic.system.get(RULE)).json()["forms"] == {}


async def test_a_form_that_asks_for_no_reasons_is_not_for_the_pages(clinic: Clinic) -> None:
    await bring(clinic, questionnaire(group("g", asking("a", "boolean"))))
    answer = await ask(clinic, f"{URL}|1.0")
    assert "explicit-skip" in answer.json()["errors"][0]["expected"]


async def test_a_draft_a_retired_one_and_another_sites_are_refused(clinic: Clinic, token: Tokens) -> None:
    await bring(clinic, DIET | {"version": "2.0", "status": "draft"})
    await retire(clinic, await bring(clinic, DIET))
    async with clinic_of(clinic.intake, token, OTHER) as other:
        theirs = await bring(other, DIET | {"version": "3.0"})
        for name in (NAME, f"{URL}/diet|2.0", f"{URL}/diet|3.0", theirs, "pre-visit-crohns|1.0"):
            assert problem(await ask(clinic, name)) == (422, "invalid", [f"forms.{CROHNS}"])
