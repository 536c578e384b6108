"""The pages of a clinic's staff at intake in Chromium: for everybody, on a desk and on a phone, by session alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

import pytest
from playwright.async_api import Browser, Page, expect

from deploy.local.ports import keep_or_choose
from services.intake.api.importing import CHECKING, IMPORTING, ROWS_OF_A_PART, Importer, Run
from shared.auth import Caller, Role
from shared.db import transaction
from tests.browser.chromium import is_for_everybody
from tests.conftest import served
from tests.services.clinic import LIST_OF_NEXT_WEEK, NEXT_WEEK
from tests.services.intake.alerted import SITE, Alerted
from tests.services.intake.conftest import alerted, clock
from tests.services.intake.post import count, somebody

__all__ = ["alerted", "clock"]
pytestmark = pytest.mark.browser
FILE = "patient,birth_year,sex,diagnosis\r\nMRN-9,soon,female,crohns-disease\r\n"
DESK, PHONE = (1366, 768), (390, 844)


class Eyes(NamedTuple):
    """Who looks, and on what."""

    size: tuple[int, int] = DESK
    color_scheme: Literal["dark", "light"] = "light"
    forced_colors: Literal["active", "none"] = "none"


@pytest.fixture
async def home(alerted: Alerted) -> AsyncIterator[str]:
    (port,) = keep_or_choose((), 1)
    async with served(alerted.clinic.intake, port) as address:
        yield address


@asynccontextmanager
async def page_of(browser: Browser, alerted: Alerted, home: str, eyes: Eyes) -> AsyncIterator[Page]:
    """A page of a coordinator who is signed in."""
    intake = alerted.clinic.intake
    caller = Caller("chris-kim", Role.COORDINATOR, frozenset({SITE}))
    async with transaction(intake.state.pool, caller.scope) as connection:
        secret = await intake.state.sessions.open(connection, caller)
    width, height = eyes.size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=eyes.color_scheme,
        forced_colors=eyes.forced_colors,
    )
    # As the browser itself sends it; it keeps a cookie of this name for https, and for this machine, only.
    cookie = f"{intake.state.sessions.cookie}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax"
    page = await context.new_page()
    await page.route(
        f"{home}/health/live",
        lambda route: route.fulfill(status=200, headers={"set-cookie": cookie}, body="in", content_type="text/plain"),
    )
    await page.goto(f"{home}/health/live")
    try:
        yield page
    finally:
        await context.close()


async def with_one_of_everything(alerted: Alerted) -> dict[str, str]:
    """A week with surveys that stand differently, an alert, somebody at high risk and a file with a refused row."""
    clinic = alerted.clinic
    patient, visit = await somebody(clinic, days=NEXT_WEEK)
    _, linked = await somebody(clinic, days=NEXT_WEEK)
    await clinic.link(linked)
    await clinic.visit(await clinic.enrol(identifier="MRN-unreached", diagnosis="ulcerative-colitis"), days=NEXT_WEEK)
    unwilling, _ = await somebody(clinic, days=NEXT_WEEK, wants_messages=False)
    await alerted.coordinator.put(f"/v1/patients/{patient}/high-risk", json={"reason": "high-stoma-output"})
    alert = await alerted.alert()
    as_csv = {"content-type": "text/csv"}
    file = await clinic.system.post("/v1/imports?kind=patients&name=october.csv", content=FILE, headers=as_csv)
    return {"visit": visit, "alert": alert["id"], "import": file.json()["id"], "unwilling": unwilling}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("look", ["light", "dark", "forced"])
async def test_every_page_of_staff_is_for_everybody(
    alerted: Alerted, home: str, chromium: Browser, size: tuple[int, int], look: str
) -> None:
    there = await with_one_of_everything(alerted)
    eyes = Eyes(size, "dark" if look == "dark" else "light", "active" if look == "forced" else "none")
    async with page_of(chromium, alerted, home, eyes) as page:
        for address in (
            LIST_OF_NEXT_WEEK,
            f"{LIST_OF_NEXT_WEEK}&find=nobody",
            "/visits?week=2",
            "/link-settings",
            "/patients/new",
            f"/patients/{there['unwilling']}",
            f"/visits/{there['visit']}",
            f"/visits/{there['visit']}/contact",
            "/alerts",
            f"/alerts/{there['alert']}",
            "/alert-settings",
            "/alert-settings/new?about=item.output_change",
            "/imports",
            f"/imports/{there['import']}",
        ):
            answer = await page.goto(home + address)
            assert answer is not None
            assert answer.status == 200, address
            await is_for_everybody(page)
            await expect(page.locator("nav[aria-label=Pages] a")).to_have_text(["Visits", "Alerts", "Imports"])


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_links_are_sent_copied_and_an_alert_taken_by_the_forms_of_the_list(
    alerted: Alerted, home: str, chromium: Browser, size: tuple[int, int]
) -> None:
    await with_one_of_everything(alerted)
    async with page_of(chromium, alerted, home, Eyes(size)) as page:
        await page.goto(home + LIST_OF_NEXT_WEEK)
        await page.get_by_role("button", name="Send 1 link").click()
        await expect(page.get_by_role("status")).to_contain_text("1 message on the way.")
        assert await count(alerted.clinic.intake, "link_delivery") == 1
        await page.get_by_role("button", name="Copy a link").first.click()
        link = await page.get_by_label("A new link, for this patient only").input_value()
        assert f"/l/{SITE}/" in link
        await is_for_everybody(page)
        await page.get_by_role("link", name="All visits").click()
        await page.goto(home + LIST_OF_NEXT_WEEK)
        await page.get_by_role("button", name="I take this").first.click()
        await expect(page.locator("main")).to_contain_text("chris-kim has it")


async def test_the_page_of_an_import_moves_by_itself_while_it_is_read(
    alerted: Alerted, home: str, chromium: Browser
) -> None:
    rows = [f"MRN-{number},1980,female,crohns-disease\r\n" for number in range(1_500)]
    may_go_on = {CHECKING: asyncio.Semaphore(0), IMPORTING: asyncio.Semaphore(0)}

    async def part_when_it_may(run: Run) -> bool:
        await may_go_on[run.stage].acquire()
        return await run.part()

    importer = alerted.clinic.intake.state.importer = Importer(next_part=part_when_it_may)
    async with importer, page_of(chromium, alerted, home, Eyes()) as page:
        await page.goto(f"{home}/imports")
        await page.get_by_label("The file").set_input_files(
            files={"name": "many.csv", "mimeType": "text/csv", "buffer": (FILE + "".join(rows)).encode()}
        )
        await page.get_by_role("button", name="Check the file").click()
        says = page.get_by_role("status")
        for stage, beginning, end in (
            (CHECKING, "Being checked.", "would come in. 1 was refused."),
            (IMPORTING, "Coming in.", "are in."),
        ):
            await expect(says).to_contain_text(beginning)
            await expect(page.locator("progress")).to_be_visible()
            await is_for_everybody(page)
            await page.get_by_text("Not needed any more?").click()
            await says.evaluate("said => { said.dataset.before = true }")
            may_go_on[stage].release()
            await expect(page.locator(f"progress[value='{ROWS_OF_A_PART}']")).to_be_visible(timeout=60_000)
            assert await page.locator("details[open]").count() == 1, "what was opened stays open while it goes on"
            for _ in rows:
                may_go_on[stage].release()
            await expect(says).to_contain_text(f"1,500 of 1,501 rows {end}", timeout=120_000)
            assert await page.locator("[role=status][data-before]").count() == 1, "what says it was there before"
            if stage == CHECKING:
                await page.get_by_role("button", name="Bring in 1,500 rows").click()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_alerts_are_set_by_the_forms_of_their_settings(
    alerted: Alerted, home: str, chromium: Browser, size: tuple[int, int]
) -> None:
    async with page_of(chromium, alerted, home, Eyes(size)) as page:
        await page.goto(f"{home}/alerts")
        await page.get_by_role("link", name="Give an address for notices").click()
        await page.get_by_label("Mail addresses of your clinic").fill("nobody at home")
        await page.get_by_role("button", name="Save who is told").click()
        await expect(page.get_by_role("alert")).to_contain_text("Not saved.")
        await is_for_everybody(page)
        await page.get_by_label("Mail addresses of your clinic").fill("alerts@clinic.example")
        await page.get_by_role("button", name="Save who is told").click()
        await expect(page.get_by_role("alert")).to_have_count(0)
        rule = page.locator("#rule-severe-pain")
        await rule.get_by_text("Change: Severe pain", exact=True).click()
        await rule.get_by_label("It alerts from this number up").fill("9")
        await is_for_everybody(page)
        await rule.get_by_role("button", name="Save").click()
        await expect(rule).to_contain_text("9 or more")
        await expect(rule).to_contain_text("Changed by chris-kim")
        await page.get_by_label("What is it about?").select_option("item.in_remission")
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("group", name="The answer that alerts").get_by_label("No", exact=True).check()
        await page.get_by_label("What your staff reads").fill("Says: not in remission")
        await page.get_by_label("The same in Spanish").fill("Dice que no está en remisión")
        await page.get_by_label("Where the threshold comes from").fill("Agreed by the clinic (synthetic)")
        await page.get_by_role("button", name="Make this rule").click()
        await expect(page.locator("#rule-says-not-in-remission")).to_contain_text("your own")
        await is_for_everybody(page)


async def test_what_is_found_is_shown_and_on_paper_leads_to_the_survey(
    alerted: Alerted, home: str, chromium: Browser
) -> None:
    there = await with_one_of_everything(alerted)
    async with page_of(chromium, alerted, home, Eyes()) as page:
        await page.goto(home + LIST_OF_NEXT_WEEK)
        await page.get_by_label("Find").fill(there["unwilling"][:8])
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator("main")).to_contain_text("1 of 5 shown")
        await page.get_by_role("link", name=there["unwilling"][:8]).click()
        await page.get_by_role("link", name="On paper or by phone").click()
        await page.wait_for_url("**/survey/parts/1")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_a_patient_is_added_consents_and_has_visits_that_are_moved_and_cancelled_by_their_forms(
    alerted: Alerted, home: str, chromium: Browser, size: tuple[int, int]
) -> None:
    async with page_of(chromium, alerted, home, Eyes(size)) as page:
        await page.goto(f"{home}/visits")
        await page.get_by_role("link", name="Add a patient").click()
        await page.get_by_label("Your number of this patient").fill("MRN-77")
        await page.get_by_label("Birth year").fill("1984")
        await page.get_by_label("Female", exact=True).check()
        await page.get_by_label("Clinician").fill("dr-1")
        await page.get_by_label("Day and time").fill("2027-01-14T09:30")
        await page.get_by_role("button", name="Add this patient").click()
        await expect(page.get_by_role("alert")).to_contain_text("Not saved.")
        await expect(page.get_by_role("group", name="Diagnosis")).to_contain_text("Choose one of these.")
        await is_for_everybody(page)
        await page.get_by_label("Ulcerative colitis").check()
        await page.get_by_role("button", name="Add this patient").click()
        await expect(page.locator("h1")).to_have_text("Visit 14 Jan 2027, 09:30")
        await page.get_by_role("link", name="Visits and consent of this patient").click()
        await page.get_by_text("Record what the patient decided").click()
        await is_for_everybody(page)
        await page.get_by_label("Consents", exact=True).check()
        await page.get_by_role("button", name="Record this", exact=True).click()
        await expect(page.locator("main")).to_contain_text("Consented since")
        await page.get_by_label("Clinician").fill("dr-2")
        await page.get_by_label("Day and time").fill("2027-03-18T13:00")
        await page.get_by_role("button", name="Add this visit").click()
        await expect(page.locator("h1")).to_have_text("Visit 18 Mar 2027, 13:00")
        assert await count(alerted.clinic.intake, "visit") == 2
        await page.get_by_text("Move this visit").click()
        await is_for_everybody(page)
        await page.get_by_label("Day and time").fill("2027-03-19T08:15")
        await page.get_by_role("button", name="Move it").click()
        await expect(page.locator("h1")).to_have_text("Visit 19 Mar 2027, 08:15")
        await page.get_by_text("Cancel this visit", exact=True).click()
        await is_for_everybody(page)
        await page.get_by_role("button", name="Yes, cancel this visit").click()
        await expect(page.locator("main")).to_contain_text("The visit was cancelled. It can be booked again.")


async def test_links_and_reminders_are_set_by_the_form_that_the_list_leads_to(
    alerted: Alerted, home: str, chromium: Browser
) -> None:
    async with page_of(chromium, alerted, home, Eyes(PHONE)) as page:
        await page.goto(f"{home}/visits")
        await page.get_by_role("link", name="Links and reminders").click()
        await page.get_by_role("group", name="Do links go out by themselves?").get_by_label("Yes").check()
        await page.get_by_label("At what time").fill("21:00")
        await page.get_by_role("button", name="Save when they go out").click()
        await expect(page.locator("#sends-send_at-hint")).to_contain_text("outside of the quiet hours")
        await is_for_everybody(page)
        await page.get_by_label("At what time").fill("09:30")
        await page.get_by_role("button", name="Save when they go out").click()
        await expect(page.locator("main")).to_contain_text("links go out by themselves")
