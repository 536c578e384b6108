"""A page that is opened from an EHR (SMART App Launch 2.2), by itself or in a frame of that EHR."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from deploy.ehrs import add_ehr, revoke_ehr
from services.dashboard.app import create_app
from services.dashboard.domain import PATIENT_SYSTEM
from shared.auth import Caller, Role
from shared.db import transaction
from tests.builders import PATIENT
from tests.services.dashboard.conftest import OWN, THERE
from tests.services.dashboard.fake_ehr import HOME, LAUNCH, ORIGIN, SECRET, FakeEhr
from tests.services.trails import trail
from tests.sign_in.browser import Browser
from tests.sign_in.conftest import Clock, change_flow

PLAIN = "__Host-samepage-dashboard"
FRAMED = f"{PLAIN}-framed"
PAGE = f"{HOME}/patients/{PATIENT}"


@pytest.fixture
async def browser(dashboard: FastAPI, ehr: FakeEhr) -> AsyncIterator[Browser]:
    """Of a clinician who has the chart of the patient open."""
    ehr.patients["synthetic-1"] = {
        "resourceType": "Patient",
        "id": "synthetic-1",
        "identifier": [{"system": PATIENT_SYSTEM, "value": str(PATIENT)}],
    }
    async with Browser({HOME: dashboard}) as browser:
        yield browser


def start_of(ehr: FakeEhr, launch: str | None = LAUNCH) -> str:
    return f"{HOME}/launch?iss={ehr.fhir_server}" + (f"&launch={launch}" if launch else "")


async def sessions(dashboard: FastAPI) -> int:
    return int(await dashboard.state.database.value("SELECT count(*) FROM session"))


def ancestors(answer: httpx.Response) -> str:
    policy = answer.headers["content-security-policy"].split("; ")
    return next(part for part in policy if part.startswith("frame-ancestors")).removeprefix("frame-ancestors ")


@pytest.mark.parametrize("launch", [LAUNCH, None], ids=["from a chart", "by itself"])
async def test_a_clinician_lands_on_the_page_of_the_patient_whose_chart_is_open(
    dashboard: FastAPI, ehr: FakeEhr, browser: Browser, launch: str | None
) -> None:
    answer = await browser.open(start_of(ehr, launch))
    assert str(answer.url) == PAGE
    assert answer.status_code == 200
    (row,) = await trail(dashboard, route="show_page")
    assert (row["subject"], row["role"], row["patient_id"]) == (f"{THERE}.ehr/Practitioner/7", "clinician", PATIENT)
    (opened,) = await trail(dashboard, route="come_back_launched")
    assert (opened["kind"], opened["site_id"]) == ("write", THERE)


async def test_a_patient_whom_the_ehr_calls_as_we_do_needs_no_identifier(ehr: FakeEhr, browser: Browser) -> None:
    ehr.chart = str(PATIENT)
    assert str((await browser.open(start_of(ehr))).url) == PAGE


async def test_such_a_page_may_stand_in_a_frame_of_that_ehr_and_no_other_page_in_any(
    ehr: FakeEhr, browser: Browser, as_: Any
) -> None:
    page = await browser.open(start_of(ehr))
    assert ancestors(page) == ORIGIN
    assert ancestors(await browser.open(f"{HOME}/patients/{OWN}")) == ORIGIN
    assert ancestors(await browser.open(f"{HOME}/break-glass")) == ORIGIN
    async with as_("clinician", THERE) as clinician:
        assert ancestors(await clinician.get(f"/patients/{PATIENT}", headers={"accept": "text/html"})) == "'none'"
    browser.forget()
    assert ancestors(await browser.open(PAGE)) == "'none'"


async def test_its_cookies_are_sent_in_a_frame_and_are_of_that_frame_alone(ehr: FakeEhr, browser: Browser) -> None:
    set_out = await browser.step(start_of(ehr))
    back = await browser.open(set_out.headers["location"], until=PAGE)
    kept = [*set_out.headers.get_list("set-cookie"), *back.headers.get_list("set-cookie")]
    assert any(cookie.startswith(f"{FRAMED}=") for cookie in kept)
    for cookie in kept:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "secure", "samesite=none", "partitioned", "path=/"} <= attributes
    assert [name for name in browser.cookies if name.startswith("__Host-")] == [FRAMED]


async def test_only_a_registered_ehr_launches(dashboard: FastAPI, ehr: FakeEhr, browser: Browser) -> None:
    for iss in (f"{ehr.address}/other", "https://other.test/fhir", ""):
        answer = await browser.open(f"{HOME}/launch?iss={iss}&launch={LAUNCH}")
        assert answer.status_code == 404
        assert ancestors(answer) == "'none'"
    assert ehr.asked == []
    assert await sessions(dashboard) == 0


LIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a patient": ({"fhirUser": "Patient/1"}, {}),
    "a practitioner of another server": ({"fhirUser": "https://other.test/fhir/Practitioner/7"}, {}),
    "nobody": ({"fhirUser": None}, {}),
    "for another launch": ({"nonce": "another"}, {}),
    "for another client": ({"aud": "another"}, {}),
    "by another issuer": ({"iss": "https://other.test"}, {}),
    "long ago": ({"exp": 1, "iat": 0}, {}),
    "without an ID token": ({}, {"id_token": None}),
    "of no patient": ({}, {"patient": None}),
    "of a path": ({}, {"patient": "../metadata"}),
}


@pytest.mark.parametrize("name", LIES)
async def test_what_the_ehr_says_is_believed_only_where_it_fits_the_launch(
    dashboard: FastAPI, ehr: FakeEhr, browser: Browser, name: str
) -> None:
    ehr.lies, ehr.says = LIES[name]
    answer = await browser.open(start_of(ehr))
    assert answer.status_code == 403
    assert await sessions(dashboard) == 0


async def test_a_code_is_taken_only_from_the_browser_that_set_out_and_once(
    dashboard: FastAPI, ehr: FakeEhr, browser: Browser
) -> None:
    set_out = await browser.step(start_of(ehr))
    at_ehr = await browser.step(set_out.headers["location"])
    back = at_ehr.headers["location"]
    async with Browser({HOME: dashboard}) as other:
        assert (await other.step(back)).status_code == 400
    assert (await browser.step(f"{back}&iss=https://other.test")).status_code == 403
    await browser.step(start_of(ehr))
    change_flow(browser, verifier="another")
    assert (await browser.step(back)).status_code == 400
    assert await sessions(dashboard) == 0


async def test_a_browser_that_names_another_ehr_on_its_way_back_is_not_let_in(
    dashboard: FastAPI, ehr: FakeEhr, browser: Browser
) -> None:
    set_out = await browser.step(start_of(ehr))
    change_flow(browser, ehr="https://other.test/fhir")
    answer = await browser.open(set_out.headers["location"])
    assert answer.status_code == 400
    assert await sessions(dashboard) == 0


async def test_a_patient_of_another_site_is_not_opened_and_nobody_is_signed_in(
    dashboard: FastAPI, ehr: FakeEhr, browser: Browser
) -> None:
    for chart in (str(OWN), "synthetic-9"):
        ehr.chart = chart
        answer = await browser.open(start_of(ehr))
        assert (answer.status_code, ancestors(answer)) == (404, ORIGIN)
    assert await sessions(dashboard) == 0
    assert [row["kind"] for row in await trail(dashboard, route="come_back_launched")] == ["denied", "denied"]


async def test_who_came_from_an_ehr_opens_no_other_site(ehr: FakeEhr, browser: Browser) -> None:
    await browser.open(start_of(ehr))
    assert (await browser.open(f"{HOME}/patients/{OWN}")).status_code == 404


async def test_pages_close_when_the_ehr_is_revoked(dashboard: FastAPI, ehr: FakeEhr, browser: Browser) -> None:
    await browser.open(start_of(ehr))
    await revoke_ehr(dashboard.state.database.worker, THERE, "ehr", by="somebody")
    answer = await browser.open(PAGE)
    assert (answer.status_code, ancestors(answer)) == (401, "'none'")
    assert (await browser.open(start_of(ehr))).status_code == 404


async def test_a_session_of_a_revoked_ehr_opens_nothing_under_another_name_or_when_the_ehr_is_back(
    dashboard: FastAPI, ehr: FakeEhr, browser: Browser
) -> None:
    await browser.open(start_of(ehr))
    async with transaction(dashboard.state.pool) as connection:
        others = await dashboard.state.sessions.open(connection, Caller("dr-own", Role.CLINICIAN, frozenset({THERE})))
    await revoke_ehr(dashboard.state.database.worker, THERE, "ehr", by="somebody")
    assert await sessions(dashboard) == 1, "who signed in by themselves stays"
    browser.set_cookie(PLAIN, browser.cookies[FRAMED], HOME)
    assert (await browser.open(PAGE)).status_code == 401
    await add_ehr(dashboard.state.database.worker, ehr.registered(THERE), by="somebody")
    assert (await browser.open(PAGE)).status_code == 401
    browser.set_cookie(PLAIN, others, HOME)
    assert (await browser.open(PAGE)).status_code == 200


async def test_a_page_that_was_left_alone_closes_in_its_frame_and_says_where_to_open_it(
    ehr: FakeEhr, browser: Browser, clock: Clock
) -> None:
    await browser.open(start_of(ehr))
    clock.go_on(minutes=16)
    answer = await browser.open(PAGE)
    assert (answer.status_code, ancestors(answer)) == (401, ORIGIN)
    assert "Open it from the chart again" in answer.text


async def test_a_launch_ends_the_session_before_it_and_signing_out_ends_it(
    dashboard: FastAPI, ehr: FakeEhr, browser: Browser
) -> None:
    await browser.open(start_of(ehr))
    await browser.open(start_of(ehr))
    assert await sessions(dashboard) == 1
    await browser.post(f"{HOME}/sign-out")
    assert await sessions(dashboard) == 0
    assert FRAMED not in browser.cookies


async def test_no_page_of_the_ehr_writes_with_the_session_in_its_frame(ehr: FakeEhr, browser: Browser) -> None:
    await browser.open(start_of(ehr))
    answer = await browser.post(f"{HOME}/break-glass/new", {"origin": ORIGIN, "sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "describes",
    [
        {"token_endpoint": "http://elsewhere.test/token"},
        {"code_challenge_methods_supported": ["plain"]},
        {"jwks_uri": None},
        {"padding": "x" * 70_000},
    ],
)
async def test_an_ehr_that_describes_itself_badly_or_at_length_is_away(
    ehr: FakeEhr, browser: Browser, describes: dict[str, Any]
) -> None:
    ehr.describes = describes
    assert (await browser.open(start_of(ehr))).status_code == 503


async def test_an_ehr_that_gave_us_a_secret_gets_it(dashboard: FastAPI, ehr: FakeEhr, browser: Browser) -> None:
    ehr.secret = SECRET
    assert (await browser.open(start_of(ehr))).status_code == 403
    told = dashboard.state.settings.model_copy(update={"ehr_secrets": {f"{THERE}.ehr": SecretStr(SECRET)}})
    application = create_app(told)
    async with application.router.lifespan_context(application), Browser({HOME: application}) as confidential:
        assert str((await confidential.open(start_of(ehr))).url) == PAGE
