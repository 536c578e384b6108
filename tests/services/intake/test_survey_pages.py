"""The survey in a browser without a script: a part a page, saved on every step, sent once."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from services.intake.domain.drafts import Answered, parts
from services.intake.domain.questionnaires import Item, ItemType
from shared.events import SurveyCompleted
from shared.keyring import KeyRing
from tests.conftest import URLS, KeyRings, new_key
from tests.services.clinic import Clinic
from tests.services.held import held, until_waiting
from tests.services.intake.conftest import SITE
from tests.services.rings import away
from tests.services.streams import published
from tests.sign_in.browser import Browser
from tests.survey import CROHNS, answers_to, survey_of
from tests.waiting import until

HOME = URLS["intake"]
WORDS = {"concern_1_words": "The cramps are back", "matters_most": "My wedding in May"}


@pytest.fixture
async def phone(clinic: Clinic) -> AsyncIterator[Browser]:
    """A phone whose patient has opened the link of a visit."""
    async with Browser({HOME: clinic.intake}) as browser:
        await browser.submit(await browser.open(await clinic.new_link()))
        yield browser


def fields_for(number: int, **changes: str) -> dict[str, str]:
    """The fields of a part with every answer given."""
    answered = Answered(answers_to(CROHNS) | {"concern_1_topic": "symptoms"}, WORDS)
    part = parts(CROHNS.definition, answered)[number - 1]
    given = {item.link_id: _text(item, answered) for item in part.questions if item.link_id in answered.all}
    return {**given, **changes}


def _text(item: Item, answered: Answered) -> str:
    value = answered.all[item.link_id]
    return str(value).lower() if item.type is ItemType.BOOLEAN else str(value)


async def surveys_of(clinic: Clinic) -> list[SurveyCompleted]:
    return [event.body for event in await published(clinic.intake) if isinstance(event.body, SurveyCompleted)]


async def draft_of(clinic: Clinic) -> Any:
    (row,) = await clinic.intake.state.database.rows("SELECT * FROM survey_draft")
    return row


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
    assert dict(event.answers) == {k: v for k, v in answers_to(CROHNS).items() if k != "concern_1_topic"}
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


@pytest.mark.parametrize("severe", ["abdominal_pain", "rectal_bleeding"])
async def test_a_severe_answer_asks_to_call_before_the_next_question(phone: Browser, severe: str) -> None:
    page = await send(phone, 4, fields_for(4, **{severe: "3"}))
    assert str(page.url) == f"{HOME}/survey/call/5"
    assert "Please call now" in page.text
    assert 'href="tel:911"' in page.text
    assert 'href="/survey/parts/5"' in page.text


async def test_people_with_a_stoma_are_shown_other_parts(phone: Browser) -> None:
    await send(phone, 3, {"has_stoma_or_pouch": "true"})
    page = await phone.open(f"{HOME}/survey/parts/5")
    assert "How many times a day did you empty your bag or pouch?" in page.text
    assert "loose or watery" not in (await phone.open(f"{HOME}/survey/parts/4")).text


async def test_much_more_out_of_a_bag_asks_to_call_and_a_little_more_does_not(phone: Browser) -> None:
    await send(phone, 3, {"has_stoma_or_pouch": "true"})
    pages = [
        await send(phone, 5, {"empties_per_day": "9", "output_change": output}) for output in ("more", "much-more")
    ]
    assert [page.url.path for page in pages] == ["/survey/parts/6", "/survey/call/6"]


async def test_who_began_with_an_earlier_version_of_the_survey_goes_on_with_it(clinic: Clinic, phone: Browser) -> None:
    await send(phone, 3, fields_for(3))
    assert "Did you see blood" in (await phone.open(f"{HOME}/survey/parts/4")).text
    await clinic.intake.state.database.run("UPDATE survey_draft SET form = 'pre-visit-crohns|1.0'")
    assert "Did you see blood" not in (await phone.open(f"{HOME}/survey/parts/4")).text
    await answer_all(phone)
    await phone.fill(f"{HOME}/survey/send", {})
    (event,) = await surveys_of(clinic)
    assert event.form == "pre-visit-crohns|1.0"
    assert "rectal_bleeding" not in event.answers


async def test_fields_of_a_part_that_has_another_number_by_now_are_kept(clinic: Clinic, phone: Browser) -> None:
    """A phone that was offline sends the parts that it kept by the numbers that they had."""
    await send(phone, 3, {"has_stoma_or_pouch": "true"})
    assert (await send(phone, 6, fields_for(6), go="save")).status_code == 204
    draft = await draft_of(clinic)
    assert orjson.loads(draft["answers"]).keys() == {"has_stoma_or_pouch", "pain_nrs", "fatigue"}
    assert draft["part"] == 7


async def test_an_answer_that_was_given_earlier_and_arrives_later_replaces_none(clinic: Clinic, phone: Browser) -> None:
    await send(phone, 2, {"matters_most": "Dance at my wedding", "!matters_most": "1700000000000"}, go="save")
    await send(phone, 2, {"matters_most": "Nothing yet", "!matters_most": "1690000000000"}, go="save")
    assert "Dance at my wedding" in (await phone.open(f"{HOME}/survey/parts/2")).text
    await send(phone, 2, {"matters_most": "Sleep", "!matters_most": "1700000000001"}, go="save")
    page = (await phone.open(f"{HOME}/survey/parts/2")).text
    assert "Sleep" in page
    assert 'data-question="matters_most" data-at="1700000000001"' in page
    assert orjson.loads((await draft_of(clinic))["entered_at"]).keys() == {"matters_most"}


@pytest.mark.parametrize("said", ["99999999999999999999", "-1e9", "soon"])
async def test_a_time_that_is_none_or_lies_ahead_is_now(phone: Browser, said: str) -> None:
    await send(phone, 2, {"matters_most": "Sleep", "!matters_most": said}, go="save")
    await send(phone, 2, {"matters_most": "Dance at my wedding"}, go="save")
    assert "Dance at my wedding" in (await phone.open(f"{HOME}/survey/parts/2")).text


async def test_a_blank_takes_away_what_it_was_shown_and_nothing_newer(clinic: Clinic, phone: Browser) -> None:
    def made(page: httpx.Response) -> str:
        return page.text.partition('name="!" value="')[2].partition('"')[0]

    before = made(await phone.open(f"{HOME}/survey/parts/2"))
    await send(phone, 2, {"matters_most": "Sleep"})
    await send(phone, 2, {"matters_most": "", "!": str(int(before) - 1)})
    page = await phone.open(f"{HOME}/survey/parts/2")
    assert "Sleep" in page.text
    await send(phone, 2, {"matters_most": "", "!": str(int(made(page)) + 1)})
    assert "Sleep" not in (await phone.open(f"{HOME}/survey/parts/2")).text


async def test_a_page_of_another_visit_changes_and_sends_nothing(clinic: Clinic, phone: Browser) -> None:
    """Two people with one phone: a page of the first stands open while the second has opened their link."""
    await answer_all(phone)
    stale = {"=": str(UUID(int=1))}
    assert (await send(phone, 2, {"matters_most": "Sleep", **stale}, go="save")).status_code == 401
    assert "This page is closed" in (await send(phone, 2, {"matters_most": "Sleep", **stale})).text
    assert (
        await phone.fill(f"{HOME}/survey/language", {"go": "lang-es", "there": "review", **stale})
    ).status_code == 401
    assert (await phone.fill(f"{HOME}/survey/send", stale)).status_code == 401
    assert await surveys_of(clinic) == []
    assert "My wedding in May" in (await phone.open(f"{HOME}/survey/review")).text


async def test_words_that_begin_like_a_sign_of_the_form_are_words(phone: Browser) -> None:
    await send(phone, 1, {"concern_1_topic": "symptoms", "concern_1_words": "~3 weeks of cramps"})
    await send(phone, 2, {"matters_most": "+"})
    page = await phone.open(f"{HOME}/survey/review")
    assert "~3 weeks of cramps" in page.text
    assert "<dd>+</dd>" in page.text


async def test_what_was_typed_wrong_for_more_than_the_buttons_offer_is_shown_again(phone: Browser) -> None:
    await send(phone, 4, fields_for(4, loose_stools_per_day="+", **{"+loose_stools_per_day": "12"}))
    page = await send(phone, 4, {"loose_stools_per_day": "+", "+loose_stools_per_day": "a lot"})
    assert 'name="+loose_stools_per_day" inputmode="decimal" size="4" maxlength="6" value="a lot"' in page.text


@pytest.mark.parametrize("news", [{"state": "cancelled"}, {"state": "completed"}])
async def test_a_visit_that_is_off_or_over_leads_a_patient_back_to_the_start(
    clinic: Clinic, phone: Browser, news: dict[str, str]
) -> None:
    await send(phone, 1, fields_for(1))
    (visit,) = await clinic.intake.state.database.rows("SELECT visit_id FROM visit")
    answer = await clinic.system.patch(f"/v1/visits/{visit['visit_id']}", json=news)
    assert answer.status_code == 200, answer.text
    assert (await send(phone, 2, fields_for(2), go="save")).status_code == 409
    for page in ("", "/parts/2", "/review"):
        assert str((await phone.open(f"{HOME}/survey{page}")).url) == f"{HOME}/start"
    assert await surveys_of(clinic) == []


async def test_words_that_cannot_be_read_now_are_neither_lost_nor_left_out(
    clinic: Clinic, phone: Browser, keyring_of: KeyRings
) -> None:
    await answer_all(phone)
    async with KeyRing(await keyring_of("intake")) as forgetful:
        clinic.intake.state.keyring = forgetful
        async with away(keyring_of):
            part = await phone.open(f"{HOME}/survey/parts/1")
            assert "Your words are kept. They cannot be shown right now." in part.text
            assert 'name="concern_1_words"' not in part.text
            assert (await phone.fill(f"{HOME}/survey/send", {})).status_code == 503
            review = await phone.open(f"{HOME}/survey/review")
            assert "You can send your answers in a moment." in review.text
            assert "Some questions are still open." not in review.text
            assert await surveys_of(clinic) == []
        assert (await send(phone, 1, {"concern_1_topic": "symptoms"}, go="save")).status_code == 204

        async def is_sent() -> bool:
            return str((await phone.fill(f"{HOME}/survey/send", {})).url) == f"{HOME}/survey/thanks"

        await until(is_sent, seconds=5)
    (survey,) = await surveys_of(clinic)
    assert survey.concerns[0].words is not None
    assert survey.matters_most is not None


async def test_a_second_try_begins_with_the_day_on_which_it_began(clinic: Clinic, phone: Browser) -> None:
    await answer_all(phone)
    await phone.fill(f"{HOME}/survey/send", {})
    (first,) = await surveys_of(clinic)
    wrong = {"replaces": 1, "reason": "entry-mistake"}
    path = f"/v1/surveys/{first.survey_id}/entered-in-error"
    assert (await clinic.system.post(path, json=wrong, headers=new_key())).status_code == 201
    await answer_all(phone)
    await phone.fill(f"{HOME}/survey/send", {})
    *_, second = await surveys_of(clinic)
    assert first.started_at is not None
    assert second.started_at is not None
    assert first.submitted_at < second.started_at < second.submitted_at


async def test_what_is_saved_while_the_survey_is_on_its_way_is_looked_at_before_it_is_sent(
    clinic: Clinic, phone: Browser
) -> None:
    await answer_all(phone)
    row = await draft_of(clinic)
    async with asyncio.TaskGroup() as group, held(clinic.intake, (SITE, str(row["patient_id"]))) as other:
        sent = group.create_task(phone.fill(f"{HOME}/survey/send", {}))
        await until_waiting(clinic.intake)
        await other.execute(
            """
            UPDATE survey_draft SET saved_at = clock_timestamp(), answers = jsonb_set(answers, '{abdominal_pain}', '2')
            WHERE visit_id = $1
            """,
            row["visit_id"],
        )
    page = sent.result()
    assert str(page.url) == f"{HOME}/survey/review?changed=true"
    assert "Not sent yet: something was answered on another screen meanwhile." in page.text
    assert await surveys_of(clinic) == []
    assert str((await phone.fill(f"{HOME}/survey/send", {})).url) == f"{HOME}/survey/thanks"
    (survey,) = await surveys_of(clinic)
    assert survey.answers["abdominal_pain"] == 2


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
    assert "wedding" not in str(dict(await draft_of(clinic)))
    await answer_all(phone)
    await phone.fill(f"{HOME}/survey/send", {})
    row = await draft_of(clinic)
    assert [row["answers"], row["skipped"], row["words"]] == ["{}", "{}", "{}"]


async def test_a_survey_that_came_another_way_leaves_nothing_in_the_draft(clinic: Clinic, phone: Browser) -> None:
    await send(phone, 2, {"matters_most": "Dance at my wedding"})
    draft = await draft_of(clinic)
    survey = survey_of(str(draft["patient_id"]), str(draft["visit_id"]))
    assert (await clinic.system.post("/v1/surveys", json=survey, headers=new_key())).status_code == 201
    assert (await draft_of(clinic))["words"] == "{}"
    assert str((await phone.open(f"{HOME}/survey")).url) == f"{HOME}/survey/thanks"


async def test_every_screen_says_that_nobody_reads_it_at_once(phone: Browser) -> None:
    for place in ("parts/1", "review", "call/2"):
        page = await phone.open(f"{HOME}/survey/{place}")
        assert "This is not monitored in real time." in page.text
        assert re.search(r'href="tel:911"', page.text)
