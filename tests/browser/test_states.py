"""The page in each of its states, in Chromium: as in its picture, and for everybody.

The states of what is known: everything, nothing yet, a part, old, not readable now, withdrawn, erased, another visit.
Those of how it is looked at: by each role, in Spanish, on a shared screen and covered there, without a connection.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, Route, expect

from services.dashboard.domain import without_clinical
from services.dashboard.pages import STATIC, present, say_unknown
from services.dashboard.pages.addresses import survey_at
from services.dashboard.pages.live import Live
from services.dashboard.pages.plan import PlanForms
from shared.events import ConsentState, ErasureReason, Language, SkipReason, ViewerRole, VisitState
from shared.pages import STATIC as SHARED
from shared.pages.speaking import Choice
from shared.sealing import NOT_READABLE_NOW, Opener, Place, Words, WordsState
from tests.browser.chromium import is_for_everybody
from tests.browser.pictured import looks_as_kept
from tests.builders import (
    ANSWERS,
    PATIENT,
    SITE,
    VISIT,
    VISIT_AT,
    a_lab,
    a_medication,
    a_survey,
    a_view,
    a_visit,
    an_enrollment,
    an_erasure,
    an_id,
)
from tests.services.dashboard.histories import JULY, LAST_VISIT, a_survey_in_july, page_of
from tests.services.dashboard.test_page_html import a_rich_page

pytestmark = pytest.mark.browser
NOW = VISIT_AT - timedelta(minutes=2)
HOME = "https://dashboard.samepage.test/"
FOLDERS = {"shared": SHARED, "dashboard": STATIC}
WORDS = {
    "sealed:cramps": "The cramps are back after meals. Is the shot wearing off?",
    "sealed:matters": "To dance at my sister's wedding in May",
    "sealed:step": "Check the drug level before the next dose",
}
DESK, PHONE = (1366, 768), (390, 844)
STREAM = 'event: version\ndata: {"version": "1"}\n\n'


def opened(sealed: str, _place: Place) -> Words:
    return Words(WordsState.READABLE, WORDS[sealed])


def closed(_sealed: str, _place: Place) -> Words:
    return NOT_READABLE_NOW


class State(NamedTuple):
    """What is known, and how it is looked at."""

    page: dict[str, Any]
    now: datetime = NOW
    unseal: Opener = opened
    role: ViewerRole = ViewerRole.CLINICIAN
    size: tuple[int, int] = DESK
    language: Language = Language.ENGLISH
    is_shared: bool = False
    is_covered: bool = False
    mark: str = "live"

    @property
    def html(self) -> str:
        """As people get it: it can be followed, staff may write the plan, and it leads to a survey that is missing."""
        return present(
            self.page,
            now=self.now,
            time_zone="America/Chicago",
            unseal=self.unseal,
            viewer_role=self.role,
            view=a_view(),
            live=Live(PATIENT, an_id("view"), "1"),
            plan_forms=None if self.role is ViewerRole.PATIENT else PlanForms(),
            survey_at=survey_at("https://intake.samepage.test", self.role, SITE, str(VISIT)),
            is_shared=self.is_shared,
            is_synthetic=True,
            spoken=Choice(self.language, query=()).spoken(),
        )


def a_partial_page() -> dict[str, Any]:
    """A survey whose score is incomplete, before a visit of somebody whose enrolment has not arrived."""
    some = {name: value for name, value in ANSWERS.items() if name not in ("abdominal_pain", "phq2_mood")}
    skipped = {"abdominal_pain": SkipReason.PREFER_NOT_TO_SAY, "phq2_mood": SkipReason.DO_NOT_KNOW}
    return page_of(a_visit(), a_survey_in_july(), a_survey(answers=some, skipped=skipped), a_lab())


def a_page_of_another_visit() -> dict[str, Any]:
    """A visit today without a survey of its own: the newest is of the visit before."""
    july = a_visit(visit_id=LAST_VISIT, scheduled_at=JULY, state=VisitState.COMPLETED, completed_at=JULY)
    return page_of(an_enrollment(), july, a_visit(), a_survey_in_july(), a_medication())


STATES = {
    "full": State(a_rich_page()),
    "full-390": State(a_rich_page(), size=PHONE),
    "own": State(a_rich_page(), role=ViewerRole.PATIENT),
    "own-390": State(a_rich_page(), role=ViewerRole.PATIENT, size=PHONE),
    "empty": State(page_of(an_enrollment(), a_visit())),
    "empty-own-390": State(page_of(an_enrollment(), a_visit()), role=ViewerRole.PATIENT, size=PHONE),
    "partial": State(a_partial_page()),
    "old": State(a_rich_page(), now=NOW + timedelta(days=200)),
    "not-readable": State(a_rich_page(), unseal=closed),
    "withdrawn": State(page_of(an_enrollment(consent=ConsentState.WITHDRAWN), a_visit(), a_survey(), a_lab())),
    "erased": State(page_of(an_enrollment(), an_erasure(reason=ErasureReason.PATIENT_REQUEST))),
    "other-visit": State(a_page_of_another_visit()),
    "other-visit-coordinator": State(without_clinical(a_page_of_another_visit()), role=ViewerRole.COORDINATOR),
    "spanish": State(a_rich_page(), language=Language.SPANISH),
    "shared": State(a_rich_page(), is_shared=True),
    "covered": State(a_rich_page(), is_shared=True, is_covered=True),
    "not-live": State(a_rich_page(), mark="lost"),
}


@asynccontextmanager
async def open_page(chromium: Browser, html: str, state: State) -> AsyncIterator[Page]:
    """A document at an address of its own, at the state's time."""

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            _, _, folder, file = path.split("/", 3)
            await route.fulfill(path=FOLDERS[folder] / Path(file))
        elif not path.endswith("/live"):
            await route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif state.mark == "live":
            await route.fulfill(body=STREAM, content_type="text/event-stream")
        else:
            await route.abort()

    width, height = state.size
    context = await chromium.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    await page.clock.install(time=state.now)
    await page.route(f"{HOME}**", answer)
    await page.goto(HOME)
    await page.evaluate("document.fonts.ready")
    yield page
    await context.close()


@pytest.mark.parametrize("name", list(STATES))
async def test_each_state_looks_as_in_its_picture_and_is_for_everybody(chromium: Browser, name: str) -> None:
    state = STATES[name]
    async with open_page(chromium, state.html, state) as page:
        if not state.page["erased"]:
            await expect(page.locator(f"[data-when={state.mark}]")).to_be_visible()
        if state.is_covered:
            await page.clock.fast_forward("05:01")
            await expect(page.get_by_role("button", name="The page is covered")).to_be_focused()
        await is_for_everybody(page)
        await looks_as_kept(page, name, is_whole=not state.is_covered)


async def test_an_error_is_a_page_that_leads_on(chromium: Browser) -> None:
    html = say_unknown(PATIENT, ViewerRole.CLINICIAN, is_synthetic=True)
    async with open_page(chromium, html, STATES["full"]) as page:
        await is_for_everybody(page)
        await looks_as_kept(page, "unknown")
