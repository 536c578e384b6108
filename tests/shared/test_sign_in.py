"""Sign-in links of development: a session cookie, a page of this host, and neither in production."""

from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from shared.http.app import create_app
from shared.http.edge import SESSION_COOKIE
from shared.settings import Platform, ServiceSettings
from tests.conftest import Tokens, client_of

HERE = "http://samepage.test"


def an_app(platform: Platform) -> FastAPI:
    database = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
    return create_app("test", ServiceSettings(platform=platform, database_url=database), [])


async def opened(platform: Platform, **query: Any) -> httpx.Response:
    async with client_of(an_app(platform)) as browser:
        return await browser.get("/sign-in", params=query)


async def test_a_link_keeps_the_token_in_a_cookie_that_no_script_reads_and_shows_the_page(
    platform: Platform, token: Tokens
) -> None:
    bearer = token("clinician", ["riverbend"])
    answer = await opened(platform, token=bearer, to="/patients/1?shared=true")
    assert (answer.status_code, answer.headers["location"]) == (303, "/patients/1?shared=true")
    cookie, *flags = answer.headers["set-cookie"].split("; ")
    assert cookie == f"{SESSION_COOKIE}={bearer}"
    assert {flag.lower() for flag in flags} == {"httponly", "samesite=strict", "path=/"}
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "to",
    [
        "https://elsewhere.invalid/",
        "//elsewhere.invalid/",
        "///elsewhere.invalid",
        "/\\elsewhere.invalid",
        "\\\\e",
        "javascript:alert(1)",
        "elsewhere.invalid",
        "/\t/elsewhere.invalid",
        "/\n/elsewhere.invalid",
        "",
        "@e",
        " /x",
        "/\r\nset-cookie: a=b",
        "/%09/elsewhere.invalid",
        "/%2F/elsewhere.invalid",
        "/@elsewhere.invalid",
    ],
)
async def test_a_link_never_leads_away_from_this_host(platform: Platform, token: Tokens, to: str) -> None:
    answer = await opened(platform, token=token("clinician", ["riverbend"]), to=to)
    if answer.status_code == 303:
        location = "".join(character for character in answer.headers["location"] if character not in "\t\r\n")
        assert urlsplit(urljoin(HERE, location.replace("\\", "/"))).netloc == urlsplit(HERE).netloc
        assert len(answer.headers.get_list("set-cookie")) == 1
    else:
        assert answer.status_code == 400
        assert answer.json()["type"] == "urn:samepage:problem:not-here"
        assert "set-cookie" not in answer.headers


async def test_a_link_with_a_wrong_token_signs_nobody_in(platform: Platform) -> None:
    answer = await opened(platform, token="not.a.token", to="/")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_there_are_no_such_links_in_production(platform: Platform, token: Tokens) -> None:
    answer = await opened(
        platform.model_copy(update={"environment": "production"}), token=token("clinician", ["riverbend"])
    )
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers
