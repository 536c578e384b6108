"""Our page in a frame of an EHR, in Chromium: it opens there, with cookies of that frame, and in no other's frame."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from deploy.ehrs import add_ehr
from deploy.local.ports import keep_or_choose
from services.dashboard.app import create_app
from services.dashboard.worker import SUBSCRIPTION
from tests.builders import PATIENT, SITE, a_site, a_visit, an_enrollment, an_event
from tests.conftest import Apps, served
from tests.services.dashboard.fake_ehr import FakeEhr, running_ehr
from tests.services.streams import arrive
from tests.waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture
async def ehr(app: Apps) -> AsyncIterator[FakeEhr]:
    """Its pages are of `localhost`, which is another site to a browser than ours, `127.0.0.1`."""
    whole = await app("dashboard")
    await arrive(whole, SUBSCRIPTION, an_event(a_site()), an_event(an_enrollment()), an_event(a_visit()))
    (port,) = keep_or_choose((), 1)
    home = f"http://127.0.0.1:{port}"
    settings = whole.state.settings
    platform = settings.platform.model_copy(update={"public_urls": settings.platform.public_urls | {"dashboard": home}})
    application = create_app(settings.model_copy(update={"platform": platform}))
    async with (
        application.router.lifespan_context(application),
        served(application, port),
        running_ehr() as ehr,
    ):
        ehr.home, ehr.chart = home, str(PATIENT)
        own = ehr.address.replace("127.0.0.1", "localhost")
        await add_ehr(whole.state.database.worker, ehr.registered(SITE, origins=(own,)), by="somebody")
        yield ehr


async def test_a_page_opens_in_a_frame_of_its_ehr_and_the_next_page_too(chromium: Browser, ehr: FakeEhr) -> None:
    page = await chromium.new_page()
    await page.goto(ehr.address.replace("127.0.0.1", "localhost") + "/chart")
    shown = page.frame_locator("iframe")
    await expect(shown.get_by_role("heading", level=1)).to_have_text("Born 1992")
    (_, frame) = page.frames
    await frame.goto(f"{ehr.home}/patients/{PATIENT}?shared=true")
    await expect(shown.get_by_role("heading", level=1)).to_have_text("Born 1992")


async def test_in_the_frame_of_another_page_it_does_not_open(chromium: Browser, ehr: FakeEhr) -> None:
    page = await chromium.new_page()
    await page.goto(f"{ehr.address}/chart")

    async def is_blocked() -> bool:
        return page.frames[-1].url.startswith("chrome-error:")

    await until(is_blocked)
    assert len(page.frames) == 2
