"""What is seen without scrolling: the essentials at a desk, in each language, and what comes first on a phone."""

from datetime import date

import pytest
from playwright.async_api import Browser, Page

from shared.events import Language, ViewerRole
from shared.speech import SPOKEN
from tests.browser.chromium import is_for_everybody
from tests.browser.test_print import FULL, ROLES, html_of, open_page
from tests.browser.test_states import State
from tests.browser.test_states import open_page as open_state
from tests.builders import a_lab, a_medication, an_id
from tests.services.dashboard.test_page_html import a_rich_page

pytestmark = pytest.mark.browser
ESSENTIALS = (".who", ".changed", "[data-panel=concerns]", "[data-panel=how]")
"""How old each source is, and what is missing, is in the first."""
LEVEL = a_lab(lab_id=an_id("level"), loinc="86894-3", name="Adalimumab level", value=9, unit="ug/mL")
"""With it two answers are missing, as many as there is room for in both languages."""

MESALAMINE = a_medication(
    medication_id=an_id("mesalamine"),
    name="Mesalamine",
    drug_class="5-asa",
    dose="2.4 g daily",
    started_on=date(2024, 6, 10),
    stopped_on=date(2025, 12, 3),
    stop_reason="no-response",
)
"""The third on the chart, as many as the page of the demo has."""


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


@pytest.mark.parametrize(
    "state",
    [State(a_rich_page(MESALAMINE)), State(a_rich_page(), language=Language.SPANISH)],
    ids=["three medicines", "spanish"],
)
async def test_a_clinicians_whole_page_is_on_a_clinics_screen_where_little_is_out_of_the_ordinary(
    chromium: Browser, state: State
) -> None:
    async with open_state(chromium, state.html, state) as page:
        assert await page.evaluate("document.documentElement.scrollHeight") <= 768


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
