"""`make pictures`: the pages of a running demo as pictures, for the README and for looking at."""

import asyncio
import json
import re
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urljoin

from playwright.async_api import Browser, Page

from tests.browser.chromium import open_chromium
from tests.browser.test_survey import answer, press_next

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"


class Shot(NamedTuple):
    """A page that a link of the demo leads to; one for two people is shown as it is for one, unless `is_shared`."""

    name: str
    who: str
    width: int = 1366
    height: int = 768
    scheme: Literal["light", "dark"] = "light"
    is_shared: bool = False


SHOTS = (
    Shot("page", "clinician, in the visit"),
    Shot("page-dark", "clinician, in the visit", scheme="dark"),
    Shot("page-shared", "clinician, in the visit", is_shared=True),
    Shot("page-own-390", "patient, own page", width=390, height=844),
    Shot("network", "operator, the network", height=900),
)
LIST = "coordinator, the week's visits"
FILE = b"""patient,birth_year,sex,diagnosis
P-2001 (synthetic),1984,female,crohns-disease
P-2002 (synthetic),born 1990,male,ulcerative-colitis
"""
"""A file to import, with a row that is refused."""


async def main() -> None:
    links = json.loads((ROOT / "var" / "demo" / "links.json").read_text())
    async with open_chromium() as browser:
        for shot in SHOTS:
            await take(browser, links[shot.who], shot)
        await take_staff_pages(browser, links[LIST])
        await take_survey(browser, links["patient, before a visit"])
        await take_thanks(browser, links["patient, own page"])
        await take_looks(browser, links["patient, own page"])
        await take_closed_link(browser, links["patient, own page"])
        await take_birth_year(browser, links[LIST], links["patient, own page"])


async def take(browser: Browser, link: str, shot: Shot) -> None:
    context = await browser.new_context(viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.scheme)
    page = await context.new_page()
    await page.goto(link)
    await sign_in(page)
    if not shot.is_shared:
        await page.goto(page.url.replace("?shared=true", ""))
    await page.screenshot(path=PICTURES / f"{shot.name}.png", full_page=True)
    await context.close()


async def take_staff_pages(browser: Browser, link: str) -> None:
    """The coordinator's list of this week, alerts, their settings and imports, and one of each."""
    page = await (await browser.new_context(viewport={"width": 1366, "height": 768})).new_page()
    await page.goto(link)
    await sign_in(page)
    for name, address, one in (("worklist", "/visits", "visit"), ("alerts", "/alerts", "alert")):
        await page.goto(urljoin(page.url, address))
        await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        await page.locator(f"main a[href^='{address}/']").first.click()
        await page.screenshot(path=PICTURES / f"{one}.png", full_page=True)
        if one == "visit":
            await page.get_by_role("link", name="Visits and consent of this patient").click()
            await page.screenshot(path=PICTURES / "patient.png", full_page=True)
            await page.go_back()
            await page.get_by_role("link", name="Change how this patient is reached").click()
            await page.screenshot(path=PICTURES / "contact.png", full_page=True)
    for address in ("/patients/new", "/link-settings", "/alert-settings"):
        await page.goto(urljoin(page.url, address))
        await page.screenshot(path=PICTURES / f"{_name_of(address)}.png", full_page=True)
    await take_entry(page)
    await take_import(page)
    await page.context.close()


def _name_of(address: str) -> str:
    """`/patients/new`: `patients-new`."""
    return address.strip("/").replace("/", "-")


async def take_entry(page: Page) -> None:
    """Where staff write down what a patient says on paper or by phone."""
    await page.goto(urljoin(page.url, "/visits?week=1"))
    await page.locator("main tr:not(:has-text('answered')) a[href^='/visits/']").first.click()
    await page.get_by_role("link", name="On paper or by phone").click()
    await page.screenshot(path=PICTURES / "entry.png", full_page=True)


