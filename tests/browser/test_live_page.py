"""The page in Chromium while it is open: facts that arrive, connections that drop, tabs that close, a shared screen."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from deploy.local.ports import keep_or_choose
from services.dashboard.app import create_app
from services.dashboard.worker import SUBSCRIPTION
from shared.auth import Caller, Role
from shared.db import transaction
from shared.events import Body, ClinicianDataUpdated, SurveyCompleted, ViewEnd
from shared.settings import Limits
from tests.browser.chromium import is_for_everybody
from tests.builders import (
    PATIENT,
    SITE,
    a_lab,
    a_medication,
    a_site,
    a_survey,
    a_visit,
    an_enrollment,
    an_event,
    an_id,
)
from tests.conftest import Apps, served
from tests.services.streams import arrive
from tests.services.trails import trail
from tests.sign_in.conftest import Clock
from tests.waiting import until

pytestmark = pytest.mark.browser
PATH = f"/patients/{PATIENT}"
LIVE, LOST = "[data-when=live]", "[data-when=lost]"


class Home(NamedTuple):
    """The running dashboard with one patient, and where it is."""

    application: FastAPI
    address: str
    clock: Clock

    async def hears(self, body: ClinicianDataUpdated | SurveyCompleted, sequence: int) -> None:
        await arrive(self.application, SUBSCRIPTION, an_event(body, sequence=sequence, event_id=uuid4()))

    async def views(self) -> list[tuple[str | None, int | None, list[str]]]:
        rows = await self.application.state.database.rows("SELECT * FROM view ORDER BY opened_at")
        return [(row["closed_by"], row["duration_ms"], list(row["panels"])) for row in rows]

    async def has_heard(self, times: int) -> None:
        """How long somebody looked."""

        async def so_often() -> bool:
            return len(await trail(self.application, route="lengthen_view")) == times

        await until(so_often)


@pytest.fixture
async def home(app: Apps) -> AsyncIterator[Home]:
    whole = await app("dashboard")
    bodies: list[Body] = [a_site(), an_enrollment(), a_visit(), a_survey(), a_medication()]
    await arrive(whole, SUBSCRIPTION, *(an_event(body) for body in bodies))
    clock = Clock()
    application = create_app(whole.state.settings.model_copy(update={"limits": Limits()}), clock=clock)
    application.state.database = whole.state.database
    (port,) = keep_or_choose((), 1)
    async with application.router.lifespan_context(application), served(application, port) as address:
        yield Home(application, address, clock)


async def signed_in(home: Home, chromium: Browser, *, width: int = 390, has_script: bool = True) -> BrowserContext:
    """The browser of a clinician of the site."""
    caller, sessions = Caller("dr-own", Role.CLINICIAN, frozenset({SITE})), home.application.state.sessions
    async with transaction(home.application.state.pool, caller.scope) as connection:
        secret = await sessions.open(connection, caller)
    context = await chromium.new_context(viewport={"width": width, "height": 700}, java_script_enabled=has_script)
    await context.add_cookies(
        [{"name": sessions.cookie, "value": secret, "url": home.address.replace("http:", "https:"), "secure": True}]
    )
    return context


async def open_page(context: BrowserContext, home: Home, query: str = "") -> Page:
    page = await context.new_page()
    await page.goto(home.address + PATH + query)
    return page


async def has_been_open(page: Page, milliseconds: int) -> None:
    """With its scripts begun."""
    begun = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd || Infinity"

    async def for_so_long() -> bool:
        return bool(await page.evaluate(f"performance.now() - ({begun})") > milliseconds)

    await until(for_so_long)


async def refuse(route: Route) -> None:
    await route.fulfill(status=503)


def a_result(number: int) -> ClinicianDataUpdated:
    taken_at = datetime(2026, 10, number, 9, 0, tzinfo=UTC)
    return a_lab(lab_id=an_id(f"lab-{number}"), value=number, taken_at=taken_at)


async def test_a_new_fact_appears_within_a_second_and_what_is_read_stays_where_it_is(
    home: Home, chromium: Browser
) -> None:
    context = await signed_in(home, chromium)
    page = await open_page(context, home)
    await expect(page.locator(LIVE)).to_be_visible()
    medicines = page.locator("details.as-table").nth(1)
    await medicines.locator("summary").click()
    await page.locator("body").evaluate("document.activeElement.blur()")
    await page.locator("#h-care").evaluate("one => one.scrollIntoView({ behavior: 'instant', block: 'center' })")
    before = await page.locator("#h-care").evaluate("one => one.getBoundingClientRect().top")
    await home.hears(a_result(7), 2)
    await expect(page.locator("[data-panel=trends]")).to_contain_text("7 on 7 Oct 2026", timeout=1000)
    assert abs(await page.locator("#h-care").evaluate("one => one.getBoundingClientRect().top") - before) < 1
    assert await medicines.get_attribute("open") is not None
    await expect(page.locator("[data-show-new]")).to_be_hidden()
    await expect(page.locator("[data-mark]")).to_contain_text("Live, updated")
    assert len(await home.views()) == 1, "it is the same look"
    assert len(await trail(home.application, route="show_page", kind="read")) == 2
    assert len(await trail(home.application, route="follow_shown_page", kind="read")) == 1
    await context.close()


async def test_a_panel_in_use_is_left_alone_until_its_reader_says_so(home: Home, chromium: Browser) -> None:
    await home.hears(a_result(6), 2)
    context = await signed_in(home, chromium)
    page = await open_page(context, home)
    await expect(page.locator(LIVE)).to_be_visible()
    labs = page.locator("details.as-table").nth(2)
    await labs.locator("summary").focus()
    await page.keyboard.press("Enter")
    await home.hears(a_result(7), 3)
    await expect(page.get_by_role("button", name="New: show it")).to_be_visible()
    await expect(labs.locator("tbody tr")).to_have_count(1)
    await is_for_everybody(page)
    await page.get_by_role("button", name="New: show it").click()
    await expect(labs.locator("tbody tr")).to_have_count(2)
    await expect(page.locator("[data-show-new]")).to_be_hidden()
    assert await labs.get_attribute("open") is not None
    await context.close()


async def test_a_lost_connection_is_said_with_its_time_and_found_again_by_itself(home: Home, chromium: Browser) -> None:
    context = await signed_in(home, chromium)
    page = await open_page(context, home)
    await expect(page.locator(LIVE)).to_be_visible()
    await context.set_offline(True)
    await expect(page.locator(LOST)).to_be_visible()
    await expect(page.locator("[data-mark]")).to_contain_text("Not live since")
    assert ":" in (await page.locator("[data-since]").inner_text())
    await is_for_everybody(page)
    await home.hears(a_result(7), 2)
    await context.set_offline(False)
    await expect(page.locator(LIVE)).to_be_visible()
    await expect(page.locator("[data-panel=trends]")).to_contain_text("7 on 7 Oct 2026")
    await context.close()


async def test_a_page_that_cannot_be_fetched_for_a_while_holds_one_connection(home: Home, chromium: Browser) -> None:
    context = await signed_in(home, chromium)
    begun: list[str] = []
    ended: list[str] = []
    context.on("request", lambda request: begun.append(request.url))
    context.on("requestfinished", lambda request: ended.append(request.url))
    context.on("requestfailed", lambda request: ended.append(request.url))
    page = await open_page(context, home)
    await expect(page.locator(LIVE)).to_be_visible()
    await page.route(f"**{PATH}", refuse, times=2)
    await home.hears(a_result(7), 2)
    await expect(page.locator("[data-panel=trends]")).to_contain_text("7 on 7 Oct 2026", timeout=10_000)
    await expect(page.locator(LIVE)).to_be_visible()
    stream = f"{home.address}{PATH}/live"
    assert begun.count(stream) == 3

    async def has_given_the_others_back() -> bool:
        return ended.count(stream) == 2

    await until(has_given_the_others_back)
    await context.close()


async def test_a_page_leaves_the_screen_when_its_reader_signs_out_elsewhere(home: Home, chromium: Browser) -> None:
    context = await signed_in(home, chromium)
    page = await open_page(context, home)
    await expect(page.locator(LIVE)).to_be_visible()
    await home.application.state.database.run("DELETE FROM session")
    await expect(page.locator("body")).to_contain_text("This page is closed")
    await expect(page.locator("[data-panel]")).to_have_count(0)
    await context.close()


async def test_a_tab_that_is_closed_says_how_long_it_was_looked_at_and_which_panels_were_seen(
    home: Home, chromium: Browser
) -> None:
    context = await signed_in(home, chromium)
    page = await open_page(context, home)
    await has_been_open(page, 2500)
    await page.evaluate("document.querySelector('[data-panel=checks]').scrollIntoView({behavior: 'instant'})")
    await page.close(run_before_unload=True)

    async def is_heard_of() -> bool:
        return (await home.views())[0][0] == ViewEnd.BEACON

    await until(is_heard_of)
    ((_, duration_ms, panels),) = await home.views()
    assert duration_ms is not None
    assert duration_ms >= 1500
    assert "who" in panels
    assert "checks" not in panels, "it was on the screen for a moment only"
    await context.close()


async def reload(page: Page) -> None:
    await page.reload()


async def show_five_years_or_one(page: Page) -> None:
    name = "12 months" if "span=" in page.url else "5 years"
    async with page.expect_navigation():
        await page.get_by_role("link", name=name).click()


@pytest.mark.parametrize(
    ("load_anew", "says_before"), [(reload, True), (show_five_years_or_one, True), (show_five_years_or_one, False)]
)
async def test_a_page_that_is_loaded_anew_is_one_look_as_long_as_all_of_it_was_on_the_screen(
    home: Home, chromium: Browser, load_anew: Callable[[Page], Awaitable[None]], *, says_before: bool
) -> None:
    """Some browsers of phones do not say before they ask for the next page that they leave this one."""
    context = await signed_in(home, chromium)
    if not says_before:
        await context.add_init_script("addEventListener('beforeunload', (event) => event.stopImmediatePropagation())")
    page = await open_page(context, home)
    for times in range(1, 4):
        await has_been_open(page, 500)
        home.clock.go_on(minutes=2)
        await load_anew(page)
        await home.has_heard(times)
    known = 3 * 500
    for times in (4, 5):
        await has_been_open(page, 500)
        await page.close(run_before_unload=True)
        await home.has_heard(times)
        ((_, duration_ms, _),) = await home.views()
        assert duration_ms is not None
        assert duration_ms >= known + 500
        known, page = duration_ms, await open_page(context, home)
    assert len(await home.views()) == 1, "in another tab as well"
    await context.close()


async def test_a_page_that_is_rendered_ahead_reports_nothing_and_follows_nothing(home: Home, chromium: Browser) -> None:
    context = await signed_in(home, chromium)
    await context.add_init_script("Object.defineProperty(document, 'prerendering', { value: true, writable: true })")
    page = await open_page(context, home)
    await has_been_open(page, 1500)
    await expect(page.locator("[data-when=still]")).to_be_visible()
    await page.close(run_before_unload=True)
    assert await trail(home.application, route="follow_shown_page") == []
    assert [closed_by for closed_by, _, _ in await home.views()] == [None]
    ahead = await context.new_page()
    await ahead.set_extra_http_headers({"sec-purpose": "prefetch;prerender"})
    answer = await ahead.goto(home.address + PATH)
    assert answer is not None
    assert answer.status == 409
    assert len(await home.views()) == 1
    await context.close()


async def test_without_a_script_the_page_says_when_it_was_updated_and_offers_to_reload(
    home: Home, chromium: Browser
) -> None:
    context = await signed_in(home, chromium, has_script=False)
    page = await open_page(context, home)
    await expect(page.locator("[data-mark]")).to_contain_text("Updated")
    await expect(page.locator(LIVE)).to_be_hidden()
    await expect(page.locator("[data-show-new]")).to_be_hidden()
    await home.hears(a_result(7), 2)
    await page.get_by_role("link", name="Reload").first.click()
    await expect(page.locator("[data-panel=trends]")).to_contain_text("7 on 7 Oct 2026")
    await context.close()


@pytest.mark.parametrize("width", [390, 1366, 1600, 1920])
async def test_on_a_shared_screen_no_reading_is_wider_than_its_place(home: Home, chromium: Browser, width: int) -> None:
    context = await signed_in(home, chromium, width=width)
    page = await open_page(context, home, "?shared=true")
    readings = page.locator(".reading")
    assert await readings.count() > 0
    assert await readings.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length") == 0
    await context.close()


async def test_a_shared_screen_is_covered_when_nobody_touches_it_and_one_press_brings_it_back(
    home: Home, chromium: Browser
) -> None:
    context = await signed_in(home, chromium, width=1366)
    page = await context.new_page()
    await page.clock.install()
    await page.goto(home.address + PATH)
    await page.get_by_role("link", name="Show it to both").click()
    await expect(page.locator("[data-mark]")).to_be_visible()
    await is_for_everybody(page)
    await page.clock.fast_forward("05:01")
    cover = page.get_by_role("button", name="The page is covered")
    await expect(cover).to_be_focused()
    assert await page.locator("main").evaluate("one => one.inert")
    await page.keyboard.press("Enter")
    await expect(cover).to_be_hidden()
    assert not await page.locator("main").evaluate("one => one.inert")
    rows = await home.application.state.database.rows("SELECT is_shared_screen FROM view ORDER BY opened_at")
    assert [row["is_shared_screen"] for row in rows] == [False, True]
    await context.close()


async def test_the_line_over_the_charts_says_what_was_known_on_a_day_to_whoever_uses_no_pointer(
    home: Home, chromium: Browser
) -> None:
    await home.hears(a_result(7), 2)
    context = await signed_in(home, chromium, width=1366)
    page = await open_page(context, home)
    slider, says = page.get_by_role("slider", name="Day on the charts"), page.locator(".day-says")
    await slider.focus()
    await page.keyboard.press("Home")
    await expect(slider).to_have_attribute("aria-valuetext", re.compile("Score: none yet. .* CRP: none yet"))
    await page.keyboard.press("End")
    await expect(slider).to_have_attribute(
        "aria-valuetext", re.compile(r"Score: 16, mild, 11 Oct 2026\. .*CRP: 7 mg/L, 7")
    )
    await expect(says).to_contain_text("16, mild, 11 Oct 2026")
    await expect(page.locator(".day [aria-live], .day [role=status]")).to_have_count(0)
    await is_for_everybody(page)
    await page.emulate_media(forced_colors="active")
    await expect(says).to_be_visible()
    await is_for_everybody(page)
    await page.keyboard.press("Escape")
    await expect(says).to_be_hidden()
    await expect(slider).not_to_be_focused()
    await slider.focus()
    await expect(says).to_be_visible()
    await page.emulate_media(media="print")
    await expect(says).to_be_hidden()
    await context.close()


async def test_the_line_follows_a_pointer_and_outlives_a_newer_version_of_the_page(
    home: Home, chromium: Browser
) -> None:
    context = await signed_in(home, chromium, width=1366)
    page = await open_page(context, home, "?span=5-years")
    await expect(page.locator(LIVE)).to_be_visible()
    says, picture = page.locator(".day-says"), page.locator(".chart > svg:visible").first

    async def point_at(share: float) -> None:
        box = await picture.bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)

    await point_at(0.5)
    await expect(says).to_contain_text("none yet")
    await page.mouse.move(1, 1)
    await expect(says).to_be_hidden()
    await home.hears(a_result(7), 2)
    await expect(page.locator("[data-panel=trends]")).to_contain_text("past 5 years", timeout=2000)
    await expect(page.locator("[data-panel=trends]")).to_contain_text("7 on 7 Oct 2026")
    await point_at(0.5)
    await expect(says).to_contain_text("CRP")
    await context.close()


async def test_without_a_script_the_years_are_links_and_there_is_no_line(home: Home, chromium: Browser) -> None:
    context = await signed_in(home, chromium, has_script=False)
    page = await open_page(context, home)
    await expect(page.get_by_role("slider")).to_have_count(0)
    await page.get_by_role("link", name="5 years").click()
    await expect(page.get_by_role("link", name="5 years")).to_have_attribute("aria-current", "true")
    assert page.url.endswith("?span=5-years#h-tr")
    await context.close()
