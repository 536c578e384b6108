"""The page on paper, as Chromium prints it: one sheet that leaves nothing out unsaid."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route
from pypdf import PdfReader

from services.dashboard.domain import assemble
from services.dashboard.pages import STATIC, present
from services.dashboard.pages.live import Live
from services.dashboard.pages.plan import PlanForms
from shared.events import Body, Language, SurveyCompleted, ViewerRole
from shared.pages import STATIC as SHARED
from shared.pages.speaking import Choice
from shared.sealing import Place, Words, WordsState
from shared.speech import SPOKEN
from tests.builders import PATIENT, VISIT_AT, an_enrollment, an_event, an_id
from tests.services.dashboard.histories import a_year_of_care, folded

pytestmark = pytest.mark.browser
FILES = {"/static/dashboard/": STATIC, "/static/shared/": SHARED}
SAID = {
    "sealed:concern-1": "The cramps are back after lunch at work. Is the shot wearing off before the next is due?",
    "sealed:concern-2": "I had prednisone again. I don't want it at my wedding in May.",
    "sealed:concern-3": "Can I get pregnant safely on this medicine, and who tells my other doctors?",
    "sealed:matters": "Work a full shift without planning around bathrooms.",
    **{f"sealed:step-{n}": f"Blood test {n}: adalimumab level and antibodies" for n in range(7)},
}
FULL: list[Body] = a_year_of_care()
EMPTY: list[Body] = [an_enrollment()]
ROLES = (ViewerRole.CLINICIAN, ViewerRole.PATIENT)


def html_of(
    bodies: Sequence[Body], role: ViewerRole, language: Language = Language.ENGLISH, *, is_shared: bool = False
) -> str:
    def opened(sealed: str, _place: Place) -> Words:
        return Words(WordsState.READABLE, SAID[sealed])

    events = [an_event(body, sequence=number) for number, body in enumerate(bodies, start=1)]
    return present(
        assemble(folded(*events)),
        now=VISIT_AT,
        time_zone="America/Chicago",
        unseal=opened,
        viewer_role=role,
        live=Live(PATIENT, an_id("view"), "1"),
        care_line="+1 312 555 0142",
        plan_forms=None if role is ViewerRole.PATIENT else PlanForms(),
        is_shared=is_shared,
        is_synthetic=True,
        spoken=Choice(language, query=()).spoken(),
    )


async def open_page(chromium: Browser, html: str, **context: Any) -> Page:
    """The page at an address of its own, with its styles and scripts and nothing else."""

    async def answer(route: Route) -> None:
        path = "/" + route.request.url.split("/", 3)[3]
        folder = next((prefix for prefix in FILES if path.startswith(prefix)), None)
        if folder is not None:
            await route.fulfill(path=Path(FILES[folder], path.removeprefix(folder)))
        elif path == "/page":
            await route.fulfill(body=html, content_type="text/html; charset=utf-8")
        else:
            await route.abort()

    page = await (await chromium.new_context(viewport={"width": 1366, "height": 768}, **context)).new_page()
    await page.route("**/*", answer)
    await page.goto("http://samepage.test/page")
    return page


async def printed(page: Page, paper: str) -> list[str]:
    """The text of each sheet."""
    return [sheet.extract_text() for sheet in PdfReader(BytesIO(await page.pdf(format=paper))).pages]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("bodies", [FULL, EMPTY], ids=["full", "empty"])
@pytest.mark.parametrize("language", SPOKEN)
async def test_a_page_is_one_sheet_of_a4_and_of_letter(
    chromium: Browser, bodies: list[Body], role: ViewerRole, language: Language
) -> None:
    page = await open_page(chromium, html_of(bodies, role, language))
    for paper in ("A4", "Letter"):
        assert len(await printed(page, paper)) == 1, paper


async def test_the_concerns_the_readings_and_the_plan_are_on_it_as_text(chromium: Browser) -> None:
    page = await open_page(chromium, html_of(FULL, ViewerRole.PATIENT))
    (text,) = await printed(page, "Letter")
    said = " ".join(text.split())
    for words in (
        *(SAID[f"sealed:concern-{n}"] for n in (1, 2, 3)),
        SAID["sealed:matters"],
        "My page",
        "Visit summary.",
    ):
        assert words in said
    for n in range(5):
        assert SAID[f"sealed:step-{n}"] in said
    assert "due 5 Oct, 8 days late" in said
    assert "These do not agree." in said


async def test_what_does_not_fit_is_counted_in_words_and_nothing_to_press_is_printed(chromium: Browser) -> None:
    page = await open_page(chromium, html_of(FULL, ViewerRole.CLINICIAN))
    said = " ".join((await printed(page, "A4"))[0].split())
    assert "2 more steps are on the page." in said
    assert "2 more tests are on the page." in said
    for words in (
        "Print one-page",
        "Download",
        "Show as table",
        "Sign out",
        "Add a step",
        "Change",
        "Tick as done",
        "more steps Blood",
        "Why this shows",
    ):
        assert words not in said


async def test_other_answers_over_time_are_numbers_on_the_one_sheet_whether_or_not_their_pictures_are_open(
    chromium: Browser,
) -> None:
    page = await open_page(chromium, html_of(FULL, ViewerRole.CLINICIAN))
    for is_open in (False, True):
        if is_open:
            await page.locator(".more-trends > summary").click()
            assert await page.get_by_role("img", name="Pain, past 12 months; higher is worse").is_visible()
        (text,) = await printed(page, "Letter")
        said = " ".join(text.split())
        assert "Oldest first: IBD control 8, 8, 5. Tiredness 6, 6, 6." in said
        assert "more charts" not in said


async def test_a_sheet_in_spanish_says_in_spanish_what_does_not_fit_and_when_it_was_read(chromium: Browser) -> None:
    page = await open_page(chromium, html_of(FULL, ViewerRole.PATIENT, Language.SPANISH))
    said = " ".join((await printed(page, "A4"))[0].split())
    for words in (
        "Resumen de la visita.",
        "2 pasos más están en la página.",
        "2 pruebas más están en la página.",
        "Leída el 13 oct 2026, 10:20, impresa el ",
        "El papel no se actualiza.",
    ):
        assert words in said


async def test_a_gap_that_the_screen_folds_away_is_on_paper(chromium: Browser) -> None:
    (survey,) = (body for body in FULL if isinstance(body, SurveyCompleted) and body.skipped)
    page = await open_page(chromium, html_of([survey], ViewerRole.CLINICIAN))
    said = " ".join((await printed(page, "A4"))[0].split())
    assert (
        "who the patient is, clinician's rating, opioid answer, barriers answer, Calprotectin , CRP, medicines list"
        in said
    )


@pytest.mark.parametrize("has_script", [True, False])
async def test_paper_says_when_the_page_was_read_that_it_is_not_live_and_when_it_was_printed(
    chromium: Browser, *, has_script: bool
) -> None:
    page = await open_page(chromium, html_of(EMPTY, ViewerRole.PATIENT), java_script_enabled=has_script)
    said = " ".join((await printed(page, "A4"))[0].split())
    assert "Read 13 Oct 2026, 10:20" in said
    assert "Paper is not live." in said
    assert (", printed " in said) is has_script
    assert not await page.get_by_text("Paper is not live.").is_visible(), "on the screen it is"


@pytest.mark.parametrize("screen", [{"color_scheme": "dark"}, {"forced_colors": "active"}], ids=str)
async def test_paper_is_white_and_ink_is_dark_whatever_the_screen_is(chromium: Browser, screen: dict[str, str]) -> None:
    page = await open_page(chromium, html_of(FULL, ViewerRole.CLINICIAN), **screen)
    assert len(await printed(page, "Letter")) == 1
    await page.emulate_media(media="print")
    colours = "one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
    ink, paper = await page.locator("main").evaluate(colours)
    assert ink in ("rgb(24, 33, 43)", "rgb(0, 0, 0)")
    assert paper == "rgb(255, 255, 255)"


async def test_nothing_on_paper_is_smaller_than_8_points(chromium: Browser) -> None:
    page = await open_page(chromium, html_of(FULL, ViewerRole.CLINICIAN))
    await page.emulate_media(media="print")
    await page.set_viewport_size({"width": 725, "height": 1069})
    smallest = await page.evaluate(
        """() => Math.min(...[...document.querySelectorAll("main *, .foot *")]
            .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
            .filter((one) => one.checkVisibility())
            .map((one) => {
              const scale = one.ownerSVGElement ? one.ownerSVGElement.getScreenCTM().a : 1;
              return parseFloat(getComputedStyle(one).fontSize) * scale * 0.75;
            }))"""
    )
    assert smallest >= 7.99
