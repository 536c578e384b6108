"""Patient and clinician on one page before, in and after a visit, each at their own screen and both at one."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from deploy.provider import Person
from shared.auth import Role
from shared.events import ViewContext, ViewerRole
from tests.browser.chromium import is_for_everybody
from tests.journeys import visit
from tests.journeys.conftest import System
from tests.journeys.visit import posted
from tests.survey import survey_of

pytestmark = pytest.mark.browser
LIVE, LOST = "[data-when=live]", "[data-when=lost]"
WORRY = "The cramps are back. Is the shot wearing off?"


class Walk(NamedTuple):
    """One visit of one patient: where their page is opened by link, and the tabs of both."""

    patient_id: str
    visit_id: str
    link: str
    desk: BrowserContext
    phone: BrowserContext


@pytest.fixture(scope="module")
def clinic(system: System) -> Iterator[visit.Clinic]:
    with visit.open_clinic(system, "site-walked") as opened:
        yield opened


@pytest.fixture
async def walk(system: System, clinic: visit.Clinic, chromium: Browser) -> AsyncIterator[Walk]:
    patient_id, visit_id = clinic.enrol(uuid4().hex)
    changed(clinic, visit_id, scheduled_at=datetime.now(UTC) + timedelta(days=3))
    link = posted(clinic.intake, f"/v1/visits/{visit_id}/links", {})["link"]
    desk = await chromium.new_context(viewport={"width": 1366, "height": 768})
    phone = await chromium.new_context(viewport={"width": 390, "height": 844})
    yield Walk(patient_id, visit_id, link, desk, phone)
    await desk.close()
    await phone.close()


def changed(clinic: visit.Clinic, visit_id: str, **changes: datetime | str) -> str:
    """The receipt of a change of the visit."""
    said = {name: one if isinstance(one, str) else one.isoformat() for name, one in changes.items()}
    answer = clinic.intake.patch(f"/v1/visits/{visit_id}", json=said)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["receipt"])


async def staffs_page(system: System, clinic: visit.Clinic, walk: Walk, receipt: str, role: Role) -> Page:
    page = await walk.desk.new_page()
    person = Person("dr-1", "Dana Rowe", role, (clinic.site,))
    to = f"/patients/{walk.patient_id}?wait_for={receipt}"
    await page.goto(system.sign_in_link("dashboard", person, to))
    await page.get_by_role("button", name="Dana Rowe").click()
    await page.wait_for_url(f"**{to}")
    return page


async def own_page(walk: Walk) -> Page:
    """The patient's own, by the link of the visit."""
    page = await walk.phone.new_page()
    await page.goto(walk.link)
    await page.locator("main button").click()
    await page.get_by_role("link", name="See my page").click()
    await page.wait_for_url(f"**/patients/{walk.patient_id}")
    return page


async def views_of(system: System, site: str, patient_id: str) -> set[tuple[str, str, bool]]:
    connection = await asyncpg.connect(
        system.network.databases["dashboard"].app, server_settings={"samepage.sites": site}
    )
    try:
        asked = "SELECT role, context, is_shared_screen FROM view WHERE patient_id = $1"
        return {tuple(row) for row in await connection.fetch(asked, UUID(patient_id))}
    finally:
        await connection.close()


async def test_both_are_on_the_same_page_before_in_and_after_a_visit(
    system: System, clinic: visit.Clinic, walk: Walk
) -> None:
    about = {"patient_id": walk.patient_id}
    concerns = [{"topic": "symptoms", "words": WORRY}]
    survey = posted(
        clinic.intake,
        "/v1/surveys",
        survey_of(walk.patient_id, walk.visit_id, concerns=concerns, matters_most="To work a full shift"),
    )

    desk = await staffs_page(system, clinic, walk, survey["receipt"], Role.CLINICIAN)
    await expect(desk.locator("[data-panel=concerns]")).to_contain_text(WORRY)
    await expect(desk.locator("[data-panel=who]")).to_contain_text("none yet")
    await is_for_everybody(desk)
    own = await own_page(walk)
    await expect(own.locator("[data-panel=concerns]")).to_contain_text("To work a full shift")
    await is_for_everybody(own)

    now = datetime.now(UTC)
    changed(clinic, walk.visit_id, scheduled_at=now, state="checked-in", checked_in_at=now)
    posted(clinic.clinical, "/v1/medications", {**about, "name": "adalimumab", "started_on": "2026-01-05"})
    await expect(own.locator("[data-panel=trends]")).to_contain_text("adalimumab")
    await expect(desk.locator(LIVE)).to_be_visible()
    await desk.get_by_role("link", name="Show it to both").click()
    await expect(desk.locator("[data-panel=concerns]")).to_contain_text(WORRY)
    await desk.get_by_text("Add a step", exact=True).click()
    form = desk.locator("form[data-plan^=add]")
    await form.get_by_label("What").fill("Check the drug level")
    await form.get_by_role("button", name="Add to the plan").click()
    await expect(desk.locator("[data-panel=plan]")).to_contain_text("Check the drug level")
    await expect(own.locator("[data-panel=plan]")).to_contain_text("Check the drug level")
    await expect(desk.locator(LIVE)).to_be_visible()
    await walk.desk.set_offline(True)
    await expect(desk.locator(LOST)).to_be_visible()
    rating = {**about, "clinician_id": "dr-1", "activity": "mild", "visit_id": walk.visit_id}
    posted(clinic.clinical, "/v1/assessments", rating)
    await walk.desk.set_offline(False)
    await expect(desk.locator("[data-panel=how]")).to_contain_text("Mild activity", timeout=20_000)
    await own.close()
    await desk.close()

    begun, ended = now - timedelta(hours=3), now - timedelta(hours=2)
    over = changed(
        clinic, walk.visit_id, scheduled_at=begun, checked_in_at=begun, completed_at=ended, state="completed"
    )
    await staffs_page(system, clinic, walk, over, Role.CLINICIAN)
    own = await own_page(walk)
    await expect(own.locator("[data-panel=plan]")).to_contain_text("Check the drug level")
    await own.get_by_role("link", name="Who looked").click()
    await expect(own.locator("main")).to_contain_text("Clinician")
    await is_for_everybody(own)

    doctor, patient = ViewerRole.CLINICIAN, ViewerRole.PATIENT
    before, within, after = ViewContext.BEFORE_VISIT, ViewContext.IN_VISIT, ViewContext.AFTER_VISIT
    assert await views_of(system, clinic.site, walk.patient_id) == {
        (doctor, before, False),
        (patient, before, False),
        (doctor, within, True),
        (doctor, after, False),
        (patient, after, False),
    }


async def test_where_a_survey_is_missing_the_page_leads_to_where_it_is_sent_and_answered(
    system: System, clinic: visit.Clinic, walk: Walk
) -> None:
    moved = changed(clinic, walk.visit_id, scheduled_at=datetime.now(UTC) + timedelta(days=2))
    desk = await staffs_page(system, clinic, walk, moved, Role.COORDINATOR)
    await desk.get_by_role("link", name="Send the link").click()
    await desk.get_by_role("button", name="Dana Rowe").click()
    await desk.wait_for_url(f"**/visits/{walk.visit_id}?site={clinic.site}")
    await expect(desk.get_by_role("button", name="Copy a link")).to_be_visible()
    own = await own_page(walk)
    await own.get_by_role("link", name="See what is open now").click()
    await expect(own.locator("main a[href='/survey']")).to_be_visible()
