"""What a session lets in, when it ends, and what another site's page can do with it: nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from shared.auth import Caller, Role
from shared.db import SiteScope, transaction
from shared.http.sessions import AtProvider, Sessions, spend
from tests.conftest import Tokens, client_of
from tests.services.trails import trail
from tests.sign_in.browser import Browser
from tests.sign_in.conftest import HOME, Clock, DevelopmentPeople, Signers

SESSION = "__Host-samepage-dashboard"
ROWE = Caller("rowe", Role.CLINICIAN, frozenset({"riverbend"}))


@pytest.fixture
async def dashboard(dashboard_of: Signers, development: DevelopmentPeople) -> FastAPI:
    return await dashboard_of(development)


@pytest.fixture
async def browser(dashboard: FastAPI) -> AsyncIterator[Browser]:
    """Signed in as a clinician."""
    async with Browser({HOME: dashboard}) as browser:
        browser.set_cookie(SESSION, await opened(dashboard), HOME)
        yield browser


async def opened(dashboard: FastAPI, caller: Caller = ROWE, session: str | None = None) -> str:
    sessions: Sessions = dashboard.state.sessions
    async with transaction(dashboard.state.pool) as connection:
        return await sessions.open(connection, caller, at_provider=AtProvider(session, "an-id-token"))


async def test_use_keeps_a_session_alive_and_the_absolute_limit_ends_it_all_the_same(
    browser: Browser, clock: Clock
) -> None:
    for _ in range(12 * 60 // 14):
        clock.go_on(minutes=14)
        assert (await browser.step(f"{HOME}/signed-in")).status_code == 200
    clock.go_on(minutes=13)
    answer = await browser.step(f"{HOME}/signed-in")
    assert answer.status_code == 401
    assert "had come to its end" in answer.text


async def test_a_session_that_nobody_uses_ends_after_the_idle_limit_and_not_before(
    browser: Browser, clock: Clock
) -> None:
    clock.go_on(minutes=15)
    assert (await browser.step(f"{HOME}/signed-in")).status_code == 200
    clock.go_on(minutes=15, seconds=1)
    answer = await browser.step(f"{HOME}/signed-in")
    assert answer.status_code == 401
    assert "Nothing happened here for 15 minutes." in answer.text
    clock.go_on(seconds=-60)
    assert (await browser.step(f"{HOME}/signed-in")).status_code == 200, "to have asked did not count as use"


async def test_an_ended_session_opens_no_interface_and_leads_it_nowhere(
    dashboard: FastAPI, browser: Browser, clock: Clock
) -> None:
    clock.go_on(minutes=16)
    async with client_of(dashboard) as program:
        answer = await program.get("/v1/receipts/0", headers={"cookie": f"{SESSION}={browser.cookies[SESSION]}"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "location" not in answer.headers


@pytest.mark.parametrize("cookie", ["", "x", "ä".encode().decode("latin-1"), "a" * 4000, '"', "a=b; c"])
async def test_a_cookie_that_is_no_session_is_as_none(dashboard: FastAPI, cookie: str) -> None:
    async with client_of(dashboard) as client:
        sent = [(b"cookie", f"{SESSION}={cookie}".encode("latin-1"))]
        assert (await client.get("/signed-in", headers=sent)).status_code == 401


async def test_a_browser_without_a_session_is_led_to_sign_in_and_a_program_is_not(dashboard: FastAPI) -> None:
    async with client_of(dashboard) as client:
        page = await client.get("/patients/1?shared=true", headers={"accept": "text/html,*/*"})
        assert page.status_code == 303
        assert page.headers["location"] == "/sign-in?to=%2Fpatients%2F1%3Fshared%3Dtrue"
        assert (await client.get("/patients/1", headers={"accept": "*/*"})).status_code == 401
        assert (await client.post("/v1/views", headers={"accept": "text/html"})).status_code == 401
        form = await client.post("/break-glass/new", headers={"accept": "text/html,*/*"})
        assert (form.status_code, form.headers["location"]) == (303, "/sign-in?to=%2F")


async def test_a_token_is_asked_for_its_own_sake_whatever_cookie_comes_with_it(
    dashboard: FastAPI, browser: Browser, token: Tokens
) -> None:
    cookie = {"cookie": f"{SESSION}={browser.cookies[SESSION]}"}
    async with client_of(dashboard, token("operator", [])) as client:
        assert "operator" in (await client.get("/signed-in", headers=cookie)).text
    async with client_of(dashboard, "not-a-token") as client:
        assert (await client.get("/signed-in", headers=cookie)).status_code == 401


FROM_ELSEWHERE = [
    {"sec-fetch-site": "cross-site", "origin": "https://elsewhere.test"},
    {"sec-fetch-site": "same-site", "origin": "https://analytics.samepage.test"},
    {"sec-fetch-site": "cross-site", "origin": "null"},
    {"origin": "https://elsewhere.test"},
    {"origin": "https://dashboard.samepage.test.elsewhere.test"},
    {"origin": "null"},
]


@pytest.mark.parametrize("headers", FROM_ELSEWHERE, ids=str)
@pytest.mark.parametrize(
    "path", ["/sign-out", "/break-glass/new", "/v1/views/0b7c6a54-6a39-4c1f-9d55-2f6a52c0a001/beacon"]
)
async def test_no_other_sites_page_can_write_with_somebodys_session(
    browser: Browser, path: str, headers: dict[str, str]
) -> None:
    answer = await browser.post(f"{HOME}{path}", headers)
    assert answer.status_code == 403
    assert "The request came from a page of another site." in answer.text
    assert (await browser.step(f"{HOME}/signed-in")).status_code == 200, "and nobody is signed out by one"


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin", "origin": "null"}, {"origin": HOME}], ids=str)
async def test_our_own_page_can(browser: Browser, headers: dict[str, str]) -> None:
    assert (await browser.post(f"{HOME}/sign-out", headers)).status_code == 303
    assert (await browser.step(f"{HOME}/signed-in")).status_code == 303


async def test_signing_out_without_a_session_is_no_mistake(dashboard: FastAPI) -> None:
    async with Browser({HOME: dashboard}) as browser:
        assert (await browser.post(f"{HOME}/sign-out")).headers["location"] == "/signed-out"


async def test_only_the_hash_of_a_session_is_kept(dashboard: FastAPI, browser: Browser) -> None:
    rows = await dashboard.state.database.rows("SELECT session::text AS row FROM session")
    assert browser.cookies[SESSION] not in str([row["row"] for row in rows])
    assert len(browser.cookies[SESSION]) == 43, "256 bits"


async def test_rows_go_a_day_after_their_session_has_ended(dashboard: FastAPI, browser: Browser, clock: Clock) -> None:
    assert browser.cookies[SESSION]
    clock.go_on(hours=12 + 23)
    await opened(dashboard)
    count = "SELECT count(*) FROM session"
    assert await dashboard.state.database.value(count) == 2, "a browser that comes back is still told why"
    clock.go_on(hours=2)
    await opened(dashboard)
    assert await dashboard.state.database.value(count) == 2


async def test_a_one_time_token_is_spent_once_for_each_site_and_issuer(dashboard: FastAPI, clock: Clock) -> None:
    until = clock.now + timedelta(minutes=5)
    both = SiteScope.of("riverbend", "lakeside")
    async with transaction(dashboard.state.pool, both) as connection:
        assert await spend(connection, "riverbend", "an-issuer", "t-1", until)
        assert not await spend(connection, "riverbend", "an-issuer", "t-1", until)
        assert await spend(connection, "lakeside", "an-issuer", "t-1", until)
        assert await spend(connection, "riverbend", "another", "t-1", until)
        assert await spend(connection, "riverbend", "an-issuer", "t-2", clock.now - timedelta(hours=1))
        await spend(connection, "riverbend", "an-issuer", "t-3", until)
        kept = await connection.fetch("SELECT token_id FROM spent_token WHERE site_id = 'riverbend'")
    assert sorted(row["token_id"] for row in kept) == ["t-1", "t-1", "t-3"], "what has expired needs no memory"


LOGOUT: dict[str, object] = {"http://schemas.openid.net/event/backchannel-logout": {}}


def logout_token(people: DevelopmentPeople, clock: Clock, **changes: object) -> str:
    now = int(clock.now.timestamp())
    claims = {"iss": people.provider.issuer, "aud": "samepage-dashboard", "sub": "rowe", "iat": now, "exp": now + 120}
    said = claims | {"jti": "l-1", "events": LOGOUT} | changes
    return people.provider.keys.sign({name: value for name, value in said.items() if value is not None})


async def told(dashboard: FastAPI, token: str) -> httpx.Response:
    async with client_of(dashboard) as provider:
        return await provider.post("/sign-in/back-channel", data={"logout_token": token})


async def test_the_provider_ends_the_session_of_who_signed_out_elsewhere(
    dashboard: FastAPI, development: DevelopmentPeople, clock: Clock
) -> None:
    for caller, session in ((ROWE, "s-1"), (ROWE, "s-2"), (Caller("kim", Role.COORDINATOR, ROWE.sites), "s-3")):
        await opened(dashboard, caller, session)
    assert (await told(dashboard, logout_token(development, clock, sid="s-1"))).status_code == 200
    left = "SELECT array_agg(provider_session ORDER BY provider_session) FROM session"
    assert await dashboard.state.database.value(left) == ["s-2", "s-3"]
    assert (await told(dashboard, logout_token(development, clock))).status_code == 200, "all of the person's"
    assert await dashboard.state.database.value(left) == ["s-3"]


@pytest.mark.parametrize(
    "changes",
    [{"events": {}}, {"nonce": "an ID token"}, {"aud": "another"}, {"iss": "https://elsewhere.test"}, {"jti": None}],
    ids=str,
)
async def test_what_is_no_logout_token_ends_nothing(
    dashboard: FastAPI, browser: Browser, development: DevelopmentPeople, clock: Clock, changes: dict[str, object]
) -> None:
    assert (await told(dashboard, logout_token(development, clock, **changes))).status_code == 400
    assert (await browser.step(f"{HOME}/signed-in")).status_code == 200


async def test_a_person_who_may_not_see_a_page_reads_why_and_a_program_gets_a_document(dashboard: FastAPI) -> None:
    async with Browser({HOME: dashboard}) as browser:
        browser.set_cookie(SESSION, await opened(dashboard, Caller("lund", Role.OPERATOR, frozenset())), HOME)
        patient = f"{HOME}/patients/{uuid4()}"
        page = await browser.step(patient)
        assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
        assert "This is for: patient, clinician, coordinator." in page.text
        assert "Sign out" in page.text
        data = await browser.step(patient, {"accept": "application/json"})
        assert (data.status_code, data.json()["type"]) == (403, "urn:samepage:problem:wrong-role")
        browser.set_cookie(SESSION, await opened(dashboard), HOME)
        unknown = await browser.step(patient)
        assert (unknown.status_code, "has no such patient" in unknown.text) == (404, True)
        nowhere = await browser.step(f"{HOME}/nowhere")
        assert (nowhere.status_code, "Not found" in nowhere.text) == (404, True)
    denied = await trail(dashboard, kind="denied")
    assert [(row["subject"], row["status"]) for row in denied] == [("lund", 403), ("lund", 403), ("rowe", 404)]
