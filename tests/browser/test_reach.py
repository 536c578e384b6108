"""The page for whoever sees, reads or moves otherwise: in the dark, in forced colours, in large text, by keyboard."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from shared.events import Language, ViewerRole
from shared.speech import SPOKEN
from tests.browser.chromium import IS_INSTALLED, is_for_everybody, open_chromium
from tests.browser.test_print import FULL, ROLES, html_of, open_page

pytestmark = pytest.mark.browser
DESK, PHONE = ViewportSize(width=1366, height=768), ViewportSize(width=390, height=844)
_COMING = """
() => {
  const stops = [...document.querySelectorAll(
    "a[href], button, summary, select, textarea, input:not([type=hidden]), [tabindex='0']"
  )].filter((one) => one.checkVisibility());
  return stops[stops.indexOf(document.activeElement) + 1] ?? document.body;
}
"""
_HERE = """
() => {
  const here = document.activeElement;
  if (here === document.body) return null;
  const place = here.getBoundingClientRect();
  const middle = (place.top + Math.min(place.bottom, innerHeight)) / 2;
  const above = document.elementFromPoint(place.left + place.width / 2, middle);
  const { outlineStyle, outlineWidth, pointerEvents } = getComputedStyle(here);
  return {
    name: `${here.tagName} ${here.ariaLabel ?? here.labels?.[0]?.textContent ?? here.textContent.trim()}`,
    has_ring: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    is_seen: here.contains(above) || pointerEvents === "none",
    opens: here.tagName === "SUMMARY" && !here.parentElement.open,
    parts: here.type === "date" ? 4 : 1,
  };
}
"""


class Stop(NamedTuple):
    """Where the focus is. A day has `parts`, which take a Tab each."""

    name: str
    has_ring: bool
    is_seen: bool
    opens: bool
    parts: int


async def next_stop(page: Page, tabs: int = 1) -> Stop | None:
    """Where Tab leads, which is the next in the document that can have the focus now; None where it leaves the page."""
    coming = await page.evaluate_handle(_COMING)
    for _ in range(tabs):
        await page.keyboard.press("Tab")
    found = await page.evaluate(_HERE)
    assert await page.evaluate("(coming) => document.activeElement === coming", coming), f"not in order: {found}"
    return None if found is None else Stop(**found)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("screen", [{"color_scheme": "dark"}, {"forced_colors": "active"}], ids=str)
async def test_the_page_is_for_everybody_in_the_dark_and_in_forced_colours(
    chromium: Browser, screen: dict[str, str], role: ViewerRole
) -> None:
    for size in (DESK, PHONE):
        page = await open_page(chromium, html_of(FULL, role), **screen)
        await page.set_viewport_size(size)
        await is_for_everybody(page)
        await page.context.close()


@pytest.mark.parametrize("language", SPOKEN)
async def test_what_both_talk_about_is_larger_on_a_shared_screen_and_in_sight(
    chromium: Browser, language: Language
) -> None:
    heights = []
    for is_shared in (False, True):
        page = await open_page(chromium, html_of(FULL, ViewerRole.CLINICIAN, language, is_shared=is_shared))
        heights.append(
            [
                await page.locator(name).first.evaluate(
                    "(one) => { const range = new Range(); range.selectNodeContents(one);"
                    " return range.getClientRects()[0].height; }"
                )
                for name in (".concerns li p", ".concerns .goal", ".reading .word", ".reading .is-chosen")
            ]
        )
    assert min(large / usual for usual, large in zip(*heights, strict=True)) >= 1.2
    for panel in (".concerns", ".how"):
        assert await page.locator(panel).evaluate("one => one.getBoundingClientRect().bottom") <= 768
    await is_for_everybody(page)


@pytest.mark.parametrize("has_script", [True, False])
async def test_a_shared_screen_without_a_script_says_that_nothing_covers_it(
    chromium: Browser, *, has_script: bool
) -> None:
    html = html_of(FULL, ViewerRole.CLINICIAN, is_shared=True)
    page = await open_page(chromium, html, java_script_enabled=has_script)
    assert await page.get_by_text("Here the page does not cover itself").is_visible() is not has_script


@pytest.fixture
async def large_text() -> AsyncIterator[Browser]:
    """A browser in which text is twice as large as usual."""
    if not IS_INSTALLED:
        pytest.skip("no Chromium here: apt-get install chromium")
    async with open_chromium("--blink-settings=defaultFontSize=32") as browser:
        yield browser


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("language", SPOKEN)
async def test_text_of_twice_the_size_needs_no_scrolling_sideways(
    large_text: Browser, language: Language, role: ViewerRole
) -> None:
    for is_shared in (False, True):
        page = await open_page(large_text, html_of(FULL, role, language, is_shared=is_shared))
        for size in (DESK, PHONE):
            await page.set_viewport_size(size)
            assert await page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
            await is_for_everybody(page)
        await page.context.close()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_tab_reaches_everything_in_the_order_of_the_page_and_leaves_it_again(
    chromium: Browser, size: ViewportSize, role: ViewerRole
) -> None:
    page = await open_page(chromium, html_of(FULL, role), reduced_motion="reduce")
    await page.set_viewport_size(size)
    await page.locator("[data-when=lost]").wait_for()
    count, stop = 0, await next_stop(page)
    while stop is not None:
        assert stop.has_ring, f"nobody sees that the focus is on {stop.name}"
        assert stop.is_seen, f"{stop.name} is hidden when it has the focus"
        if stop.opens:
            await page.keyboard.press("Enter")
        count, stop = count + 1, await next_stop(page, stop.parts)
    assert count > 20


async def test_a_step_that_is_saved_without_a_connection_stays_in_its_field_and_the_page_says_so(
    chromium: Browser,
) -> None:
    page = await open_page(chromium, html_of(FULL, ViewerRole.CLINICIAN))
    said = page.get_by_text("Not saved: there is no connection.")
    await page.context.set_offline(True)
    await page.get_by_text("Add a step", exact=True).click()
    form = page.locator("form[data-plan^=add]")
    await form.get_by_label("What").fill("Ask the insurer")
    await expect(said).to_be_hidden()
    await form.get_by_role("button", name="Add to the plan").click()
    await expect(said).to_be_visible()
    await expect(form.get_by_label("What")).to_have_value("Ask the insurer")
    await page.get_by_role("button", name="Tick as done").first.click()
    assert page.url == "http://samepage.test/page"
    await is_for_everybody(page)
    await page.context.set_offline(False)
    await expect(said).to_be_hidden()


@pytest.mark.parametrize("summary", ["Download", "Why this shows", "Show as table"])
async def test_escape_closes_what_lies_over_the_page_and_the_focus_stays_there(chromium: Browser, summary: str) -> None:
    page = await open_page(chromium, html_of(FULL, ViewerRole.CLINICIAN))
    opener = page.locator("summary", has_text=summary).first
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(opener.locator("xpath=..")).to_have_attribute("open", "")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Escape")
    await expect(opener.locator("xpath=..")).not_to_have_attribute("open", "")
    await expect(opener).to_be_focused()
