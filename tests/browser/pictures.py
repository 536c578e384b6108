"""`make pictures`: the pages of a running demo as pictures, for the README and for looking at."""

import asyncio
import json
import re
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from tests.journeys.test_journey import CHROMIUM

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
SHOTS = (
    ("page.png", "clinician, in the visit", 1366, 768, "light"),
    ("page-dark.png", "clinician, in the visit", 1366, 768, "dark"),
    ("page-own-390.png", "patient, own page", 390, 844, "light"),
    ("network.png", "operator, the network", 1366, 900, "light"),
)


async def main() -> None:
    links = json.loads((ROOT / "var" / "demo" / "links.json").read_text())
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-background-networking"]
        )
        for name, who, width, height, scheme in SHOTS:
            await take(browser, links[who], PICTURES / name, (width, height), scheme=scheme)
        await browser.close()


async def take(browser: Browser, link: str, path: Path, size: tuple[int, int], *, scheme: str) -> None:
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = await context.new_page()
    await page.goto(link)
    await sign_in(page)
    await page.screenshot(path=path, full_page=True)
    await context.close()


async def sign_in(page: Page) -> None:
    """The one press that a link of the demo asks for; a patient goes on to their own page."""
    await page.locator(".btn-main").click()
    if page.url.endswith("/start"):
        await page.locator(".btn-main").click()
    await page.wait_for_url(re.compile("/(patients/|network)"))


if __name__ == "__main__":
    asyncio.run(main())
