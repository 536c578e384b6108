"""The page in Chromium while it is open: facts that arrive, connections that drop, tabs that close, a shared screen."""

from collections.abc import AsyncIterator
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
from tests.waiting import until

pytestmark = pytest.mark.browser
PATH = f"/patients/{PATIENT}"
LIVE, LOST = "[data-when=live]", "[data-when=lost]"


class Home(NamedTuple):
    """The running dashboard with one patient, and where it is."""

    application: FastAPI
    address: str

    async def hears(self, body: ClinicianDataUpdated | SurveyCompleted, sequence: int) -> None:
        await arrive(self.application, SUBSCRIPTION, an_event(body, sequence=sequence, event_id=uuid4()))

    async def views(self) -> list[tuple[str | None, int | None, list[str]]]:
        rows = await self.application.state.database.rows("SELECT * FROM view ORDER BY opened_at")
        return [(row["closed_by"], row["duration_ms"], list(row["panels"])) for row in rows]


@pytest.fixture
async def home(app: Apps) -> AsyncIterator[Home]:
    whole = await app("dashboard")
    bodies: list[Body] = [a_site(), an_enrollment(), a_visit(), a_survey(), a_medication()]
    await arrive(whole, SUBSCRIPTION, *(an_event(body) for body in bodies))
    application = create_app(whole.state.settings.model_copy(update={"limits": Limits()}))
    application.state.database = whole.state.database
    (port,) = keep_or_choose((), 1)
    async with application.router.lifespan_context(application), served(application, port) as address:
        yield Home(application, address)


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
    async def for_so_long() -> bool:
        return bool(await page.evaluate("performance.now()") > milliseconds)

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
