"""The edge that every HTTP door has: closed by default, bounded in time and size, and silent about what was sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, SecretStr
from starlette.responses import StreamingResponse
from starlette.types import Message
from structlog.testing import capture_logs

from deploy.doors import SERVICES, Door, settings_class
from deploy.keys.places import keyring_in
from shared.http.access import CareTeam
from shared.http.app import create_app
from shared.settings import Limits, Platform, ServiceSettings
from tests.conftest import OPEN_ROUTES, Tokens, client_of

CANARY = "Quagga Synthetic, born 1984"
SITE = "riverbend"
MOST_BYTES = 1000
UNUSED_DATABASE = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
router = APIRouter()


class Words(BaseModel):
    words: str


@router.get("/v1/who")
async def who(caller: CareTeam) -> str:
    return caller.subject


@router.post("/v1/words")
async def count_words(body: Words) -> int:
    return len(body.words)


@router.post("/v1/raw")
async def count_bytes(request: Request) -> int:
    return len(await request.body())


@router.get("/v1/slow")
async def slow() -> None:
    await asyncio.Event().wait()


@router.get("/v1/slow-to-end")
async def slow_to_end() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.Event().wait()

    return StreamingResponse(parts())


@router.get("/v1/breaks")
async def breaks(said: Annotated[str, Query()]) -> None:
    raise RuntimeError(said)


@router.get("/v1/breaks-while-answering")
async def breaks_while_answering(said: Annotated[str, Query()]) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError(said)

    return StreamingResponse(parts())


def an_app(platform: Platform, **changes: Any) -> FastAPI:
    settings = ServiceSettings(
        platform=platform,
        database_url=UNUSED_DATABASE,
        limits=Limits(**{"body_bytes": MOST_BYTES, "request_s": 5, **changes}),
    )
    paths = frozenset(route.path for route in router.routes if isinstance(route, APIRoute))
    return create_app("test", settings, [router], let_off=paths)


@pytest.fixture
def application(platform: Platform) -> FastAPI:
    return an_app(platform)


@pytest.fixture
async def clinician(application: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(application, token("clinician", [SITE])) as client:
        yield client


def is_problem(answer: httpx.Response, status: int, kind: str) -> bool:
    document = answer.json()
    return (
        answer.status_code == document["status"] == status
        and answer.headers["content-type"] == "application/problem+json"
        and document["type"] == f"urn:samepage:problem:{kind}"
    )


async def messages_of(application: FastAPI, path: str, bearer: str, query: str = "") -> list[Message]:
    """What the application says to its server."""
    said: list[Message] = []
    requests = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        for request in requests:
            return request
        return await asyncio.Future()

    async def send(message: Message) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"authorization", f"Bearer {bearer}".encode())],
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
    }
    await application(scope, receive, send)
    return said


# Who is let in


NOT_OPEN = """/ /v1/who /nowhere /docs /openapi.json /health /health/live/ /HEALTH/LIVE /metrics%0A /metrics/v1/who
    /sign-in/now /static //static/x /v1/who?x=/static/ /v1/static/page.css"""


@pytest.mark.parametrize("path", NOT_OPEN.split())
async def test_nothing_is_answered_to_nobody(application: FastAPI, path: str) -> None:
    async with client_of(application) as stranger:
        for method in ("GET", "POST", "HEAD", "OPTIONS", "DELETE"):
            answer = await stranger.request(method, path)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Bearer realm="samepage"'


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_of_every_service_is_closed(
    service: str, platform: Platform, own_settings: dict[str, dict[str, object]]
) -> None:
    kind: Any = settings_class(Door(service, "app"))
    own = own_settings.get(service, {}) | {"keyring": keyring_in(Path(), UNUSED_DATABASE.get_secret_value())}
    settings = kind(
        platform=platform,
        database_url=UNUSED_DATABASE,
        **{name: value for name, value in own.items() if name in kind.model_fields},
    )
    application: FastAPI = import_module(f"services.{service}.app").create_app(settings)
    routers: tuple[APIRouter, ...] = import_module(f"services.{service}.api").ROUTERS
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    closed = [route for route in routes if route.path not in OPEN_ROUTES]
    assert len(closed) > 1
    async with client_of(application) as stranger:
        for route in closed:
            for method in route.methods or ():
                assert (await stranger.request(method, route.path)).status_code == 401, route.path


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer not.a.token", "bearer,", "Token x"]
)
async def test_what_is_no_token_opens_nothing(application: FastAPI, authorization: str) -> None:
    async with client_of(application) as client:
        answer = await client.get("/v1/who", headers={"authorization": authorization})
    assert is_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_token_opens_in_the_header_and_nowhere_else(application: FastAPI, token: Tokens, scheme: str) -> None:
    bearer = token("clinician", [SITE])
    async with client_of(application) as client:
        assert (await client.get("/v1/who", headers={"authorization": f"{scheme} {bearer}"})).status_code == 200
        assert (await client.get("/v1/who", params={"access_token": bearer})).status_code == 401
        for name in ("samepage_session", "__Host-samepage-test"):
            assert (await client.get("/v1/who", headers={"cookie": f"{name}={bearer}"})).status_code == 401


# How long and how large


async def test_what_takes_too_long_is_answered_with_a_problem(platform: Platform, token: Tokens) -> None:
    async with client_of(an_app(platform, request_s=0.05), token("clinician", [SITE])) as client:
        assert is_problem(await client.get("/v1/slow"), 503, "too-slow")


