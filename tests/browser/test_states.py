"""The page in each of its states, in Chromium: as in its picture, and for everybody.

The states of what is known: everything, nothing yet, a part, old, not readable now, withdrawn, erased, another visit.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route

from services.dashboard.pages import STATIC, present
from shared.events import ConsentState, ErasureReason, SkipReason, ViewerRole, VisitState
from shared.pages import STATIC as SHARED
from shared.sealing import NOT_READABLE_NOW, Opener, Place, Words, WordsState
from tests.browser.chromium import is_for_everybody
from tests.browser.pictured import looks_as_kept
from tests.builders import (
    ANSWERS,
    VISIT_AT,
    a_lab,
    a_medication,
    a_survey,
    a_view,
    a_visit,
    an_enrollment,
    an_erasure,
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
}


@pytest.mark.parametrize("name", list(STATES))
async def test_each_state_looks_as_in_its_picture_and_is_for_everybody(chromium: Browser, name: str) -> None:
    state = STATES[name]
    html = present(
        state.page,
        now=state.now,
        time_zone="America/Chicago",
        unseal=state.unseal,
        viewer_role=state.role,
        view=a_view(),
        is_synthetic=True,
    )

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if not path.startswith("/static/"):
            await route.fulfill(body=html, content_type="text/html; charset=utf-8")
            return
        _, _, folder, file = path.split("/", 3)
        await route.fulfill(path=FOLDERS[folder] / Path(file))

    width, height = state.size
    context = await chromium.new_context(viewport={"width": width, "height": height}, java_script_enabled=True)
    page = await context.new_page()
    await page.route(f"{HOME}**", answer)
    await page.goto(HOME)
    await page.evaluate("document.fonts.ready")
    await is_for_everybody(page)
    await looks_as_kept(page, name)
    await context.close()
