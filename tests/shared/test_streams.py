"""Answers that go on: they take no turn of other requests, there are only so many, and the server's end ends them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from pydantic import SecretStr

from deploy.local.ports import keep_or_choose
from shared.http.app import Entrance, create_app
from shared.settings import Limits, Platform, ServiceSettings
from tests.conftest import Tokens, served

LIMITS = Limits(at_work=1, waiting=0, streams=2, request_s=0.5)
router = APIRouter()


@router.get("/v1/stream")
async def stream() -> StreamingResponse:
    async def ticks() -> AsyncIterator[bytes]:
        while True:
            yield b"tick\n"
            await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.05)

    return StreamingResponse(ticks())


@router.get("/v1/usual")
async def answer() -> str:
    return "here"


@pytest.fixture
async def client(platform: Platform, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    (port,) = keep_or_choose((), 1)
    headers = {"authorization": f"Bearer {token('clinician', ['riverbend'])}"}
    async with (
        served(an_application(platform), port, LIMITS) as address,
        httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=10) as client,
    ):
        yield client


def an_application(platform: Platform) -> FastAPI:
    database = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
    settings = ServiceSettings(platform=platform, database_url=database, limits=LIMITS)
    paths = frozenset({"/v1/stream", "/v1/usual"})
    return create_app("test", settings, [router], let_off=paths, entrance=Entrance(streams="v1/stream"))


async def ticks_for(answer: httpx.Response, seconds: float) -> int:
    """How many pieces come in that time."""
    count = 0
    try:
        async with asyncio.timeout(seconds):
            async for _ in answer.aiter_bytes():
                count += 1
    except TimeoutError:
        pass
    return count


async def test_a_stream_takes_no_turn_and_goes_on_for_longer_than_a_request_may(client: httpx.AsyncClient) -> None:
    async with AsyncExitStack() as open_streams:
        streams = [await open_streams.enter_async_context(client.stream("GET", "/v1/stream")) for _ in range(2)]
        assert (await client.get("/v1/usual")).text == '"here"', "the one place is free"
        assert await ticks_for(streams[0], 2 * LIMITS.request_s) > 5
        third = await client.get("/v1/stream")
        assert (third.status_code, third.json()["type"]) == (503, "urn:samepage:problem:busy")
        assert "retry-after" in third.headers


async def test_streams_end_when_the_server_does(platform: Platform, token: Tokens) -> None:
    (port,) = keep_or_choose((), 1)
    headers = {"authorization": f"Bearer {token('clinician', ['riverbend'])}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client, AsyncExitStack() as server:
        address = await server.enter_async_context(served(an_application(platform), port, LIMITS))
        async with client.stream("GET", f"{address}/v1/stream") as answer:
            reading = asyncio.create_task(answer.aread())
            async with asyncio.timeout(5):
                await server.aclose()
            with pytest.raises(httpx.HTTPError):
                await reading
