"""The plan written in a browser on the running system: on the page, through clinical, and back on the page."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from deploy.provider import Person
from shared.auth import Role
from tests.browser.chromium import is_for_everybody
from tests.journeys import visit
from tests.journeys.conftest import System

pytestmark = pytest.mark.browser
LIVE, PLAN = "[data-when=live]", "[data-panel=plan]"


@pytest.fixture(scope="module")
def clinic(system: System) -> Iterator[visit.Clinic]:
    with visit.open_clinic(system, "site-plan") as opened:
        yield opened


@pytest.fixture
async def desk(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context(viewport={"width": 1366, "height": 768})
    yield context
    await context.close()


async def open_page(system: System, clinic: visit.Clinic, context: BrowserContext, name: str) -> Page:
    """The page of a new patient, once it is there, before their clinician."""
    patient_id, _ = clinic.enrol(name)
    clinic.clinician.get(f"/v1/patients/{patient_id}/page", params={"wait_for": clinic.receipts[patient_id]})
    page = await context.new_page()
    clinician = Person("dr-1", "Dana Rowe", Role.CLINICIAN, (clinic.site,))
    await page.goto(system.sign_in_link("dashboard", clinician, f"/patients/{patient_id}"))
    await page.get_by_role("button", name="Dana Rowe").click()
    await page.wait_for_url(f"**/patients/{patient_id}")
    return page


async def add(page: Page, what: str) -> None:
    await page.get_by_text("Add a step", exact=True).click()
    form = page.locator("form[data-plan^=add]")
    await form.get_by_label("What").fill(what)
    await form.get_by_label("Who").select_option("Nurse")
    await form.get_by_role("button", name="Add to the plan").click()


def step(page: Page, what: str) -> Locator:
    return page.locator(f"{PLAN} li", has_text=what)


@pytest.mark.parametrize("has_script", [True, False])
async def test_a_step_is_added_ticked_and_carried_over_on_the_page(
    system: System, clinic: visit.Clinic, chromium: Browser, *, has_script: bool
) -> None:
    desk = await chromium.new_context(viewport={"width": 1366, "height": 768}, java_script_enabled=has_script)
    page = await open_page(system, clinic, desk, f"plan-{has_script}")
    await add(page, "Ask the insurer")
    await expect(step(page, "Ask the insurer")).to_contain_text("Nurse no day set")
    await expect(page.locator(PLAN)).to_contain_text("Saved.")
    await page.get_by_role("button", name="Tick as done: Ask the insurer").click()
    await expect(step(page, "Ask the insurer")).to_contain_text("done")
    await page.get_by_role("button", name="Untick, still to do: Ask the insurer").click()
    await expect(step(page, "Ask the insurer")).to_contain_text("no day set")
    await step(page, "Ask the insurer").locator("summary").first.click()
    day = datetime.now(UTC) + timedelta(days=40)
    form = step(page, "Ask the insurer").locator("form[data-plan^=carry]")
    await form.get_by_label("By when").fill(f"{day:%Y-%m-%d}")
    await form.get_by_role("button", name="Carry over").click()
    await expect(step(page, "Ask the insurer")).to_contain_text(re.compile(rf"by \w+ {day.day} "))
    if has_script:
        for width in (1366, 390):
            await page.set_viewport_size({"width": width, "height": 768})
            await page.locator(f"{PLAN} details").evaluate_all("all => all.forEach((one) => (one.open = true))")
            await is_for_everybody(page)
    else:
        await step(page, "Ask the insurer").locator("summary").first.click()
        await step(page, "Ask the insurer").get_by_text("Entered in error?").click()
    await step(page, "Ask the insurer").get_by_role("button", name="Take it back").click()
    await expect(page.locator(PLAN)).to_contain_text("Saved.")
    await expect(step(page, "Ask the insurer")).to_have_count(0)
    await expect(page.locator("main")).to_contain_text("1 agreed step taken back on")
    await desk.close()


async def test_what_somebody_is_writing_stays_while_others_write(
    system: System, clinic: visit.Clinic, desk: BrowserContext
) -> None:
    page = await open_page(system, clinic, desk, "plan-together")
    await add(page, "Blood test")
    await expect(step(page, "Blood test")).to_be_visible()
    await expect(page.locator(LIVE)).to_be_visible()
    other = await desk.new_page()
    await other.goto(page.url)
    await page.get_by_text("Add a step", exact=True).click()
    what = page.locator("form[data-plan^=add]").get_by_label("What")
    await what.press_sequentially("Half a sen")
    await add(other, "Call the pharmacy")
    await expect(page.get_by_role("button", name="New: show it")).to_be_visible()
    await expect(step(page, "Call the pharmacy")).to_have_count(0)
    await what.press_sequentially("tence")
    await page.get_by_role("button", name="New: show it").click()
    await expect(step(page, "Call the pharmacy")).to_be_visible()
    await expect(what).to_have_value("Half a sentence")
    await page.get_by_role("button", name="Add to the plan").click()
    await expect(step(page, "Half a sentence")).to_be_visible()
    await expect(step(other, "Half a sentence")).to_be_visible()


async def test_leaving_with_words_that_are_not_saved_asks_first(
    system: System, clinic: visit.Clinic, desk: BrowserContext
) -> None:
    page = await open_page(system, clinic, desk, "plan-unsaved")
    await add(page, "Blood test")
    await expect(step(page, "Blood test")).to_be_visible()
    asked: list[str] = []

    async def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        await dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    await page.get_by_text("Add a step", exact=True).click()
    what = page.locator("form[data-plan^=add]").get_by_label("What")
    await what.press_sequentially("Not saved")
    await page.get_by_role("button", name="Tick as done: Blood test").click()
    await expect(what).to_have_value("Not saved")
    assert asked == ["beforeunload"]
