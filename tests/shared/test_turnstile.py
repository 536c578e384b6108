"""More requests than a process can answer: the rest is told so at once, and nothing of it is begun."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr

from shared.db import open_pool, transaction
from shared.errors import Problem
from shared.http.app import create_app
from shared.http.turnstile import Turnstile
from shared.settings import Limits, Platform, ServiceSettings
from tests.conftest import Tokens, client_of
from tests.waiting import until

AT_WORK, WAITING = 2, 3


class Work:
    """A route that takes as long as it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()
        self.router = APIRouter()
        self.router.add_api_route("/v1/work", self.do, methods=["POST"])

    async def do(self) -> int:
        self.begun += 1
        await self.may_end.wait()
        return self.begun


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def client(platform: Platform, work: Work, token: Tokens, source_dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    limits = Limits(at_work=AT_WORK, waiting=WAITING)
    settings = ServiceSettings(platform=platform, database_url=SecretStr(source_dsn), limits=limits)
    application: FastAPI = create_app("test", settings, [work.router], let_off=frozenset({"/v1/work"}))
    async with (
        application.router.lifespan_context(application),
        client_of(application, token("system", ["riverbend"])) as client,
    ):
        yield client


async def test_beyond_the_queue_the_answer_is_503_at_once_and_nothing_is_begun(
    client: httpx.AsyncClient, work: Work
) -> None:
    taken = [asyncio.create_task(client.post("/v1/work")) for _ in range(AT_WORK + WAITING)]

    async def is_full() -> bool:
        return work.begun == AT_WORK

    await until(is_full)
    began = time.perf_counter()
    refused = [await client.post("/v1/work") for _ in range(20)]
    assert time.perf_counter() - began < 2
    for answer in refused:
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["type"] == "urn:samepage:problem:busy"
    assert work.begun == AT_WORK, "who waits has not begun either"
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).status_code == 200
    assert b"samepage_http_requests_total" in (await client.get("/metrics")).content
    work.may_end.set()
    assert [answer.status_code for answer in await asyncio.gather(*taken)] == [200] * (AT_WORK + WAITING)
    assert work.begun == AT_WORK + WAITING
    assert (await client.post("/v1/work")).status_code == 200, "and then there is room again"


async def test_who_sends_slowly_takes_no_place(client: httpx.AsyncClient, work: Work) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    slow = [asyncio.create_task(client.post("/v1/work", content=endless())) for _ in range(AT_WORK + WAITING + 5)]
    await asyncio.wait(slow, timeout=0.1)
    work.may_end.set()
    assert (await client.post("/v1/work")).status_code == 200
    assert work.begun == 1
    for task in slow:
        task.cancel()
    await asyncio.wait(slow)


async def test_who_goes_away_while_waiting_leaves_their_place() -> None:
    turnstile = Turnstile(at_work=1, waiting=1)

    async def pass_through() -> None:
        async with turnstile:
            await asyncio.Event().wait()

    inside, before = (asyncio.create_task(pass_through()) for _ in range(2))
    await asyncio.wait([inside, before], timeout=0.01)
    with pytest.raises(Problem):
        await pass_through()
    before.cancel()
    await asyncio.wait([before])
    third = asyncio.create_task(pass_through())
    await asyncio.wait([third], timeout=0.01)
    inside.cancel()
    await asyncio.wait([inside, third], timeout=0.01)
    assert inside.cancelled()
    assert not third.done()
    third.cancel()
    await asyncio.wait([third])
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(turnstile)


async def test_a_full_pool_is_waited_for_only_so_long(source_dsn: str) -> None:
    async with open_pool(source_dsn, size=1) as pool, pool.acquire():
        with pytest.raises(TimeoutError):
            async with transaction(pool, wait_s=0.05):
                raise AssertionError("there was no connection to have")
    async with open_pool(source_dsn, size=1) as pool, transaction(pool, wait_s=0.5) as connection:
        assert await connection.fetchval("SELECT 1") == 1
