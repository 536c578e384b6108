"""The page in Chromium in Spanish, without a script too, and as a coordinator is shown it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect

from deploy.local.ports import keep_or_choose
from services.dashboard.app import create_app
from services.dashboard.worker import SUBSCRIPTION
from shared.auth import Caller, Role
from shared.db import transaction
from shared.events import Body
from shared.settings import Limits
from tests.browser.chromium import is_for_everybody
from tests.builders import (
    PATIENT,
    SITE,
    a_lab,
    a_medication,
    a_site,
    a_step,
    a_survey,
    a_visit,
    an_assessment,
    an_enrollment,
)
from tests.conftest import Apps, served
from tests.services.dashboard.histories import a_survey_in_july, in_sequence
from tests.services.streams import arrive

pytestmark = pytest.mark.browser
PATH = f"/patients/{PATIENT}"


@pytest.fixture
async def home(app: Apps) -> AsyncIterator[tuple[FastAPI, str]]:
    """The running dashboard with one full page, and where it is."""
    whole = await app("dashboard")
    bodies: list[Body] = [
        *(a_site(), an_enrollment(), a_visit(), a_survey_in_july(), a_survey(), an_assessment()),
        *(a_lab(), a_medication(), a_step()),
    ]
    await arrive(whole, SUBSCRIPTION, *in_sequence(*bodies))
    application = create_app(whole.state.settings.model_copy(update={"limits": Limits()}))
    (port,) = keep_or_choose((), 1)
    async with application.router.lifespan_context(application), served(application, port) as address:
        yield application, address


@asynccontextmanager
async def reader(
    home: tuple[FastAPI, str], chromium: Browser, role: Role, *, width: int, has_script: bool = True
) -> AsyncIterator[Page]:
    """A page of somebody of the site."""
    application, address = home
    caller, sessions = Caller("somebody", role, frozenset({SITE})), application.state.sessions
    async with transaction(application.state.pool, caller.scope) as connection:
        secret = await sessions.open(connection, caller)
    context = await chromium.new_context(
        viewport={"width": width, "height": 768}, java_script_enabled=has_script, base_url=address
    )
    https = address.replace("http:", "https:")
    await context.add_cookies([{"name": sessions.cookie, "value": secret, "url": https, "secure": True}])
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize("width", [1366, 390])
async def test_the_page_in_spanish_is_for_everybody(home: tuple[FastAPI, str], chromium: Browser, width: int) -> None:
    async with reader(home, chromium, Role.CLINICIAN, width=width) as page:
        await page.goto(PATH)
        await page.get_by_role("button", name="Español").click()
        await expect(page.get_by_role("heading", name="De qué quiero hablar")).to_be_visible()
        await expect(page.locator("html")).to_have_attribute("lang", "es")
        await is_for_everybody(page)


async def test_the_language_is_kept_without_a_script(home: tuple[FastAPI, str], chromium: Browser) -> None:
    async with reader(home, chromium, Role.COORDINATOR, width=390, has_script=False) as page:
        await page.goto(PATH)
        await page.get_by_role("button", name="Español").click()
        await page.goto(f"{PATH}/looks")
        await expect(page.get_by_role("heading", name="Quién la vio")).to_be_visible()
        await page.get_by_role("button", name="English").click()
        await page.goto(PATH)
        await expect(page.get_by_text("It is for the two of them.")).to_be_visible()


@pytest.mark.parametrize("width", [1366, 390])
@pytest.mark.parametrize("lang", ["en", "es"])
async def test_a_coordinators_page_is_for_everybody(
    home: tuple[FastAPI, str], chromium: Browser, width: int, lang: str
) -> None:
    async with reader(home, chromium, Role.COORDINATOR, width=width) as page:
        await page.goto(f"{PATH}?lang={lang}")
        await is_for_everybody(page)
