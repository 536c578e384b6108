"""What travels compressed, and what does not."""

import gzip
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.http.app import Entrance, create_app
from shared.http.compression import LEVEL, Compressed
from shared.pages import STATIC
from shared.settings import Platform, ServiceSettings

WORDS = b"what a patient said, and much of it. " * 100
STREAM = "text/event-stream"
OWN, FOREIGN = {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "cross-site"}


async def answer(request: Request) -> Response:
    return Response(WORDS[: int(request.query_params.get("bytes", len(WORDS)))], media_type=request.headers["accept"])


async def asked(path: str, kind: str = "text/html", **headers: str) -> httpx.Response:
    """As a browser asks, which takes what is compressed."""
    transport = httpx.ASGITransport(Compressed(Starlette(routes=[Route("/{path:path}", answer)])))
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        found = await client.get(path, headers={"accept": kind, "accept-encoding": "gzip", **headers})
    assert WORDS.startswith(found.content)
    return found


@pytest.mark.parametrize(
    ("path", "kind", "headers", "is_compressed"),
    [
        ("/patients/1", "text/html", OWN, True),
        ("/patients/1", "text/html", {"sec-fetch-site": "none"}, True),
        ("/patients/1", "text/html", FOREIGN, False),
        ("/patients/1", "text/html", {"sec-fetch-site": "same-site"}, False),
        ("/patients/1", "text/html", {**FOREIGN, "sec-fetch-dest": "document"}, True),
        ("/patients/1?shared=true", "text/html", {**FOREIGN, "sec-fetch-dest": "document"}, True),
        ("/patients/1?shared=true&bytes=3600", "text/html", {**FOREIGN, "sec-fetch-dest": "document"}, False),
        ("/patients/1?bytes=3600", "text/html", {**FOREIGN, "sec-fetch-dest": "document"}, False),
        ("/patients/1", "text/html", {**FOREIGN, "sec-fetch-dest": "iframe"}, False),
        ("/patients/1", "text/html", {}, False),
        ("/patients/1", "text/html", {**OWN, "accept-encoding": "identity"}, False),
        ("/patients/1?bytes=900", "text/html", OWN, False),
        ("/patients/1/changes", STREAM, OWN, False),
        ("/patients/1/summary", "application/pdf", OWN, False),
        ("/static/dashboard/page.css", "text/css", {}, True),
        ("/static/dashboard/page.css", "text/css", FOREIGN, True),
    ],
)
async def test_a_browser_gets_compressed_what_no_other_site_asked_for(
    path: str, kind: str, headers: dict[str, str], is_compressed: bool
) -> None:
    found = await asked(path, kind, **headers)
    assert (found.headers.get("content-encoding") == "gzip") is is_compressed
    assert (found.num_bytes_downloaded < len(found.content) / 10) is is_compressed


@pytest.fixture
def door(platform: Platform, tmp_path: Path) -> FastAPI:
    database = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
    settings = ServiceSettings(platform=platform, database_url=database)
    return create_app("dashboard", settings, [], entrance=Entrance(static=tmp_path))


async def test_a_door_with_pages_compresses_their_files(door: FastAPI) -> None:
    style = (STATIC / "samepage.css").read_bytes()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://door") as client:
        found = await client.get("/static/shared/samepage.css")
    assert found.content == style
    assert found.num_bytes_downloaded == pytest.approx(len(gzip.compress(style, LEVEL)), rel=0.05)
