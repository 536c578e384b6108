"""A survey answered in Spanish on a phone whose connection comes and goes, and the clinician's page that shows it."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from deploy.provider import Person
from shared.auth import Role
from tests.browser.test_survey import answer, press_next
from tests.journeys import visit
from tests.journeys.conftest import System
from tests.journeys.visit import posted

pytestmark = pytest.mark.browser
WORDS = "Me duele después de comer."


@pytest.fixture(scope="module")
def clinic(system: System) -> Iterator[visit.Clinic]:
    with visit.open_clinic(system, "site-by-phone") as opened:
        yield opened


async def answer_everything(context: BrowserContext, page: Page) -> None:
    """From the first part to the thanks; at every third part the connection is lost when Next is pressed."""
    while "/thanks" not in page.url:
        if "/call/" in page.url:
            await page.locator("main a.btn").last.click()
            continue
        if "/parts/" not in page.url:
            await press_next(page)
            continue
        await answer(page)
        number = int(re.findall(r"/parts/(\d+)", page.url)[0])
        if number % 3 == 0:
            await context.set_offline(True)
            await page.locator(".survey-nav .btn-main").click()
            await expect(page.locator("[data-status]")).to_contain_text("Sin conexión. Seguimos intentando.")
            await context.set_offline(False)
            await page.wait_for_url(re.compile(rf"/(?!parts/{number}\b)[a-z]+(/\d+)?(\?.*)?$"), timeout=30_000)
        else:
            await press_next(page)


async def test_a_survey_answered_in_spanish_over_a_flaky_connection_is_on_the_clinicians_page(
    system: System, clinic: visit.Clinic, chromium: Browser
) -> None:
    patient_id, visit_id = clinic.enrol("by-phone")
    link = posted(clinic.intake, f"/v1/visits/{visit_id}/links", {})["link"]
    clinician = Person("dr-1", "Dana Rowe", Role.CLINICIAN, (clinic.site,))
    phone = await chromium.new_context(viewport={"width": 390, "height": 844}, locale="es-MX")
    page = await phone.new_page()
    await page.goto(link)
    await page.locator("main button").click()
    await page.locator("a[href='/survey']").click()
    await page.get_by_role("button", name="Español").click()
    await expect(page.locator("html")).to_have_attribute("lang", "es")
    await answer_everything(phone, page)
    await expect(page.get_by_role("heading", name="Gracias")).to_be_visible()
    await page.wait_for_function("localStorage.length === 0")  # by the page's script, which runs after it is shown
    desk = await chromium.new_page(viewport={"width": 1366, "height": 768})
    await desk.goto(system.sign_in_link("dashboard", clinician, f"/patients/{patient_id}"))
    await desk.get_by_role("button", name="Dana Rowe").click()
    await desk.wait_for_url(f"**/patients/{patient_id}")
    await expect(desk.get_by_text(WORDS).first).to_be_visible(timeout=20_000)
