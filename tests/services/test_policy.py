"""The headers of every answer of every service: of routes, refusals, pages, files, and of what is not there."""

import re
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from deploy.contracts.access import matrix
from deploy.doors import SERVICES
from shared.auth import Role
from shared.settings import Limits
from tests.conftest import ROOT, Apps, Tokens, client_of, new_key
from tests.services.trails import unrecordable

SITE = "riverbend"
POLICY = {
    "default-src": {"'none'"},
    "script-src": {"'self'"},
    "style-src": {"'self'"},
    "img-src": {"'self'"},
    "connect-src": {"'self'"},
    "base-uri": {"'none'"},
    "frame-ancestors": {"'none'"},
}
EXACTLY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "strict-transport-security": "max-age=31536000",
}
STATIC = {
    "intake": ["shared/samepage.css", "intake/patient.css", "intake/nowhere.css"],
    "dashboard": ["shared/mark.svg", "dashboard/page.js"],
    "analytics": ["analytics/network.css"],
}
ELSEWHERE = ["/", "/nowhere", "/health/live", "/health/ready", "/metrics", "/docs"]
ELSEWHERE += ["/sign-in/own", "/signed-out", "/signed-in", "/start", "/l/riverbend/x"]


def is_strict(answer: httpx.Response) -> bool:
    """Whether an answer has all of the policy; says what it lacks by failing."""
    said = (part.split() for part in answer.headers["content-security-policy"].split(";"))
    policy = {name: set(sources) for name, *sources in said}
    assert policy.pop("form-action") >= {"'self'"}
    assert policy == POLICY
    assert {name: answer.headers.get(name) for name in EXACTLY} == EXACTLY
    assert "camera=()" in answer.headers["permissions-policy"]
    return True


async def ask(application: FastAPI, service: str, token: Tokens) -> list[httpx.Response]:
    """Every route as nobody and in each role; files, places that are not there, and what is too large."""
    answers = []
    for role in (None, *Role):
        patient_id = uuid4() if role is Role.PATIENT else None
        bearer = None if role is None else token(role, [SITE], patient_id=patient_id)
        async with client_of(application, bearer) as client:
            for line in matrix():
                if line.service == service:
                    path = re.sub(r"{(\w+)}", lambda name: SITE if name[1] == "site_id" else str(uuid4()), line.path)
                    answers.append(await client.request(line.method, path, headers=new_key()))
                    answers.append(await client.request(line.method, path, headers={"accept": "text/html"}))
            files = [f"/static/{file}" for file in STATIC.get(service, ())]
            answers += [await client.get(path) for path in [*ELSEWHERE, *files]]
            large = b"x" * (Limits().body_bytes + 1)
            answers.append(
                await client.post("/v1/receipts/x", content=large, headers={"content-type": "application/json"})
            )
            answers.append(
                await client.request("TRACE", next(line.path for line in matrix() if line.service == service))
            )
            answers.append(await client.get("/v1/receipts/x", headers={f"x-{number}": "1" for number in range(100)}))
            answers.append(await client.get(f"/{'a' * 9000}"))
    return answers


@pytest.mark.parametrize("service", SERVICES)
async def test_every_answer_of_every_route_has_the_whole_policy(service: str, app: Apps, token: Tokens) -> None:
    application = await app(service)
    answers = await ask(application, service, token)
    async with unrecordable(application):
        answers += [answer for answer in await ask(application, service, token) if answer.status_code == 503]
    assert all(is_strict(answer) for answer in answers)
    statuses = {answer.status_code for answer in answers}
    assert statuses >= {200, 401, 403, 404, 405, 413, 414, 431, 503}


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_describes_itself_to_a_browser(
    service: str, environment: str, app: Apps, token: Tokens
) -> None:
    settings = (await app(service)).state.settings
    platform = settings.platform.model_copy(update={"environment": environment})
    application: FastAPI = import_module(f"services.{service}.app").create_app(
        settings.model_copy(update={"platform": platform})
    )
    for bearer in (None, token(Role.OPERATOR, [])):
        async with client_of(application, bearer) as client:
            for path in ("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"):
                assert (await client.get(path)).status_code == (401 if bearer is None else 404)


def pages() -> list[Path]:
    return sorted(path for top in ("shared", "services", "deploy") for path in (ROOT / top).rglob("*.html"))


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_page_has_a_script_or_a_style_in_it(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:", text, re.IGNORECASE)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", text))
