"""What a connection may send, byte by byte, and for how long: against the real server, on a socket."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
from fastapi import APIRouter, FastAPI, Request
from pydantic import SecretStr

from deploy.local.ports import HOST, keep_or_choose
from shared.http.app import create_app
from shared.settings import Limits, Platform, ServiceSettings
from tests.conftest import Tokens, served

LIMITS = Limits(
    address_bytes=200, headers=10, header_bytes=1000, header_s=0.3, body_bytes=1000, body_s=0.3, request_s=0.6
)
PATIENT = LIMITS.model_copy(update={"header_s": 1.4, "body_s": 1.4, "request_s": 1.8})
"""The same for whom time does not run out first, also where the machine is busy."""
router = APIRouter()


@router.post("/v1/raw")
async def count_bytes(request: Request) -> int:
    return len(await request.body())


@router.get("/v1/raw")
async def say_nothing() -> int:
    return 0


@pytest.fixture
async def port(platform: Platform) -> AsyncIterator[int]:
    (port,) = keep_or_choose((), 1)
    async with served(an_app(platform, LIMITS), port, LIMITS):
        yield port


@pytest.fixture
async def patient_port(platform: Platform) -> AsyncIterator[int]:
    (port,) = keep_or_choose((), 1)
    async with served(an_app(platform, PATIENT), port, PATIENT):
        yield port


def an_app(platform: Platform, limits: Limits) -> FastAPI:
    database = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
    settings = ServiceSettings(platform=platform, database_url=database, limits=limits)
    return create_app("test", settings, [router], let_off=frozenset({"/v1/raw"}))


@pytest.fixture
def bearer(token: Tokens) -> str:
    return f"authorization: bearer {token('clinician', ['riverbend'])}\r\n"


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def all_of(reader: asyncio.StreamReader) -> str:
    read = b""
    with suppress(ConnectionResetError):
        while part := await reader.read(65536):
            read += part
    return read.decode()


async def answered(port: int, *said: str) -> str:
    """All that is answered until the other side hangs up, which it must."""
    async with asyncio.timeout(5), connection(port) as (reader, writer):
        writer.write("".join(said).encode("latin-1"))
        return await all_of(reader)


async def answered_to_a_trickle(port: int, parts: Sequence[str]) -> str:
    """The same for who sends a part every 20 ms, for two seconds or until nobody listens any more."""
    async with asyncio.timeout(5), connection(port) as (reader, writer):
        reading = asyncio.create_task(all_of(reader))
        for number in range(100):
            writer.write(parts[min(number, len(parts) - 1)].encode())
            done, _ = await asyncio.wait([reading], timeout=0.02)
            if done:
                return reading.result()
        raise AssertionError("still listening")


def is_problem(answer: str, status: int, kind: str) -> bool:
    head, _, body = answer.partition("\r\n\r\n")
    return (
        head.startswith(f"HTTP/1.1 {status} ")
        and "content-type: application/problem+json" in head
        and "content-security-policy: default-src 'none'" in head
        and "cache-control: no-store" in head
        and f"urn:samepage:problem:{kind}" in body
    )


async def test_an_address_that_is_too_long_is_refused_before_it_ends(port: int) -> None:
    assert is_problem(await answered(port, "GET /", "a" * 300), 414, "address-too-long")


async def test_a_header_that_does_not_end_is_refused(patient_port: int) -> None:
    flood = ["GET /v1/raw HTTP/1.1\r\nx: ", "a" * 200]
    assert is_problem(await answered_to_a_trickle(patient_port, flood), 431, "headers-too-large")


async def test_too_many_headers_are_refused_before_they_end(port: int) -> None:
    head = "GET /v1/raw HTTP/1.1\r\n" + "".join(f"x-{number}: 1\r\n" for number in range(12))
    assert is_problem(await answered(port, head), 431, "headers-too-large")


async def test_headers_that_are_too_long_together_are_refused(port: int) -> None:
    head = "GET /v1/raw HTTP/1.1\r\nhost: x\r\n" + "".join(f"x-{number}: {'1' * 300}\r\n" for number in range(5))
    assert is_problem(await answered(port, head, "connection: close\r\n\r\n"), 431, "headers-too-large")


@pytest.mark.parametrize("said", ["", "GET /v1/r", "GET /v1/raw HTTP/1.1\r\nhost: x\r\n"])
async def test_who_does_not_end_their_headers_is_hung_up_on(port: int, said: str) -> None:
    assert await answered(port, said) == ""


@pytest.mark.parametrize("parts", [["\r\n"], ["GET /v1/raw HTTP/1.1\r\n", "a"], ["GET /", "a"]], ids=repr)
async def test_a_trickle_of_headers_does_not_keep_a_connection(port: int, parts: list[str]) -> None:
    assert await answered_to_a_trickle(port, parts) == ""


@pytest.mark.parametrize("said", ["no http at all\r\n\r\n", "GET /v1/raw HTTP/1.1\r\nno colon\r\n\r\n", "\x16\x03\x01"])
async def test_what_is_no_http_gets_a_problem_document(port: int, said: str) -> None:
    assert is_problem(await answered(port, said), 400, "unreadable")


LENGTHS = ["content-length: 500\r\n\r\n", "transfer-encoding: chunked\r\n\r\n"]


@pytest.mark.parametrize("length", LENGTHS)
async def test_a_body_that_is_too_slow_is_answered_and_hung_up_on(port: int, bearer: str, length: str) -> None:
    head = f"POST /v1/raw HTTP/1.1\r\nhost: x\r\n{bearer}{length}"
    part = "1\r\nx\r\n" if "chunked" in length else "x"
    assert is_problem(await answered_to_a_trickle(port, [head, part]), 408, "too-slow")


async def test_who_goes_on_sending_after_the_answer_is_hung_up_on(port: int) -> None:
    head = "POST /v1/raw HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n"
    assert is_problem(await answered_to_a_trickle(port, [head, "x"]), 401, "unauthenticated")


async def test_a_body_that_is_larger_than_it_may_be_is_not_waited_for(patient_port: int, bearer: str) -> None:
    head = f"POST /v1/raw HTTP/1.1\r\nhost: x\r\n{bearer}transfer-encoding: chunked\r\n\r\n"
    flood = [head, "64\r\n" + "x" * 100 + "\r\n"]
    assert is_problem(await answered_to_a_trickle(patient_port, flood), 413, "too-large")


async def test_what_keeps_to_the_limits_is_answered_one_after_the_other(port: int, bearer: str) -> None:
    ask = f"GET /v1/raw HTTP/1.1\r\nhost: x\r\n{bearer}"
    post = f"POST /v1/raw HTTP/1.1\r\nhost: x\r\n{bearer}content-length: 1000\r\n\r\n" + "x" * 1000
    answer = await answered(port, ask, "\r\n", post, ask, "connection: close\r\n\r\n")
    assert answer.count("HTTP/1.1 200 OK") == answer.count("HTTP/1.1") == 3
    assert [part.partition("HTTP/1.1")[0] for part in answer.split("\r\n\r\n")[1:]] == ["0", "1000", "0"]
