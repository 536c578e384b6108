"""Around the questions: the language on every screen, whom to call from the link on, who answered and when."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from shared.events import EntryMode, Language
from tests.conftest import Tokens, client_of, new_key
from tests.services.clinic import ZONE, Clinic, today
from tests.services.intake.conftest import SITE
from tests.services.intake.test_survey_pages import HOME, answer_all, draft_of, fields_for, phone, send, surveys_of
from tests.services.intake.test_survey_rules import CARE_LINE, RULE
from tests.sign_in.browser import Browser
from tests.survey import survey_of

__all__ = ["phone"]


@pytest.fixture
async def coordinator(clinic: Clinic, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(clinic.intake, token("coordinator", [SITE])) as client:
        yield client


def is_in(language: str, page: httpx.Response) -> bool:
    return f'<html lang="{language}">' in page.text


@pytest.mark.parametrize("screen", ["call/5", "review", "thanks"])
async def test_the_language_changes_on_every_screen_of_a_survey_and_holds(
    clinic: Clinic, phone: Browser, screen: str
) -> None:
    await send(phone, 1, fields_for(1))
    if screen == "thanks":
        await answer_all(phone)
        await phone.fill(f"{HOME}/survey/send", {})
    before = await phone.open(f"{HOME}/survey/{screen}")
    assert is_in("en", before)
    after = await phone.submit(before, go="lang-es")
    assert (str(after.url), is_in("es", after)) == (f"{HOME}/survey/{screen}", True)
    assert (await draft_of(clinic))["language"] == "es"
    assert is_in("es", await phone.open(f"{HOME}/start"))
    back = await phone.submit(await phone.open(f"{HOME}/survey/{screen}"), go="lang-en")
    assert is_in("en", back)
    assert (await draft_of(clinic))["language"] == "en"


async def test_the_language_that_is_chosen_at_the_start_is_that_of_the_survey(clinic: Clinic, phone: Browser) -> None:
    await send(phone, 1, fields_for(1))
    assert is_in("es", await phone.open(f"{HOME}/start?lang=es"))
    assert is_in("es", await phone.open(f"{HOME}/survey"))
    await answer_all(phone)
    await phone.fill(f"{HOME}/survey/send", {})
    (survey,) = await surveys_of(clinic)
    assert survey.language is Language.SPANISH


async def test_a_language_chosen_on_a_part_holds_on_the_other_screens(clinic: Clinic, phone: Browser) -> None:
    await phone.open(f"{HOME}/start?lang=es")
    assert is_in("en", await send(phone, 2, {"matters_most": "Sleep"}, go="lang-en"))
    for place in ("start", "survey/parts/3", "survey/review", "survey/call/3"):
        assert is_in("en", await phone.open(f"{HOME}/{place}"))


async def test_thanks_for_a_survey_that_came_another_way_speak_another_language_too(
    clinic: Clinic, phone: Browser
) -> None:
    (visit,) = await clinic.intake.state.database.rows("SELECT visit_id, patient_id FROM visit")
    survey = survey_of(str(visit["patient_id"]), str(visit["visit_id"]))
    assert (await clinic.system.post("/v1/surveys", json=survey, headers=new_key())).status_code == 201
    thanks = await phone.submit(await phone.open(f"{HOME}/survey"), go="lang-es")
    assert (str(thanks.url), is_in("es", thanks)) == (f"{HOME}/survey/thanks", True)
    assert (await draft_of(clinic))["sent_at"] is not None


async def test_staff_read_a_survey_in_the_patients_language_and_keep_their_own(
    clinic: Clinic, coordinator: httpx.AsyncClient
) -> None:
    base = f"/visits/{await clinic.visit(await clinic.enrol())}/survey"
    coordinator.cookies.set("__Host-samepage-language", "es")
    assert is_in("en", await coordinator.get(f"{base}/review"))
    answer = await coordinator.post(f"{base}/language", data={"go": "lang-es", "there": "../elsewhere"})
    assert (answer.headers["location"], "set-cookie" in answer.headers) == (f"{base}/review", False)
    assert is_in("es", await coordinator.get(f"{base}/review"))


async def test_from_the_link_to_the_thanks_every_page_says_whom_to_call(clinic: Clinic) -> None:
    visit = await clinic.visit(await clinic.enrol())
    async with Browser({HOME: clinic.intake}) as browser:
        link = await clinic.link(visit)
        assert "If you need help now, call your clinic." in (await browser.open(link)).text
        assert (await clinic.system.put(RULE, json={"care_line": CARE_LINE})).status_code == 200
        start = await browser.submit(await browser.open(link))
        await answer_all(browser)
        review = await browser.open(f"{HOME}/survey/review")
        call = await browser.open(f"{HOME}/survey/call/5")
        thanks = await browser.fill(f"{HOME}/survey/send", {})
        for page in (
            await browser.open(link),
            start,
            review,
            call,
            thanks,
            await browser.open(f"{HOME}/start?lang=es"),
        ):
            assert re.search("not monitored in real time|Nadie lee esto en tiempo real", page.text), page.url
            assert f'<a href="tel:+13125550123">{CARE_LINE}</a>' in page.text, page.url
            assert 'href="tel:911"' in page.text


async def test_somebody_who_answers_for_the_patient_says_so_before_sending(clinic: Clinic, phone: Browser) -> None:
    review = await answer_all(phone)
    assert "I answered for somebody else" in review.text
    await phone.submit(review, mode="proxy")
    (survey,) = await surveys_of(clinic)
    assert survey.mode is EntryMode.PROXY


async def on_paper(clinic: Clinic, coordinator: httpx.AsyncClient, *, days: float = 3) -> str:
    """Where a survey of a patient is typed in, with every answer given."""
    base = f"/visits/{await clinic.visit(await clinic.enrol(), days=days)}/survey"
    number = 1
    while True:
        answer = await coordinator.post(f"{base}/parts/{number}", data=fields_for(number) | {"go": "next"})
        assert answer.status_code == 303, answer.text
        if answer.headers["location"] == f"{base}/review":
            return base
        number += 1


async def test_paper_of_an_earlier_day_counts_as_of_that_day(clinic: Clinic, coordinator: httpx.AsyncClient) -> None:
    base, day = await on_paper(clinic, coordinator, days=10), today() - timedelta(days=6)
    answer = await coordinator.post(f"{base}/send", data={"mode": "paper", "day": day.isoformat()})
    assert answer.headers["location"] == f"{base}/thanks"
    (survey,) = await surveys_of(clinic)
    assert (survey.mode, survey.started_at) == (EntryMode.PAPER, None)
    assert survey.submitted_at == datetime(day.year, day.month, day.day, tzinfo=ZONE)
    visit = (await clinic.system.get(f"/v1/visits/{survey.visit_id}")).json()
    assert visit["survey"]["standing"] == "too-early"
    assert f"{day.day} {day:%b}" in (await coordinator.get(f"/visits/{survey.visit_id}")).text


@pytest.mark.parametrize("says_the_day", [False, True])
async def test_answers_of_today_are_as_old_as_their_sending(
    clinic: Clinic, coordinator: httpx.AsyncClient, says_the_day: bool
) -> None:
    base, before = await on_paper(clinic, coordinator), datetime.now(UTC)
    assert f'name="day" value="{today()}"' in (await coordinator.get(f"{base}/review")).text
    await coordinator.post(f"{base}/send", data={"mode": "phone", "day": f"{today()}" if says_the_day else ""})
    (survey,) = await surveys_of(clinic)
    assert survey.submitted_at >= before
    assert survey.started_at is not None


@pytest.mark.parametrize("written", ["two days on", "0026-10-11", "last week"])
async def test_a_day_that_is_none_or_lies_ahead_is_told_and_all_else_stays(
    clinic: Clinic, coordinator: httpx.AsyncClient, written: str
) -> None:
    base = await on_paper(clinic, coordinator)
    day = f"{today() + timedelta(days=2)}" if written == "two days on" else written
    answer = await coordinator.post(f"{base}/send", data={"mode": "phone", "day": day})
    assert (answer.status_code, "Choose a day: today, or one before." in answer.text) == (422, True)
    assert f'name="day" value="{day}"' in answer.text
    assert 'value="phone" checked' in answer.text
    assert await surveys_of(clinic) == []
