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


@pytest.mark.parametrize(("width", "form"), [(390, EVERY_KIND), (1366, EVERY_KIND), (390, DIET)])
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
