"""A site's own form in Chromium: every kind of question that the pages can ask, for everybody on every screen."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from services.intake.domain.questionnaires import extensions as known
from shared.fhir import UCUM
from tests.browser.chromium import is_for_everybody
from tests.browser.test_survey import clinic, home, open_survey, press_next
from tests.questionnaires import Json, asking, extension, group, option, questionnaire
from tests.services.clinic import Clinic
from tests.services.intake.test_own_forms import bring, told
from tests.services.intake.test_own_forms_asked import DIET, REASONS, ask
from tests.services.intake.test_own_forms_repeating import FORM

__all__ = ["clinic", "home"]
pytestmark = pytest.mark.browser


def bounds(low: int, high: int) -> list[Json]:
    return [extension(known.MIN_VALUE, valueInteger=low), extension(known.MAX_VALUE, valueInteger=high)]


KG = {"system": UCUM, "code": "kg", "display": "kg"}
CM = {"system": UCUM, "code": "cm", "display": "cm"}
INCH = {"system": UCUM, "code": "[in_i]", "display": "inch"}
EVERY_KIND = questionnaire(
    group(
        "all",
        {"linkId": "lead", "type": "display", "text": "About your last month (synthetic)."},
        asking("yes", "boolean"),
        asking("one", "choice", answerOption=[option("milk"), option("nuts")]),
        asking("scale", "integer", *bounds(0, 10)),
        asking("count", "integer", *bounds(0, 99)),
        asking("any", "decimal"),
        asking("day", "date"),
        asking("clock", "time"),
        asking("name", "string", maxLength=40),
        asking("why", "text"),
        asking("weight", "quantity", extension(known.UNIT, valueCoding=KG)),
        asking("height", "quantity", *(extension(known.UNIT_OPTION, valueCoding=unit) for unit in (CM, INCH))),
        text="All that can be asked",
    ),
    group(
        "several",
        asking("foods", "choice", repeats=True, answerOption=[option("milk"), option("nuts")]),
        asking("allergies", "string", repeats=True),
        asking("doses", "quantity", extension(known.UNIT, valueCoding=KG), repeats=True),
        group("meals", asking("at", "time"), asking("what", "string"), asking("warm", "boolean"), repeats=True),
        text="What comes more than once",
    ),
    extension=[REASONS],
)


async def fill_in(question: Locator) -> None:
    offered = question.locator(":scope > .opts input, :scope > .nums input")
    if await offered.count():
        await offered.first.check(force=True)
        return
    texts = {"date": "2026-03-01", "time": "08:30"}
    fields = question.locator(":scope > input:not([type=hidden]), :scope > textarea, :scope > .measure > input")
    for field in await fields.all():
        await field.fill(texts.get(await field.get_attribute("type") or "", "4"))
    for unit in await question.locator(":scope > .measure input[type=radio]:first-of-type").all():
        await unit.check(force=True)


async def answer_part(page: Page) -> None:
    for question in await page.locator("fieldset.question:visible").all():
        await fill_in(question)


@pytest.mark.parametrize(("width", "has_script"), [(320, True), (390, True), (390, False)])
async def test_one_more_and_one_less_by_keyboard_with_a_script_and_without(
    clinic: Clinic, home: str, chromium: Browser, width: int, *, has_script: bool
) -> None:
    assert (await ask(clinic, await bring(clinic, FORM))).status_code == 200
    context = await chromium.new_context(
        viewport={"width": width, "height": 844}, java_script_enabled=has_script, locale="en-US"
    )
    page = await open_survey(context, clinic, home)
    pets = page.locator("textarea[name^='pets[']")
    await pets.fill("A cat (synthetic)")
    await page.locator("button[value='more:pets']").press("Enter")
    await expect(pets).to_have_count(2)
    await expect(pets.last).to_be_focused()
    await page.keyboard.type("A dog (synthetic)")
    await page.locator("[name='days[2]']").fill("2026-03-02")
    await page.locator("[name='what[1]']").fill("Porridge (synthetic)")
    await page.locator("button[value='more:meals']").press("Enter")
    second = page.get_by_role("group", name="Meals 2")
    await expect(second).to_be_focused()
    await second.get_by_label("What about what?").fill("Soup (synthetic)")
    await page.locator("[name='usual']").fill("a lot")
    await page.locator(".survey-nav .btn-main").press("Enter")
    await expect(page.locator(".question:has([name='usual']) [role=alert]")).to_have_text(
        "The answer must be a number with its unit."
    )
    await expect(page.locator("[name='usual']")).to_have_value("a lot")
    if has_script:
        await is_for_everybody(page)
    await page.locator("[name='usual']").fill("")
    await page.locator("button[value='less:meals[1]']").press("Enter")
    await expect(second).to_have_count(0)
    await expect(page.locator("[name='what[1]']")).to_have_value("Soup (synthetic)")
    await expect(pets).to_have_count(2)
    if has_script:
        await is_for_everybody(page)


@pytest.mark.parametrize(("width", "form"), [(320, EVERY_KIND), (390, EVERY_KIND), (1366, EVERY_KIND), (390, DIET)])
async def test_a_form_of_the_site_is_for_everybody_on_every_screen(
    clinic: Clinic,
    home: str,
    chromium: Browser,
    width: int,
    form: dict[str, Any],
) -> None:
    assert (await ask(clinic, await bring(clinic, form))).status_code == 200
    page = await open_survey(await chromium.new_context(viewport={"width": width, "height": 844}), clinic, home)
    await expect(page.get_by_role("button", name="Español")).to_have_count(1 if form is DIET else 0)
    screens = 0
    while "/thanks" not in page.url:
        await is_for_everybody(page)
        if "/parts/" in page.url:
            await answer_part(page)
            await is_for_everybody(page)
        await press_next(page)
        screens += 1
    await expect(page.locator("main")).to_contain_text(re.compile("thank", re.IGNORECASE))
    assert screens == len(form["item"]) + 1
    (event,) = await told(clinic)
    if form is EVERY_KIND:
        assert event.answers == {
            "yes": True,
            "one": "milk",
            "scale": 0,
            "count": 0,
            "any": 4,
            "day": "2026-03-01",
            "clock": "08:30:00",
            "foods[1]": "milk",
            "at[1]": "08:30:00",
            "warm[1]": True,
        }
        assert sorted(event.words) == ["allergies[1]", "doses[1]", "height", "name", "weight", "what[1]", "why"]
