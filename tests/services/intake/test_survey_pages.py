"""The survey in a browser without a script: a part a page, saved on every step, sent once."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from services.intake.domain import FORMS
from services.intake.domain.drafts import Answered, parts
from services.intake.domain.questionnaires import Item, ItemType
from shared.events import SurveyCompleted
from tests.conftest import URLS
from tests.services.clinic import Clinic
from tests.services.streams import published
from tests.sign_in.browser import Browser
from tests.survey import answers_to

HOME = URLS["intake"]
FORM = FORMS["pre-visit-crohns|1.0"]
WORDS = {"concern_1_words": "The cramps are back", "matters_most": "My wedding in May"}


@pytest.fixture
async def phone(clinic: Clinic) -> AsyncIterator[Browser]:
    """A phone whose patient has opened the link of a visit."""
    async with Browser({HOME: clinic.intake}) as browser:
        await browser.submit(await browser.open(await clinic.new_link()))
        yield browser


def fields_for(number: int, **changes: str) -> dict[str, str]:
    """The fields of a part with every answer given."""
    answered = Answered(answers_to(FORM) | {"concern_1_topic": "symptoms"}, WORDS)
    part = parts(FORM.definition, answered)[number - 1]
    given = {item.link_id: _text(item, answered) for item in part.questions if item.link_id in answered.all}
    return {**given, **changes}


def _text(item: Item, answered: Answered) -> str:
    value = answered.all[item.link_id]
    return str(value).lower() if item.type is ItemType.BOOLEAN else str(value)


async def surveys_of(clinic: Clinic) -> list[SurveyCompleted]:
    return [event.body for event in await published(clinic.intake) if isinstance(event.body, SurveyCompleted)]


async def send(phone: Browser, number: int, fields: dict[str, str], go: str = "next") -> httpx.Response:
    return await phone.fill(f"{HOME}/survey/parts/{number}", {**fields, "go": go})


async def answer_all(phone: Browser) -> httpx.Response:
    """Every part with its answers, to the page that shows them all."""
    number, page = 1, await phone.open(f"{HOME}/survey/parts/1")
    while "/parts/" in str(page.url):
        number = int(str(page.url).partition("/parts/")[2].partition("?")[0])
        page = await send(phone, number, fields_for(number))
        assert page.status_code == 200, page.text
    return page


async def test_answers_given_part_by_part_become_one_survey_with_its_words_sealed(
    clinic: Clinic, phone: Browser
) -> None:
    review = await answer_all(phone)
    assert str(review.url) == f"{HOME}/survey/review"
    assert "The cramps are back" in review.text
    assert "Some questions are still open." not in review.text, review.text
    thanks = await phone.fill(f"{HOME}/survey/send", {})
    assert str(thanks.url) == f"{HOME}/survey/thanks"
    (event,) = await surveys_of(clinic)
    assert dict(event.answers) == {k: v for k, v in answers_to(FORM).items() if k != "concern_1_topic"}
    assert [concern.topic for concern in event.concerns] == ["symptoms"]
    assert "cramps" not in event.model_dump_json()
    assert (await phone.fill(f"{HOME}/survey/send", {})).url == thanks.url
    assert len(await surveys_of(clinic)) == 1


async def test_a_closed_tab_loses_nothing(phone: Browser) -> None:
    await send(phone, 1, fields_for(1))
    await send(phone, 2, fields_for(2, matters_most="Dance at my wedding"), go="save")
    resumed = await phone.open(f"{HOME}/survey")
    assert str(resumed.url) == f"{HOME}/survey/parts/2"
    assert "Dance at my wedding" in resumed.text


async def test_a_question_that_was_passed_over_is_asked_again_and_what_was_given_is_kept(phone: Browser) -> None:
    fields = fields_for(4)
    del fields["abdominal_pain"]
    page = await send(phone, 4, fields)
    assert page.status_code == 422
    assert page.text.count("Choose an answer, or say that you prefer not to.") == 1
    assert 'name="loose_stools_per_day" value="0" checked' in page.text


async def test_a_reason_is_an_answer_too_and_back_loses_none(phone: Browser) -> None:
    page = await send(phone, 4, fields_for(4, abdominal_pain="~prefer-not-to-say"), go="back")
    assert str(page.url) == f"{HOME}/survey/parts/3"
    again = await phone.open(f"{HOME}/survey/parts/4")
    assert 'value="~prefer-not-to-say" checked' in again.text


async def test_more_than_the_buttons_offer_is_typed_and_comes_back_as_it_was(phone: Browser) -> None:
    await send(phone, 4, fields_for(4, loose_stools_per_day="+", **{"+loose_stools_per_day": "12,5"}))
    again = await phone.open(f"{HOME}/survey/parts/4")
    assert 'name="+loose_stools_per_day" inputmode="decimal" size="4" maxlength="6" value="12.5"' in again.text
    wrong = await send(phone, 4, fields_for(4, loose_stools_per_day="+", **{"+loose_stools_per_day": "a lot"}))
    assert (wrong.status_code, "The answer must be a number." in wrong.text) == (422, True)
    assert 'value="12.5"' in (await phone.open(f"{HOME}/survey/parts/4")).text


async def test_the_language_changes_at_any_point_and_what_was_typed_stays(phone: Browser) -> None:
    page = await send(phone, 2, {"matters_most": "Mi boda"}, go="lang-es")
    assert str(page.url).startswith(f"{HOME}/survey/parts/2")
    assert "¿Qué le importa más en este momento?" in page.text
    assert "Mi boda" in page.text
    assert 'lang="es"' in page.text


async def test_a_severe_answer_asks_to_call_before_the_next_question(phone: Browser) -> None:
    page = await send(phone, 4, fields_for(4, abdominal_pain="3"))
    assert str(page.url) == f"{HOME}/survey/call/5"
    assert "Please call now" in page.text
    assert 'href="tel:911"' in page.text
    assert 'href="/survey/parts/5"' in page.text


async def test_people_with_a_stoma_are_shown_other_parts(phone: Browser) -> None:
    await send(phone, 3, {"has_stoma_or_pouch": "true"})
    page = await phone.open(f"{HOME}/survey/parts/5")
    assert "How many times a day did you empty your bag or pouch?" in page.text
    assert "loose or watery" not in (await phone.open(f"{HOME}/survey/parts/4")).text


async def test_an_unfinished_survey_is_not_sent(clinic: Clinic, phone: Browser) -> None:
    await send(phone, 1, fields_for(1))
    page = await phone.fill(f"{HOME}/survey/send", {})
    assert str(page.url) == f"{HOME}/survey/review"
    assert "Some questions are still open." in page.text
    assert await surveys_of(clinic) == []


async def test_the_script_is_told_in_a_status_what_became_of_its_save(phone: Browser) -> None:
    assert (await send(phone, 4, fields_for(4), go="save")).status_code == 204
    assert (await send(phone, 4, {"loose_stools_per_day": "99"}, go="save")).status_code == 422
    await answer_all(phone)
    await phone.fill(f"{HOME}/survey/send", {})
    assert (await send(phone, 4, fields_for(4), go="save")).status_code == 409


async def test_nothing_of_a_draft_is_left_in_clear_or_after_it_was_sent(clinic: Clinic, phone: Browser) -> None:
    await send(phone, 2, {"matters_most": "Dance at my wedding"})
    (row,) = await clinic.intake.state.database.rows("SELECT * FROM survey_draft")
    assert "wedding" not in str(dict(row))
    await answer_all(phone)
    await phone.fill(f"{HOME}/survey/send", {})
    (row,) = await clinic.intake.state.database.rows("SELECT answers, skipped, words FROM survey_draft")
    assert [row["answers"], row["skipped"], row["words"]] == ["{}", "{}", "{}"]


async def test_every_screen_says_that_nobody_reads_it_at_once(phone: Browser) -> None:
    for place in ("parts/1", "review", "call/2"):
        page = await phone.open(f"{HOME}/survey/{place}")
        assert "This is not monitored in real time." in page.text
        assert re.search(r'href="tel:911"', page.text)
