"""What is seen without scrolling: the essentials at a desk, in each language, and what comes first on a phone."""

import pytest
from playwright.async_api import Browser, Page

from shared.events import Language, ViewerRole
from shared.speech import SPOKEN
from tests.browser.chromium import is_for_everybody
from tests.browser.test_print import FULL, ROLES, html_of, open_page
from tests.builders import a_lab, an_id

pytestmark = pytest.mark.browser
ESSENTIALS = (".who", ".changed", "[data-panel=concerns]", "[data-panel=how]")
"""How old each source is, and what is missing, is in the first."""
LEVEL = a_lab(lab_id=an_id("level"), loinc="86894-3", name="Adalimumab level", value=9, unit="ug/mL")
"""With it two answers are missing, as many as there is room for in both languages."""


async def ends(page: Page) -> dict[str, float]:
    """Where each of the essentials and the whole end, in pixels from the top."""
    end = "one => one.getBoundingClientRect().bottom"
    return {name: await page.locator(name).evaluate(end) for name in (*ESSENTIALS, ".foot")}


@pytest.mark.parametrize("role", ROLES)
async def test_the_essentials_are_on_a_clinics_screen_in_each_language(chromium: Browser, role: ViewerRole) -> None:
    found = {}
    for language in SPOKEN:
        page = await open_page(chromium, html_of([*FULL, LEVEL], role, language))
        await page.evaluate("document.fonts.ready")
        found[language] = await ends(page)
        assert max(found[language][name] for name in ESSENTIALS) <= 768, language
        await page.context.close()
    for name, end in found[Language.ENGLISH].items():
        assert found[Language.SPANISH][name] - end < 12, f"{name} takes a line more in Spanish"


@pytest.mark.parametrize("language", SPOKEN)
async def test_on_a_phone_the_next_steps_come_before_the_charts(chromium: Browser, language: Language) -> None:
    page = await open_page(chromium, html_of(FULL, ViewerRole.PATIENT, language))
    await page.set_viewport_size({"width": 390, "height": 844})
    top = "one => one.getBoundingClientRect().top"
    names = ("concerns", "plan", "how", "trends", "care")
    tops = [await page.locator(f"[data-panel={name}]").evaluate(top) for name in names]
    assert tops == sorted(tops)
    (first,) = await page.locator(".jump a").evaluate_all("all => all.slice(0, 1).map((one) => one.hash)")
    assert first == "#h-plan"
    await is_for_everybody(page)
