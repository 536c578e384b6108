"""The survey in Chromium: every screen for everybody, by keyboard, without a script, over a connection that drops."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, Route, expect

from deploy.local.ports import keep_or_choose
from shared.events import SurveyCompleted
from tests.browser.chromium import is_for_everybody
from tests.conftest import Apps, Tokens, served
from tests.services.clinic import Clinic, clinic_of
from tests.services.streams import published
from tests.waiting import until

pytestmark = pytest.mark.browser
KEPT = "Kept on this phone until we can save: What to talk about."


@pytest.fixture
async def clinic(app: Apps, token: Tokens) -> AsyncIterator[Clinic]:
    async with clinic_of(await app("intake"), token, "site-01") as clinic:
        yield clinic


@pytest.fixture
async def home(clinic: Clinic) -> AsyncIterator[str]:
    (port,) = keep_or_choose((), 1)
    async with served(clinic.intake, port) as address:
        yield address


async def no_look(page: Page) -> None:
    """Nothing is looked at on the way."""


async def open_survey(
    context: BrowserContext, clinic: Clinic, home: str, *, look: Callable[[Page], Awaitable[None]] = no_look
) -> Page:
    """A page on the first part of a new patient's survey, and a look at each of the screens before it."""
    page = await context.new_page()
    await page.goto(home + urlsplit(await clinic.new_link()).path)
    await look(page)
    await page.locator("main button").click()
    await look(page)
    await page.get_by_role("link", name="Answer the questions").click()
    await page.wait_for_url(re.compile("/survey/parts/1"))
    return page


async def answer(page: Page, *, nth: int = 0) -> None:
    """Every question of the part: a short text, or one of the answers that are offered."""
    for question in await page.locator("fieldset.question:visible").all():
        if await question.locator("textarea").count():
            await question.locator("textarea").fill("Me duele después de comer.")
            continue
        offered = question.locator(":scope > .opts input, :scope > .nums input")
        await offered.nth(min(nth, await offered.count() - 1)).check(force=True)


async def press_next(page: Page) -> None:
    before = page.url
    await page.locator(".survey-nav .btn-main").click()
    await page.wait_for_url(lambda url: url != before)


async def all_is_sent(page: Page) -> None:
    """Nothing is kept on the phone any more."""

    async def is_sent() -> bool:
        return not await page.evaluate("localStorage.length")

    await until(is_sent)


async def walk(page: Page) -> AsyncIterator[str]:
    """Every screen from the first part to the thanks, each once it is answered: the last part of its address."""
    while "/thanks" not in page.url:
        if "/parts/" in page.url:
            await answer(page, nth=3 if "/parts/4" in page.url else 0)  # in the fourth, severe
        yield page.url
        if "/call/" in page.url:
            await page.locator("main a.btn").last.click()
        else:
            await press_next(page)
    yield page.url


class Eyes(NamedTuple):
    """Who looks, and on what: 320 pixels are 1280 at 400 % zoom."""

    width: int
    color_scheme: Literal["dark", "light"]
    forced_colors: Literal["active", "none"]
    language: str


@pytest.mark.parametrize(
    "eyes",
    [
        Eyes(390, "light", "none", "es"),
        Eyes(320, "dark", "none", "en"),
        Eyes(320, "light", "active", "en"),
        Eyes(1280, "light", "active", "en"),
    ],
)
async def test_a_whole_survey_is_for_everybody_on_every_screen(
    clinic: Clinic, home: str, chromium: Browser, eyes: Eyes
) -> None:
    context = await chromium.new_context(
        viewport={"width": eyes.width, "height": 844}, color_scheme=eyes.color_scheme, forced_colors=eyes.forced_colors
    )
    page = await open_survey(context, clinic, home, look=is_for_everybody)
    if eyes.language == "es":
        await page.get_by_role("button", name="Español").click()
        await expect(page.locator("html")).to_have_attribute("lang", "es")
    screens = []
    async for screen in walk(page):
        await is_for_everybody(page)
        screens.append(screen)
    assert len(screens) >= 15
    assert any("/call/" in screen for screen in screens)
    (survey,) = [one.body for one in await published(clinic.intake) if isinstance(one.body, SurveyCompleted)]
    assert survey.language == eyes.language
    await context.close()


async def test_answers_given_without_a_connection_are_kept_and_sent_when_it_is_back(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 844})
    page = await open_survey(context, clinic, home)
    await context.set_offline(True)
    await page.locator("textarea").first.fill("The cramps are back")
    await expect(page.locator("[data-status]")).to_contain_text(KEPT)
    await page.close()
    await context.set_offline(False)
    again = await context.new_page()
    await again.goto(f"{home}/survey/parts/3")
    await expect(again.locator("[data-status]")).not_to_contain_text("Kept", timeout=20_000)

    async def is_saved() -> bool:
        rows = await clinic.intake.state.database.rows("SELECT words FROM survey_draft")
        return bool(rows) and "concern_1_words" in rows[0]["words"]

    await until(is_saved)
    await all_is_sent(again)
    await again.goto(f"{home}/survey/parts/1")
    await expect(again.locator("textarea").first).to_have_value("The cramps are back")
    await context.close()


async def test_next_waits_for_the_connection_and_goes_on_by_itself(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 844})
    page = await open_survey(context, clinic, home)
    await answer(page)
    await context.set_offline(True)
    await page.locator(".survey-nav .btn-main").click()
    await expect(page.locator("[data-status]")).to_contain_text("No connection. We keep trying.")
    assert "/parts/1" in page.url
    await context.set_offline(False)
    await page.wait_for_url(re.compile("/parts/2"), timeout=20_000)
    await context.close()


