"""Routes whose functions are called straight: each answer is the one that FastAPI would have given."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar, NamedTuple
from uuid import UUID

import orjson
import pytest
from fastapi import APIRouter, Body, Cookie, Depends, FastAPI, Header, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from shared.auth import Caller, Role
from shared.errors import Problem
from shared.http.access import allow
from shared.http.app import create_app
from shared.http.batch import Batch
from shared.http.direct import DirectRoute
from shared.settings import Platform, ServiceSettings
from tests.conftest import Tokens, client_of

ID = "5d3e5b4a-8a3d-4d27-a3e5-6b1f1f8f4b11"
THING = f'{{"thing_id": "{ID}", "size": 3}}'.encode()


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    thing_id: UUID
    size: int = Field(ge=0)


class Held(NamedTuple):
    tag: str | None
    depth: int


async def held(if_none_match: Annotated[str | None, Header()] = None, depth: Annotated[int, Query(le=9)] = 1) -> Held:
    return Held(if_none_match, depth)


async def only_small(request: Request) -> None:
    if request.url.query == "huge=yes":
        raise Problem(409, "huge", "It is huge.")


def said(**values: object) -> Response:
    return Response(orjson.dumps(values, default=str), media_type="application/json")


def routes(kind: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=kind)

    @router.get("/v1/things/{thing_id}", dependencies=[Depends(only_small)])
    async def read_thing(
        thing_id: UUID,
        caller: Annotated[Caller, Depends(allow(Role.CLINICIAN))],
        had: Annotated[Held, Depends(held)],
        key: Annotated[str, Header(alias="Thing-Key", min_length=3)],
        goes_on: UUID | None = None,
    ) -> Response:
        return said(thing_id=thing_id, who=caller.subject, had=had, key=key, goes_on=goes_on)

    @router.post("/v1/things")
    async def add_things(request: Request, body: Batch[Thing]) -> Response:
        return said(items=[repr(item) for item in body.items], length=len(await request.body()))

    return router


def an_app(platform: Platform, kind: type[APIRoute]) -> FastAPI:
    database = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
    settings = ServiceSettings(platform=platform, database_url=database)
    router = routes(kind)
    return create_app("test", settings, [router], let_off=frozenset({"/v1/things", "/v1/things/{thing_id}"}))


class Counted(DirectRoute):
    """Knows what FastAPI was asked."""

    asked: ClassVar[list[str]] = []

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        usual = super().get_route_handler()

        async def count(request: Request) -> Response:
            self.asked.append(request.method)
            return await usual(request)

        return count


READ = {"url": f"/v1/things/{ID}", "headers": {"thing-key": "abc"}}
JSON = {"content-type": "application/json"}
AS_IT_SHOULD_BE: list[dict[str, Any]] = [
    READ,
    {**READ, "params": {"depth": "4", "goes_on": ID}},
    {**READ, "params": {"depth": ["2", "7"]}},
    {**READ, "headers": [("thing-key", "abc"), ("Thing-Key", "x"), ("if-none-match", '"é"'.encode("latin-1"))]},
    {**READ, "url": f"/v1/things/{ID.upper().replace('-', '')}"},
    {"method": "POST", "url": "/v1/things", "content": THING, "headers": JSON},
    {"method": "POST", "url": "/v1/things", "content": b"[" + THING + b', {"size": -1}]', "headers": JSON},
    {
        "method": "POST",
        "url": "/v1/things",
        "content": THING,
        "headers": {"content-type": "Application/fhir+JSON; charset=utf-8"},
    },
]
OTHERWISE: list[dict[str, Any]] = [
    {"url": f"/v1/things/{ID}"},
    {**READ, "headers": {"thing-key": "a"}},
    {**READ, "url": "/v1/things/none"},
    {**READ, "params": {"depth": "10"}},
    {**READ, "params": {"depth": "", "goes_on": "nobody"}},
    {**READ, "method": "PUT"},
    {"method": "POST", "url": "/v1/things"},
    {"method": "POST", "url": "/v1/things", "headers": JSON},
    *(
        {"method": "POST", "url": "/v1/things", "content": content, "headers": JSON}
        for content in (b"null", b"[]", b"{", b"not json")
    ),
    *(
        {"method": "POST", "url": "/v1/things", "content": THING, "headers": {"content-type": kind}}
        for kind in ("text/plain", "application/x/y+json", "application/json, text/plain", "application/jsonl")
    ),
]
REFUSED_BY_A_FUNCTION = {**READ, "params": {"huge": "yes"}}


async def answer_of(platform: Platform, kind: type[APIRoute], bearer: str, asked: dict[str, Any]) -> tuple[object, ...]:
    async with client_of(an_app(platform, kind), bearer) as client:
        answer = await client.request(**{"method": "GET", **asked})
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "traceparent")}
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("asked", [*AS_IT_SHOULD_BE, *OTHERWISE, REFUSED_BY_A_FUNCTION], ids=str)
@pytest.mark.parametrize("role", ["clinician", "coordinator"])
async def test_every_answer_is_that_of_fastapi(
    asked: dict[str, Any], role: str, platform: Platform, token: Tokens
) -> None:
    bearer = token(role, ["riverbend"])
    usual = await answer_of(platform, APIRoute, bearer, asked)
    assert await answer_of(platform, DirectRoute, bearer, asked) == usual


@pytest.mark.parametrize("asked", [*AS_IT_SHOULD_BE, REFUSED_BY_A_FUNCTION], ids=str)
async def test_what_is_as_it_should_be_goes_straight_to_its_function(
    asked: dict[str, Any], platform: Platform, token: Tokens
) -> None:
    Counted.asked.clear()
    status, *_ = await answer_of(platform, Counted, token("clinician", ["riverbend"]), asked)
    assert status == (409 if asked is REFUSED_BY_A_FUNCTION else 200)
    assert Counted.asked == []


@pytest.mark.parametrize("asked", [one for one in OTHERWISE if one.get("method") != "PUT"], ids=str)
async def test_what_is_not_goes_to_fastapi(asked: dict[str, Any], platform: Platform, token: Tokens) -> None:
    Counted.asked.clear()
    await answer_of(platform, Counted, token("clinician", ["riverbend"]), asked)
    assert len(Counted.asked) == 1


async def a_list(ids: Annotated[list[UUID], Query()]) -> Response:
    return said()


async def a_model(thing: Annotated[Thing, Query()]) -> Response:
    return said()


async def a_cookie(kept: Annotated[str, Cookie()]) -> Response:
    return said()


async def two_bodies(one: Annotated[Thing, Body()], other: Annotated[Thing, Body()]) -> Response:
    return said()


async def no_response() -> None:
    pass


def no_coroutine() -> Response:
    return said()


async def twice(one: Annotated[Held, Depends(held)], other: Annotated[Held, Depends(held)]) -> Response:
    return said()


@pytest.mark.parametrize("function", [a_list, a_model, a_cookie, two_bodies, no_response, no_coroutine, twice])
def test_a_function_that_it_could_not_call_is_refused_at_once(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        DirectRoute("/v1/things", function)
