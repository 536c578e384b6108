"""Who reads decides how a page speaks and what it shows: the language that they chose, the role that they have."""

from collections.abc import Sequence

import httpx
import pytest
from fastapi import FastAPI

from services.dashboard.worker import SUBSCRIPTION
from shared.events import Body, Language
from shared.http.language import COOKIE
from tests.builders import (
    PATIENT,
    SITE,
    a_lab,
    a_site,
    a_step,
    a_survey,
    a_visit,
    an_assessment,
    an_enrollment,
    an_event,
)
from tests.conftest import Apps, Tokens, client_of
from tests.markup import Document
from tests.services.dashboard.histories import in_sequence
from tests.services.streams import arrive

PAGE, SHOWN = f"/v1/patients/{PATIENT}/page", f"/patients/{PATIENT}"
ALLOWS = a_site(shows_clinical_to_coordinators=True)


@pytest.fixture
async def dashboard(app: Apps) -> FastAPI:
    """The application, with the page of one patient, who speaks Spanish."""
    application = await app("dashboard")
    bodies: Sequence[Body] = [
        *(a_site(), an_enrollment(language=Language.SPANISH), a_visit(), a_survey(), an_assessment()),
        *(a_lab(), a_step()),
    ]
    await arrive(application, SUBSCRIPTION, *in_sequence(*bodies))
    return application


async def test_a_patients_page_says_whom_they_call_once_their_site_says_it(dashboard: FastAPI, token: Tokens) -> None:
    async with client_of(dashboard, token("patient", [SITE], patient_id=PATIENT)) as reader:
        assert "llame a su clínica o al 911." in (await reader.get(SHOWN)).text
        await arrive(dashboard, SUBSCRIPTION, an_event(a_site(care_line="+1 312 555 0142"), sequence=2))
        assert 'llame al <a href="tel:+13125550142">+1 312 555 0142</a> o al 911.' in (await reader.get(SHOWN)).text
    async with client_of(dashboard, token("clinician", [SITE])) as reader:
        assert "tel:" not in (await reader.get(SHOWN)).text


def language_of(answer: httpx.Response) -> str | None:
    (html,) = Document(answer.text).named("html")
    return html["lang"]


async def test_a_patients_page_begins_in_their_language_and_staff_begin_in_english(
    dashboard: FastAPI, token: Tokens
) -> None:
    for role, spoken in (("patient", "es"), ("clinician", "en"), ("coordinator", "en")):
        whose = {"patient_id": PATIENT} if role == "patient" else {}
        async with client_of(dashboard, token(role, [SITE], **whose)) as reader:
            assert language_of(await reader.get(SHOWN)) == spoken, role
            if role != "clinician":
                assert language_of(await reader.get(f"{SHOWN}/looks")) == spoken, role


async def test_a_choice_is_kept_for_the_next_pages_until_another_is_made(dashboard: FastAPI, token: Tokens) -> None:
    async with client_of(dashboard, token("clinician", [SITE])) as clinician:
        chosen = await clinician.get(f"{SHOWN}?shared=true&lang=es")
        assert language_of(chosen) == "es"
        kept = chosen.headers["set-cookie"]
        assert kept.startswith(f"{COOKIE}=es; ")
        for guarded in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
            assert guarded in kept
        cookie = {"cookie": f"{COOKIE}=es"}
        assert language_of(await clinician.get(SHOWN, headers=cookie)) == "es"
        unknown = await clinician.get("/patients/0b7c6a54-6a39-4c1f-9d55-2f6a52c0a0ff", headers=cookie)
        assert (unknown.status_code, language_of(unknown)) == (404, "es")
        back = await clinician.get(f"{SHOWN}?lang=en", headers=cookie)
        assert language_of(back) == "en"
        assert back.headers["set-cookie"].startswith(f"{COOKIE}=en; ")
        assert "set-cookie" not in (await clinician.get(SHOWN, headers=cookie)).headers


@pytest.mark.parametrize("lang", ["fr", "other", "", "es; Domain=elsewhere.test", "ES"])
async def test_what_is_no_language_of_ours_changes_and_keeps_nothing(
    dashboard: FastAPI, token: Tokens, lang: str
) -> None:
    async with client_of(dashboard, token("clinician", [SITE])) as clinician:
        answer = await clinician.get(SHOWN, params={"lang": lang}, headers={"cookie": f"{COOKIE}=xx"})
    assert (answer.status_code, language_of(answer)) == (200, "en")
    assert "set-cookie" not in answer.headers


async def test_a_coordinator_is_shown_nothing_clinical_unless_the_site_allows_it(
    dashboard: FastAPI, token: Tokens
) -> None:
    async with (
        client_of(dashboard, token("coordinator", [SITE])) as coordinator,
        client_of(dashboard, token("clinician", [SITE])) as clinician,
    ):
        whole, brief = await clinician.get(PAGE), await coordinator.get(PAGE)
        assert (whole.json()["clinical"], brief.json()["clinical"]) == ("shown", "hidden")
        assert brief.json().keys() == whole.json().keys()
        assert brief.json()["concerns"] == brief.json()["labs"] == brief.json()["since"] == []
        assert {name: brief.json()[name] for name in ("trend", "matters_most", "previous")} == dict.fromkeys(
            ("trend", "matters_most", "previous")
        )
        assert [brief.json()["readings"][voice] for voice in ("patient", "computed", "clinician")] == [None] * 3
        assert [step["what"] for step in brief.json()["plan"]] == [None]
        assert brief.json()["sources"] == whole.json()["sources"]
        assert "sealed" not in brief.text
        assert "It is for the two of them." in (await coordinator.get(SHOWN)).text

        held = {"if-none-match": brief.headers["etag"]}
        assert (await coordinator.get(PAGE, headers=held)).status_code == 304
        await arrive(dashboard, SUBSCRIPTION, an_event(ALLOWS, sequence=2))
        allowed = await coordinator.get(PAGE, headers=held)
        assert (allowed.status_code, allowed.json()["clinical"]) == (200, "shown")
        assert "It is for the two of them." not in (await coordinator.get(SHOWN)).text

        await arrive(dashboard, SUBSCRIPTION, an_event(a_site(), sequence=3))
        assert (await coordinator.get(PAGE)).json()["clinical"] == "hidden"
