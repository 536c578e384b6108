"""Answers that a phone kept: they stand in their places when a part is opened again, and none replaces a newer one."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.test_survey import all_is_sent, answer, clinic, home, open_survey, press_next
from tests.services.clinic import Clinic
from tests.services.intake.test_own_forms import bring
from tests.services.intake.test_own_forms_asked import ask
from tests.services.intake.test_own_forms_repeating import FORM

__all__ = ["clinic", "home"]
pytestmark = pytest.mark.browser
CRAMPS, TIRED = "The cramps are back", "I am tired all day"
WORDS, TOPICS, MATTERS = "[name=concern_1_words]", "input[name=concern_1_topic]", "[name=matters_most]"


async def a_phone(chromium: Browser) -> BrowserContext:
    return await chromium.new_context(viewport={"width": 390, "height": 844})


async def open_link(context: BrowserContext, home: str, link: str) -> Page:
    """The page that a link opens."""
    page = await context.new_page()
    await page.goto(home + urlsplit(link).path)
    await page.locator("main button").click()
    return page


async def close_unsent(page: Page) -> None:
    """Close a page whose last answers have not left the phone."""
    assert await page.evaluate("localStorage.length") > 0
    await page.close()


async def opened_again(context: BrowserContext, home: str, part: str = "") -> Page:
    page = await context.new_page()
    await page.goto(f"{home}/survey{part}")
    return page


async def cut_off(page: Page) -> None:
    """Nothing that this page saves gets through."""
    await page.route("**/parts/*", lambda route: route.abort() if route.request.method == "POST" else route.continue_())


async def test_words_typed_offline_stand_there_again_and_stay_when_another_answer_is_given(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await a_phone(chromium)
    page = await open_survey(context, clinic, home)
    await context.set_offline(True)
    await page.locator(WORDS).fill(CRAMPS)
    await close_unsent(page)
    await context.set_offline(False)
    again = await opened_again(context, home)
    await expect(again.locator(WORDS)).to_have_value(CRAMPS)
    await again.locator(TOPICS).first.check(force=True)
    await all_is_sent(again)
    await again.reload()
    await expect(again.locator(WORDS)).to_have_value(CRAMPS)
    await expect(again.locator(TOPICS).first).to_be_checked()
    await context.close()


async def test_words_of_a_tab_that_closed_before_they_were_sent_are_there_for_next(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await a_phone(chromium)
    page = await open_survey(context, clinic, home)
    await answer(page)
    await press_next(page)
    await cut_off(page)
    await page.locator(MATTERS).fill("Dance at my wedding")
    await close_unsent(page)
    again = await opened_again(context, home, "/parts/2")
    await expect(again.locator(MATTERS)).to_have_value("Dance at my wedding")
    await press_next(again)
    assert "/parts/3" in again.url
    await again.goto(f"{home}/survey/parts/2")
    await expect(again.locator(MATTERS)).to_have_value("Dance at my wedding")
    await context.close()


async def test_a_reason_for_skipping_and_more_than_the_buttons_offer_stand_there_again(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await a_phone(chromium)
    page = await open_survey(context, clinic, home)
    await page.goto(f"{home}/survey/parts/4")
    await cut_off(page)
    await page.locator("input[name=loose_stools_per_day][value='+']").check(force=True)
    await page.locator("input[name='+loose_stools_per_day']").fill("14")
    pain = page.locator("input[name=abdominal_pain][value='~prefer-not-to-say']")
    await page.locator("#q-abdominal_pain summary").click()
    await pain.check(force=True)
    await close_unsent(page)
    again = await opened_again(context, home, "/parts/4")
    await expect(again.locator("input[name='+loose_stools_per_day']")).to_have_value("14")
    await expect(again.locator("#q-abdominal_pain details")).to_have_attribute("open", "")
    await expect(again.locator("input[name=abdominal_pain]:checked")).to_have_value("~prefer-not-to-say")
    await all_is_sent(again)
    await context.close()


@pytest.mark.parametrize("part", ["/parts/1", "/parts/3"], ids=["its-own-part", "another-part"])
async def test_of_two_answers_to_a_question_the_newer_stays_whichever_arrives_first(
    clinic: Clinic, home: str, chromium: Browser, part: str
) -> None:
    link = await clinic.new_link()
    phone, tablet = await a_phone(chromium), await a_phone(chromium)
    for context in (phone, tablet):
        page = await open_link(context, home, link)
        await page.goto(f"{home}/survey/parts/1")
    page = phone.pages[0]
    await phone.set_offline(True)
    await page.locator(WORDS).fill(CRAMPS)
    await page.locator(TOPICS).nth(1).check(force=True)
    await close_unsent(page)
    other = tablet.pages[0]
    await other.locator(WORDS).fill(TIRED)
    await all_is_sent(other)
    await phone.set_offline(False)
    again = await opened_again(phone, home, part)
    await all_is_sent(again)
    await again.goto(f"{home}/survey/parts/1")
    await other.reload()
    for shown in (again, other):
        await expect(shown.locator(WORDS)).to_have_value(TIRED)
        await expect(shown.locator(TOPICS).nth(1)).to_be_checked()
    await again.locator(WORDS).fill(CRAMPS)
    await all_is_sent(again)
    await other.reload()
    await expect(other.locator(WORDS)).to_have_value(CRAMPS)


async def test_a_tab_that_was_opened_before_an_answer_was_given_does_not_take_it_away(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await a_phone(chromium)
    first = await open_survey(context, clinic, home)
    second = await opened_again(context, home, "/parts/1")
    await first.locator(WORDS).fill(CRAMPS)
    await all_is_sent(first)
    await second.locator(TOPICS).first.check(force=True)
    await press_next(second)
    third = await opened_again(context, home, "/parts/1")
    await expect(third.locator(WORDS)).to_have_value(CRAMPS)
    await expect(third.locator(TOPICS).first).to_be_checked()
    await context.close()


async def test_what_one_person_typed_is_neither_shown_nor_saved_to_the_next_on_the_same_phone(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await a_phone(chromium)
    mine = await open_survey(context, clinic, home)
    theirs = await open_link(context, home, await clinic.new_link(identifier="MRN-2"))
    await mine.locator(WORDS).fill(CRAMPS)
    await expect(mine.locator("[data-status]")).to_contain_text("Kept on this phone")
    await theirs.goto(f"{home}/survey/parts/1")
    await expect(theirs.locator(WORDS)).to_have_value("")
    await answer(mine)
    await mine.locator(".survey-nav .btn-main").click()
    await expect(mine.get_by_role("heading", level=1)).to_have_text("This page is closed")
    await theirs.reload()
    await expect(theirs.locator(WORDS)).to_have_value("")
    await context.close()


async def test_answers_kept_when_a_link_ended_are_sent_by_the_next_link_of_the_visit(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context, visit = await a_phone(chromium), await clinic.visit(await clinic.enrol())
    page = await open_link(context, home, await clinic.link(visit))
    await page.goto(f"{home}/survey/parts/1")
    (link,) = (await clinic.system.get(f"/v1/visits/{visit}/links")).json()["items"]
    assert (await clinic.system.delete(f"/v1/visits/{visit}/links/{link['id']}")).status_code == 204
    await page.locator(WORDS).fill(CRAMPS)
    await expect(page.locator("[data-status]")).to_contain_text("Kept on this phone")
    await close_unsent(page)
    again = await open_link(context, home, await clinic.link(visit))
    await again.goto(f"{home}/survey")
    await expect(again.locator(WORDS)).to_have_value(CRAMPS)
    await all_is_sent(again)
    await context.close()


async def test_words_to_which_nobody_came_back_are_forgotten(clinic: Clinic, home: str, chromium: Browser) -> None:
    context = await a_phone(chromium)
    page = await open_survey(context, clinic, home)
    old = '{"place": "/survey/parts/1", "part": "x", "at": 1, "fields": "matters_most=old"}'
    await page.evaluate("old => localStorage.setItem('samepage-another-visit:matters_most', old)", old)
    await page.reload()
    await all_is_sent(page)
    await context.close()


async def test_several_answers_and_groups_stand_there_again_with_one_more_than_the_page_had(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    assert (await ask(clinic, await bring(clinic, FORM))).status_code == 200
    context = await a_phone(chromium)
    page = await open_survey(context, clinic, home)
    await page.locator("[name='pets[1]']").fill("A cat (synthetic)")
    await page.locator("button[value='more:pets']").click()
    await expect(page.locator("[name='pets[2]']")).to_be_focused()
    await cut_off(page)
    await page.locator("[name='pets[2]']").fill("A dog (synthetic)")
    await page.locator("[name='foods[2]']").check()
    await page.locator("[name='what[1]']").fill("Porridge (synthetic)")
    await close_unsent(page)
    again = await opened_again(context, home, "/parts/1")
    await expect(again.locator("[name='pets[2]']")).to_have_value("A dog (synthetic)", timeout=20_000)
    await expect(again.locator("[name='pets[1]']")).to_have_value("A cat (synthetic)")
    await expect(again.locator("[name='foods[2]']")).to_be_checked()
    await expect(again.locator("[name='what[1]']")).to_have_value("Porridge (synthetic)")
    await all_is_sent(again)
    await again.reload()
    await expect(again.locator("[name='pets[2]']")).to_have_value("A dog (synthetic)")
    await expect(again.locator("[name='what[1]']")).to_have_value(re.compile("Porridge"))
    await context.close()


async def to_the_review(page: Page) -> None:
    """Every part with its answers, up to the page that shows them all."""
    while "/review" not in page.url:
        if "/parts/" in page.url:
            await answer(page)
        await press_next(page)


async def test_what_waits_on_the_phone_goes_along_when_the_survey_is_sent(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    context = await a_phone(chromium)
    page = await open_survey(context, clinic, home)
    await to_the_review(page)
    await page.goto(f"{home}/survey/parts/1")
    await cut_off(page)
    await page.locator(WORDS).fill(CRAMPS)
    await expect(page.locator("[data-status]")).to_contain_text("Kept on this phone")
    await page.goto(f"{home}/survey/review")
    await expect(page.get_by_role("button", name="Send my answers")).to_be_disabled()
    await expect(page.locator("[data-status]")).to_contain_text("Kept on this phone")
    await page.unroute("**/parts/*")
    await expect(page.get_by_role("button", name="Send my answers")).to_be_enabled()
    await expect(page.locator("main")).to_contain_text(CRAMPS)
    await page.get_by_role("button", name="Send my answers").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    await expect(page.locator("[data-lost]")).to_be_hidden()
    await context.close()


async def test_what_was_kept_when_another_phone_sent_the_survey_is_named_and_not_passed_over(
    clinic: Clinic, home: str, chromium: Browser
) -> None:
    link = await clinic.new_link()
    phone, tablet = await a_phone(chromium), await a_phone(chromium)
    late, page = [await open_link(context, home, link) for context in (phone, tablet)]
    await page.goto(f"{home}/survey/parts/1")
    await to_the_review(page)
    await late.goto(f"{home}/survey/parts/1")
    await cut_off(late)
    await late.locator(WORDS).fill(TIRED)
    await expect(late.locator("[data-status]")).to_contain_text("Kept on this phone")
    await page.get_by_role("button", name="Send my answers").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    await late.unroute("**/parts/*")
    await late.locator(".survey-nav .btn-main").click()
    await expect(late.get_by_role("heading", level=1)).to_have_text("Thank you")
    await expect(late.locator("[data-lost]")).to_contain_text("came too late and is not in it. Tell your clinic:")
    await late.reload()
    await expect(late.locator("[data-lost]")).to_be_hidden()
    for context in (phone, tablet):
        await context.close()