async def take_import(page: Page) -> None:
    """A file that was checked; it is not brought in, and forgotten again."""
    await page.goto(urljoin(page.url, "/imports"))
    await page.locator("#file").set_input_files({"name": "october.csv", "mimeType": "text/csv", "buffer": FILE})
    await page.get_by_role("button", name="Check the file").click()
    await page.get_by_role("button", name="Bring in").wait_for()
    await page.screenshot(path=PICTURES / "import.png", full_page=True)
    await page.get_by_role("link", name="Import a file").click()
    await page.screenshot(path=PICTURES / "imports.png", full_page=True)
    await page.get_by_role("link", name="october.csv").first.click()
    await page.get_by_text("Not needed any more?").click()
    await page.get_by_role("button", name="Forget this file").click()


async def take_survey(browser: Browser, link: str) -> None:
    """A survey on a phone: the link, where it begins, a part in Spanish, after a severe answer, and the review."""
    page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
    await page.goto(link)
    await page.screenshot(path=PICTURES / "link-390.png", full_page=True)
    await page.locator("main .btn-main").click()
    await page.screenshot(path=PICTURES / "survey-start-390.png", full_page=True)
    await page.locator("main a[href='/survey']").click()
    if await page.locator("html[lang=en]").count():  # the survey stays in the language of an earlier run
        await page.get_by_role("button", name="Español").click()
    await page.locator("html[lang=es]").wait_for()
    await page.goto(urljoin(page.url, "/survey/parts/4"))
    await answer(page)
    await page.screenshot(path=PICTURES / "survey-part-390.png", full_page=True)
    await page.locator("input[name=abdominal_pain][value='3']").check(force=True)
    await press_next(page)
    await page.screenshot(path=PICTURES / "survey-call-390.png", full_page=True)
    await page.goto(urljoin(page.url, "/survey/review"))
    await page.screenshot(path=PICTURES / "survey-review-390.png", full_page=True)
    await page.context.close()


async def take_thanks(browser: Browser, link: str) -> None:
    """What is said to a patient whose survey is sent."""
    page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
    await page.goto(link)
    await page.locator("main .btn-main").click()
    await page.goto(urljoin(page.url, "/survey/thanks"))
    await page.screenshot(path=PICTURES / "survey-thanks-390.png", full_page=True)
    await page.context.close()


async def take_looks(browser: Browser, link: str) -> None:
    """Who looked at a patient's page, as the patient reads it."""
    page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
    await page.goto(link)
    await sign_in(page)
    await page.locator("a[href$='/looks']").click()
    await page.screenshot(path=PICTURES / "looks-390.png")
    await page.context.close()


async def take_closed_link(browser: Browser, link: str) -> None:
    """What a link that opens nothing any more says."""
    page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
    await page.goto(f"{link[:-4]}none")
    await page.screenshot(path=PICTURES / "link-closed-390.png", full_page=True)
    await page.context.close()


async def take_birth_year(browser: Browser, staff_link: str, link: str) -> None:
    """A link of a site whose links ask for the birth year, which this one's do for as long as the picture takes."""
    staff = await (await browser.new_context()).new_page()
    await staff.goto(staff_link)
    await sign_in(staff)
    phone = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
    for asks in ("yes", "no"):
        await staff.goto(urljoin(staff.url, "/link-settings"))
        await staff.locator(f"input[name=asks_birth_year][value={asks}]").check()
        await staff.get_by_role("button", name="Save what a link asks").click()
        if asks == "yes":
            await phone.goto(link)
            await phone.screenshot(path=PICTURES / "link-birth-year-390.png", full_page=True)
    for page in (staff, phone):
        await page.context.close()


async def sign_in(page: Page) -> None:
    """The one press that a link of the demo asks for; a patient goes on to their own page."""
    await page.locator(".btn-main").click()
    if page.url.endswith("/start"):
        await page.locator(".btn-main").click()
    await page.wait_for_url(re.compile("/(patients/|network|visits)"))


if __name__ == "__main__":
    asyncio.run(main())
