"""Large files, where a route takes them: read while they come, bounded by themselves, in a queue of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from fastapi import APIRouter, FastAPI, Request
from pydantic import SecretStr
from starlette.types import Message

from deploy.local.ports import keep_or_choose
from shared.errors import Problem
from shared.http.app import Entrance, create_app
from shared.http.bounds import piecemeal
from shared.settings import Limits, Platform, ServiceSettings
from tests.conftest import Tokens, client_of, served
from tests.shared.test_wire import connection

LIMITS = Limits(body_bytes=1000, body_s=0.3, request_s=0.4, upload_bytes=100_000, upload_s=5, uploads=1)
router = APIRouter()


@router.post("/v1/file")
async def take_file(request: Request) -> int:
    return sum([len(piece) async for piece in request.stream()])


@router.post("/v1/raw")
async def count_bytes(request: Request) -> int:
    return len(await request.body())


@pytest.fixture
def application(platform: Platform) -> FastAPI:
    database = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
    settings = ServiceSettings(platform=platform, database_url=database, limits=LIMITS)
    paths = frozenset({"/v1/file", "/v1/raw"})
    return create_app("test", settings, [router], let_off=paths, entrance=Entrance(uploads="v1/file"))


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 1000


async def test_a_file_may_be_larger_than_a_body_and_not_endless(application: FastAPI, token: Tokens) -> None:
    async with client_of(application, token("coordinator", ["riverbend"])) as client:
        assert (await client.post("/v1/file", content=pieces(100))).json() == 100_000
        answer = await client.post("/v1/file", content=pieces(101))
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:samepage:problem:too-large")
        assert (await client.post("/v1/raw", content=pieces(2))).status_code == 413, "other routes take none"


async def test_a_stranger_brings_no_file(application: FastAPI) -> None:
    async with client_of(application, "no token") as nobody:
        assert (await nobody.post("/v1/file", content=pieces(2))).status_code == 401


async def test_a_file_that_is_broken_off_is_not_taken_for_a_whole_one() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(Problem, match="did not arrive whole"):
        await piecemeal(receive, 1000)()


async def test_who_brings_a_file_slowly_has_more_time_than_other_requests(application: FastAPI, token: Tokens) -> None:
    (port,) = keep_or_choose((), 1)
    bearer = f"authorization: bearer {token('coordinator', ['riverbend'])}\r\n"
    for path, status in (("/v1/file", b"200"), ("/v1/raw", b"408")):
        head = f"POST {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{bearer}content-length: 40\r\n\r\n"
        async with served(application, port, LIMITS):
            answer = await answered_to_a_trickle(port, head.encode(), b"x" * 40)
        assert answer.startswith(b"HTTP/1.1 " + status)


async def answered_to_a_trickle(port: int, head: bytes, body: bytes) -> bytes:
    """What is answered to who sends a byte of the body every 30 ms, and so takes longer than a request may.

    Asked again where a byte was under way when the door hung up: then the answer is lost on the way.
    """
    for _ in range(5):
        with suppress(ConnectionResetError):
            return await _answered_once(port, head, body)
    raise AssertionError("hung up on each time")


async def _answered_once(port: int, head: bytes, body: bytes) -> bytes:
    async with connection(port) as (reader, writer):
        writer.write(head)
        reading = asyncio.create_task(reader.read())
        for byte in body:
            await asyncio.wait([reading], timeout=0.03)
            writer.write(bytes([byte]))
        async with asyncio.timeout(5):
            return await reading