class Drop:
    """A connection that drops the first time that something other than an answer is sent over it."""

    def __init__(self) -> None:
        self.dropped = 0

    async def __call__(self, route: Route) -> None:
        if "go=save" in (route.request.post_data or "go=save") or self.dropped:
            await route.continue_()
        else:
            self.dropped += 1
            await route.abort()


async def test_a_connection_that_drops_while_a_page_is_left_leaves_it_standing_and_it_is_left_once_it_can(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 844})
    page = await open_survey(context, clinic, home)
    leaves = 0
    async for screen in walk(page):
        await page.unroute_all()
        if re.search(r"/parts/[12]\b|/review", screen):
            await page.route(re.compile("/survey/(parts|send)"), drop := Drop())
            await page.locator(".survey-nav .btn-main").click()
            await expect(page.locator("[data-status]")).to_contain_text("No connection. We keep trying.")
            assert (page.url, drop.dropped) == (screen, 1)
            leaves += 1
    assert leaves == 3
    assert [type(one.body) for one in await published(clinic.intake)].count(SurveyCompleted) == 1
    await context.close()


async def test_answers_of_a_session_that_ended_are_kept_until_the_link_is_opened_again(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 844})
    page = await open_survey(context, clinic, home)
    await context.clear_cookies()
    await page.locator("textarea").first.fill("The cramps are back")
    await expect(page.locator("[data-status]")).to_contain_text(KEPT)
    await answer(page)
    await page.locator(".survey-nav .btn-main").click()
    await expect(page.locator("[data-status]")).to_have_count(0)
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page is closed")
    assert "Me+duele" in await page.evaluate("Object.values(localStorage).join()")
    await context.close()


async def test_a_number_that_is_wrong_is_not_called_saved_and_next_says_so(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 844})
    page = await open_survey(context, clinic, home)
    await page.goto(f"{home}/survey/parts/4")
    await answer(page)
    more = page.locator("input[name='+loose_stools_per_day']")
    await page.locator("input[name=loose_stools_per_day][value='+']").check(force=True)
    await expect(page.locator("[data-status]")).to_contain_text("Saved")
    await more.fill("a lot")
    await expect(page.locator("[data-status]")).to_have_text("")
    await page.locator(".survey-nav .btn-main").click()
    await expect(page.get_by_role("alert").first).to_be_visible()
    await expect(more).to_have_value("a lot")
    await context.close()


async def test_a_part_is_answered_by_keyboard_alone(clinic: Clinic, home: str, chromium: Browser) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 844})
    page = await open_survey(context, clinic, home)
    await page.goto(f"{home}/survey/parts/3")
    await page.locator("fieldset.question input").first.focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("input[value=false]")).to_be_checked()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.tagName") == "SUMMARY"
    await page.keyboard.press("Enter")
    await expect(page.locator("details.skipq")).to_have_attribute("open", "")
    await page.locator("fieldset.question input[value=false]").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/parts/4"))
    await context.close()


async def press_enter_on(page: Page, target: Locator) -> None:
    """Go to something with the Tab key, and press it."""
    for _ in range(99):
        if await target.evaluate("it => it === document.activeElement"):
            await page.keyboard.press("Enter")
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"the Tab key does not lead to {target}")


async def answer_by_keyboard(page: Page) -> None:
    """Every question of a part as the Tab key leads through it: words, or the first of what is offered."""
    for question in await page.locator("fieldset.question:visible").all():
        while not await question.evaluate("it => it.contains(document.activeElement)"):
            await page.keyboard.press("Tab")
        if await question.locator("textarea").count():
            await page.keyboard.type("The cramps are back")
        else:
            await page.keyboard.press("Space")


async def test_a_whole_survey_is_answered_and_sent_by_keyboard_alone(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    page = await (await chromium.new_context(viewport={"width": 390, "height": 844})).new_page()
    await page.goto(home + urlsplit(await clinic.new_link()).path)
    await press_enter_on(page, page.locator("main button"))
    await page.wait_for_url("**/start")
    await press_enter_on(page, page.get_by_role("link", name="Answer the questions"))
    await page.wait_for_url("**/survey/parts/1*")
    while "/thanks" not in page.url:
        before = page.url
        if "/parts/" in before:
            await answer_by_keyboard(page)
        await press_enter_on(page, page.locator(".survey-nav .btn-main"))
        await page.wait_for_url(re.compile(f"^(?!{re.escape(before)}$)"))
    assert [type(one.body) for one in await published(clinic.intake)].count(SurveyCompleted) == 1
    await page.context.close()


async def test_without_a_script_everything_works(clinic: Clinic, home: str, chromium: Browser) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = await open_survey(context, clinic, home)
    screens = [screen async for screen in walk(page)]
    assert screens[-1].endswith("/survey/thanks")
    assert [type(one.body) for one in await published(clinic.intake)].count(SurveyCompleted) == 1
    await context.close()


async def test_a_severe_answer_shows_whom_to_call_before_next_is_pressed(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 844})
    page = await open_survey(context, clinic, home)
    await page.goto(f"{home}/survey/parts/4")
    await expect(page.locator(".call-now:visible")).to_have_count(0)
    await page.locator("input[name=abdominal_pain][value='3']").check(force=True)
    await expect(page.locator(".call-now:visible")).to_have_count(1)
    await is_for_everybody(page)
    await context.close()
