"""People sign in and out, the same way at the provider for development and at Keycloak."""

from datetime import timedelta

import pytest
from fastapi import FastAPI

from shared.auth import Role
from tests.sign_in.browser import Browser
from tests.sign_in.conftest import HOME, Clock, change_flow
from tests.sign_in.providers import PEOPLE, SITE, People

SESSION = "__Host-samepage-dashboard"
STAFF = [name for name, role in PEOPLE.items() if role is not Role.PATIENT]


async def signed_in(browser: Browser, people: People, person: str = "rowe") -> str:
    """Sign in by the shortest way; the secret of the session."""
    page = await browser.open(f"{HOME}/signed-in")
    answer = await people.choose(browser, page, person)
    assert answer.status_code == 200, answer.text
    return browser.cookies[SESSION]


async def sessions(dashboard: FastAPI) -> int:
    return int(await dashboard.state.database.value("SELECT count(*) FROM session"))


@pytest.mark.parametrize("person", STAFF)
async def test_each_role_signs_in_and_lands_on_the_page_that_was_asked_for(
    browser: Browser, people: People, person: str
) -> None:
    page = await browser.open(f"{HOME}/signed-in?from=a-bookmark")
    assert people.asks(page)
    answer = await people.choose(browser, page, person)
    assert str(answer.url) == f"{HOME}/signed-in?from=a-bookmark"
    assert PEOPLE[person].value in answer.text
    assert (SITE in answer.text) == (PEOPLE[person] is not Role.OPERATOR)


async def test_the_session_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_http(
    browser: Browser, people: People
) -> None:
    page = await browser.open(f"{HOME}/signed-in")
    back = await people.choose(browser, page, "rowe", until=HOME)
    answer = await browser.step(back.headers["location"])
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{SESSION}=")]
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert flags == {"httponly", "path=/", "samesite=lax", "secure"}


async def test_signing_out_ends_the_session_here_and_at_the_provider(
    dashboard: FastAPI, browser: Browser, people: People
) -> None:
    secret = await signed_in(browser, people)
    assert await sessions(dashboard) == 1
    page = await browser.open(f"{HOME}/signed-in")
    answer = await browser.submit(page)
    assert str(answer.url) == f"{HOME}/signed-out"
    assert await sessions(dashboard) == 0
    assert SESSION not in browser.cookies
    assert people.asks(await browser.open(f"{HOME}/signed-in")), "the provider asks again"
    browser.set_cookie(SESSION, secret, HOME)
    assert people.asks(await browser.open(f"{HOME}/signed-in")), "a cookie that was kept is worth nothing"


async def test_a_code_is_good_once(browser: Browser, people: People) -> None:
    page = await browser.open(f"{HOME}/signed-in")
    back = (await people.choose(browser, page, "rowe", until=HOME)).headers["location"]
    kept = {name: value for name, value in browser.cookies.items() if "-flow-" in name}
    assert (await browser.open(back)).status_code == 200
    assert not [name for name in browser.cookies if "-flow-" in name]
    again = await browser.open(back)
    assert again.status_code == 400, "the browser has no sign-in under way"
    for name, value in kept.items():
        browser.set_cookie(name, value, HOME)
    assert (await browser.open(back)).status_code == 403, "and the provider does not take the code twice"


async def test_a_code_is_worth_nothing_without_what_the_sign_in_began_with(browser: Browser, people: People) -> None:
    page = await browser.open(f"{HOME}/signed-in")
    back = (await people.choose(browser, page, "rowe", until=HOME)).headers["location"]
    change_flow(browser, verifier="v" * 43)
    assert (await browser.open(back)).status_code == 403
    assert SESSION not in browser.cookies


async def test_another_browser_cannot_come_back_from_the_provider(
    dashboard: FastAPI, browser: Browser, people: People
) -> None:
    page = await browser.open(f"{HOME}/signed-in")
    back = (await people.choose(browser, page, "rowe", until=HOME)).headers["location"]
    async with Browser({HOME: dashboard}) as victim:
        answer = await victim.open(back)
        assert answer.status_code == 400
        assert victim.cookies == {}
    assert await sessions(dashboard) == 0


async def test_a_role_that_is_not_the_providers_to_give_opens_nothing(browser: Browser, people: People) -> None:
    page = await browser.open(f"{HOME}/signed-in")
    answer = await people.choose(browser, page, "pat")
    assert answer.status_code == 403
    assert SESSION not in browser.cookies


async def test_a_session_that_was_left_alone_ends_and_its_holder_says_anew_who_they_are(
    browser: Browser, people: People, clock: Clock
) -> None:
    really = clock.now
    clock.now -= timedelta(minutes=30)
    await signed_in(browser, people)
    clock.now = really
    page = await browser.open(f"{HOME}/signed-in?patient=1")
    assert page.status_code == 401
    assert "You were signed out" in page.text
    assert "/sign-in?to=%2Fsigned-in%3Fpatient%3D1" in page.text, "it leads back"
    page = await browser.open(f"{HOME}/sign-in?to=/signed-in")
    assert people.asks(page), "whatever session the provider still has"
    answer = await people.choose(browser, page, "rowe")
    assert answer.status_code == 200


async def test_who_did_not_sign_in_anew_is_not_let_in_after_a_session_was_left_alone(
    browser: Browser, people: People, clock: Clock
) -> None:
    await signed_in(browser, people)
    clock.go_on(minutes=16)
    page = await browser.open(f"{HOME}/sign-in?to=/signed-in")
    answer = await people.choose(browser, page, "rowe")
    assert answer.status_code == 403, "for our clock, the provider's word is 16 minutes old"