@pytest.mark.parametrize(("path", "request_s"), [("/v1/slow-to-end", 0.5), ("/v1/breaks-while-answering", 5)])
async def test_an_answer_that_has_begun_is_broken_off_and_not_begun_again(
    platform: Platform, token: Tokens, path: str, request_s: float
) -> None:
    application = an_app(platform, request_s=request_s)
    with capture_logs() as logged:
        said = await messages_of(application, path, token("clinician", [SITE]), "said=" + CANARY.replace(" ", "%20"))
    assert [message["type"] for message in said] == ["http.response.start", "http.response.body"]
    assert said[1]["more_body"] is True, "the server sees that it is not whole, and so does the client"
    assert "answer broken off" in [entry["event"] for entry in logged]
    assert CANARY not in str(logged)


async def parts_of(size: int) -> AsyncIterator[bytes]:
    for start in range(0, size, 100):
        yield b"x" * min(100, size - start)


@pytest.mark.parametrize("path", ["/v1/words", "/v1/raw"])
async def test_a_body_that_is_too_large_is_refused_whether_its_length_is_said_or_not(
    clinician: httpx.AsyncClient, path: str
) -> None:
    headers = {"content-type": "application/json"}
    said = await clinician.post(path, content=b"x" * (MOST_BYTES + 1), headers=headers)
    streamed = await clinician.post(path, content=parts_of(MOST_BYTES + 1), headers=headers)
    assert "content-length" not in streamed.request.headers
    assert is_problem(said, 413, "too-large")
    assert is_problem(streamed, 413, "too-large")


async def test_who_is_not_known_sends_no_more_than_a_form(platform: Platform) -> None:
    async with client_of(an_app(platform, body_bytes=4000, strangers_bytes=100)) as stranger:
        assert is_problem(await stranger.post("/static/x", content=b"x" * 101), 413, "too-large")
        assert (await stranger.post("/static/x", content=b"x" * 100)).status_code == 404


async def test_a_body_of_the_largest_size_is_read(clinician: httpx.AsyncClient) -> None:
    assert (await clinician.post("/v1/raw", content=b"x" * MOST_BYTES)).json() == MOST_BYTES
    assert (await clinician.post("/v1/raw", content=parts_of(MOST_BYTES))).json() == MOST_BYTES


# What is said of it


async def test_what_broke_is_on_record_without_what_it_broke_on(clinician: httpx.AsyncClient) -> None:
    with capture_logs() as logged:
        answer = await clinician.get("/v1/breaks", params={"said": CANARY})
    assert is_problem(answer, 500, "unexpected")
    (unexpected,) = [entry for entry in logged if entry["event"] == "unexpected"]
    assert unexpected["failure"] == "RuntimeError"
    assert "raise RuntimeError(said)" in str(unexpected["frames"])
    assert CANARY not in answer.text + str(logged)


@pytest.mark.parametrize(
    "content",
    [json.dumps({"words": {CANARY: CANARY}}), json.dumps({"words": [CANARY]}), f'{{"words": "{CANARY}', f'"{CANARY}"'],
)
async def test_a_body_that_is_refused_is_not_repeated(clinician: httpx.AsyncClient, content: str) -> None:
    with capture_logs() as logged:
        answer = await clinician.post("/v1/words", content=content, headers={"content-type": "application/json"})
    assert is_problem(answer, 422, "invalid")
    assert answer.json()["errors"]
    assert CANARY not in answer.text + str(logged)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/v1/words", 405), ("POST", "/v1/slow", 405)]
)
async def test_what_does_not_exist_is_a_problem_document_too(
    clinician: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await clinician.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/who", "/nowhere", "/v1/breaks?said=x", "/health/live"])
async def test_every_answer_has_an_id_a_trace_and_a_strict_policy(
    application: FastAPI, clinician: httpx.AsyncClient, path: str
) -> None:
    async with client_of(application) as stranger:
        for client in (stranger, clinician):
            answer = await client.get(path)
            assert len(answer.headers["x-request-id"]) == 32
            assert answer.headers["traceparent"].startswith("00-")
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'")
            assert "unsafe" not in policy


async def test_the_callers_request_id_is_used_where_it_is_one(clinician: httpx.AsyncClient) -> None:
    with capture_logs() as logged:
        answer = await clinician.get("/v1/breaks?said=x", headers={"x-request-id": "client-00.7"})
    assert answer.headers["x-request-id"] == "client-00.7"
    for given in ("short", "x" * 65, CANARY, 'a"b\\c{d}', "séance-id"):
        answer = await clinician.get("/v1/who", headers={b"x-request-id": given.encode()})
        assert len(answer.headers["x-request-id"]) == 32
    assert logged


@pytest.mark.parametrize("flags", ["00", "01"])
async def test_a_trace_goes_on_with_a_span_of_ours(clinician: httpx.AsyncClient, flags: str) -> None:
    given = f"00-{TRACE_ID}-b7ad6b7169203331-{flags}"
    answered = (await clinician.get("/v1/who", headers={"traceparent": given})).headers["traceparent"]
    version, trace_id, span_id, answered_flags = answered.split("-")
    assert (version, trace_id, answered_flags) == ("00", TRACE_ID, flags)
    assert span_id != "b7ad6b7169203331"


@pytest.mark.parametrize(
    "given",
    [
        CANARY,
        f"01-{TRACE_ID}-b7ad6b7169203331-01",
        f"00-{TRACE_ID.upper()}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-b7ad6b7169203331-01-{CANARY}",
    ],
)
async def test_what_is_no_trace_begins_a_new_one(clinician: httpx.AsyncClient, given: str) -> None:
    answer = await clinician.get("/v1/who", headers={"traceparent": given})
    assert TRACE_ID not in answer.headers["traceparent"]
    assert "0" * 16 not in answer.headers["traceparent"]
