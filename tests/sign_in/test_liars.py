"""A provider that says what is not so, and a browser that is led astray, get nobody in."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.signing import SigningKeys
from tests.sign_in.browser import Browser
from tests.sign_in.conftest import HOME, DevelopmentPeople, Signers, change_flow

SESSION = "__Host-samepage-dashboard"


@pytest.fixture
async def dashboard(dashboard_of: Signers, development: DevelopmentPeople) -> FastAPI:
    return await dashboard_of(development)


async def back_from(browser: Browser, people: DevelopmentPeople, person: str = "rowe") -> str:
    """Where the provider sends the browser back to."""
    page = await browser.open(f"{HOME}/signed-in")
    return str((await people.choose(browser, page, person, until=HOME)).headers["location"])


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def with_(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda claims: claims | changes


LIES = {
    "another nonce": with_(nonce="n" * 43),
    "no nonce": without("nonce"),
    "made for another client": with_(aud="samepage-analytics"),
    "made for several, authorized for another": with_(aud=["samepage-dashboard", "other"], azp="other"),
    "made for several, authorized for nobody": with_(aud=["samepage-dashboard", "other"]),
    "authorized for another": with_(azp="other"),
    "of another issuer": with_(iss="https://elsewhere.test"),
    "expired": with_(exp=int(time.time()) - 60),
    "without an end": without("exp"),
    "made tomorrow": with_(iat=int(time.time()) + 86_400),
    "without a subject": without("sub"),
    "without a role": without("role"),
    "with a role of no kind": with_(role="admin"),
    "with two roles": with_(role=["clinician", "operator"]),
    "as a system": with_(role="system"),
    "as a patient": with_(role="patient", patient="0b7c6a54-6a39-4c1f-9d55-2f6a52c0a001"),
    "as a clinician with a patient": with_(patient="0b7c6a54-6a39-4c1f-9d55-2f6a52c0a001"),
    "of no site": with_(sites=[]),
    "of a site that cannot be": with_(sites=["riverbend'; --"]),
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_id_token_that_is_wrong_opens_nothing(
    browser: Browser, development: DevelopmentPeople, lie: str
) -> None:
    back = await back_from(browser, development)
    development.provider.alter = LIES[lie]
    assert (await browser.open(back)).status_code == 403
    assert SESSION not in browser.cookies


async def test_roles_in_a_list_and_one_site_as_a_word_are_understood(
    browser: Browser, development: DevelopmentPeople
) -> None:
    development.provider.alter = with_(role=["offline_access", "coordinator"], sites="riverbend")
    answer = await browser.open(await back_from(browser, development))
    assert "coordinator of riverbend" in answer.text


async def test_a_token_signed_by_a_key_that_is_not_the_providers_opens_nothing(
    browser: Browser, development: DevelopmentPeople, provider_keys: list[Path]
) -> None:
    assert (await browser.open(await back_from(browser, development))).status_code == 200
    browser.forget()
    back = await back_from(browser, development)
    development.provider.keys = SigningKeys(provider_keys[1:])
    assert (await browser.open(back)).status_code == 403, "its id is new, and the keys were read a moment ago"


async def test_an_answer_of_another_issuer_is_not_taken(browser: Browser, development: DevelopmentPeople) -> None:
    back = httpx.URL(await back_from(browser, development)).copy_set_param("iss", "https://elsewhere.test")
    assert (await browser.open(str(back))).status_code == 403


async def test_a_state_that_is_not_this_browsers_is_not_taken(browser: Browser, development: DevelopmentPeople) -> None:
    back = httpx.URL(await back_from(browser, development))
    state = back.params["state"]
    forged = state[:-1] + ("A" if state[-1] != "A" else "B")
    assert (await browser.open(str(back.copy_set_param("state", forged)))).status_code == 400
    assert (await browser.open(str(back.copy_remove_param("state")))).status_code == 400
    assert (await browser.open(str(back))).status_code == 200, "the sign-in that is under way goes on"


async def test_who_says_no_at_the_provider_is_told_so(browser: Browser, development: DevelopmentPeople) -> None:
    back = httpx.URL(await back_from(browser, development))
    refused = back.copy_remove_param("code").copy_set_param("error", "access_denied")
    answer = await browser.open(str(refused))
    assert answer.status_code == 403
    assert "You are not signed in" in answer.text


async def test_two_tabs_sign_in_side_by_side(browser: Browser, development: DevelopmentPeople) -> None:
    first, second = await back_from(browser, development), await back_from(browser, development)
    assert (await browser.open(first)).status_code == 200
    assert (await browser.open(second)).status_code == 200


ASTRAY = [
    "https://elsewhere.test/",
    "//elsewhere.test/",
    "/\\elsewhere.test/",
    "\\\\elsewhere.test",
    "/\t/elsewhere.test/",
    "/%09/elsewhere.test/\n",
    "javascript:alert(1)",
    "signed-in",
    "",
    "/" + "a" * 2000,
]


@pytest.mark.parametrize("to", ASTRAY)
async def test_a_sign_in_leads_to_no_other_host(browser: Browser, to: str) -> None:
    address = httpx.URL(f"{HOME}/sign-in").copy_set_param("to", to)
    answer = await browser.step(str(address))
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize("to", ASTRAY)
async def test_the_way_back_is_judged_again_when_the_cookie_was_changed(
    browser: Browser, development: DevelopmentPeople, to: str
) -> None:
    back = await back_from(browser, development)
    change_flow(browser, to=to)
    assert (await browser.step(back)).status_code == 400
    assert SESSION not in browser.cookies


async def test_a_cookie_that_is_no_flow_is_as_none(browser: Browser, development: DevelopmentPeople) -> None:
    back = await back_from(browser, development)
    (name,) = [one for one in browser.cookies if "-flow-" in one]
    browser.set_cookie(name, "bm90IGEgZmxvdw==", HOME)
    assert (await browser.open(back)).status_code == 400


async def test_a_session_that_somebody_put_into_the_browser_is_not_taken_over(
    dashboard: FastAPI, development: DevelopmentPeople
) -> None:
    async with Browser({HOME: dashboard}) as attacker, Browser({HOME: dashboard}) as victim:
        await attacker.open(await back_from(attacker, development))
        planted = attacker.cookies[SESSION]
        victim.set_cookie(SESSION, planted, HOME)
        page = await victim.open(f"{HOME}/sign-in?to=/signed-in")
        await development.choose(victim, page, "kim")
        assert victim.cookies[SESSION] != planted
        victim.set_cookie(SESSION, planted, HOME)
        assert development.asks(await victim.open(f"{HOME}/signed-in")), "the planted one ended with the sign-in"


async def test_a_provider_that_does_not_answer_is_said_to_be_away(
    dashboard_of: Signers, development: DevelopmentPeople
) -> None:
    nowhere = DevelopmentPeople(development.provider)
    nowhere.provider.issuer = "http://127.0.0.1:9"
    async with Browser({HOME: await dashboard_of(nowhere)}) as browser:
        answer = await browser.open(f"{HOME}/signed-in")
        assert answer.status_code == 503
        assert "Signing in does not work now" in answer.text
