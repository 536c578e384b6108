"""JSON that is taken, and JSON that two readers could take for two things."""

import json
import time

import pytest
from fastapi import APIRouter, FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from shared.errors import Problem
from shared.http.app import create_app
from shared.http.sound_json import check
from shared.settings import Platform, ServiceSettings
from tests.conftest import Tokens, client_of

JSON = {"content-type": "application/json"}
router = APIRouter()


class Words(BaseModel):
    words: str


@router.post("/v1/words")
async def count(body: Words, request: Request) -> list[int]:
    return [len(body.words), len(await request.body())]


@pytest.fixture
def application(platform: Platform) -> FastAPI:
    database = SecretStr("postgresql://nobody@127.0.0.1:1/nothing")
    settings = ServiceSettings(platform=platform, database_url=database)
    return create_app("test", settings, [router], let_off=frozenset({"/v1/words"}))


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


UNSOUND = [
    nested(17),
    b'{"a":' * 17 + b"1" + b"}" * 17,
    b"[" * 100_000,
    b'{"words": "x", "words": "y"}',
    b'{"a": {"b": 1, "c": 2, "b": 3}}',
    b'{"a": 1, "\\u0061": 2}',
    b"[NaN]",
    b"[-Infinity]",
    b'["\\u0000"]',
    b'{"\\u0000": 1}',
    b'["\\ud800"]',
    b'["\\uDFFF\\uD800"]',
    b'[{"a": ["\\udc00"]}]',
    b'["\xff"]',
    b'["\xed\xa0\x80"]',
    json.dumps({"a": 1}).encode("utf-16"),
    b"[" + b"9" * 5000 + b"]",
]
SOUND = [
    b"",
    b"null",
    nested(16),
    b"[" + b",".join([b"{}"] * 1000) + b"]",
    b'["[[[[[[[[[[[[[[[[[[[["]',
    b'["\\"[[[[[[[[[[[[[[[[[[[[", "\\\\"]',
    b'{"a": {"b": 1}, "c": {"b": 1}}',
    b'["\\ud83d\\ude00", "\\\\u0000", "\\\\ud800"]',
    b"[1e999, 1.5, -0]",
    b'{"words": "broken',
    b"not json",
]


@pytest.mark.parametrize("body", UNSOUND, ids=lambda body: repr(body[:30]))
def test_what_could_be_taken_for_two_things_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        check(body)
    assert (refused.value.status, refused.value.kind) == (400, "unsound-json")


@pytest.mark.parametrize("body", SOUND, ids=lambda body: repr(body[:30]))
def test_what_is_sound_and_what_is_no_json_goes_on(body: bytes) -> None:
    check(body)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@given(VALUES, st.booleans())
def test_whatever_is_written_plainly_goes_on_unless_it_is_deep(value: object, is_ascii: bool) -> None:
    def depth(part: object) -> int:
        inner = part if isinstance(part, list) else part.values() if isinstance(part, dict) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    body = json.dumps(value, ensure_ascii=is_ascii).encode()
    if depth(value) <= 16:
        check(body)
    else:
        with pytest.raises(Problem):
            check(body)


def test_depth_is_cheap_to_refuse() -> None:
    body = b'["\\"[",' * 500_000
    began = time.perf_counter()
    with pytest.raises(Problem):
        check(body)
    assert time.perf_counter() - began < 1


async def test_a_sound_body_reaches_its_route_whole_and_another_does_not(application: FastAPI, token: Tokens) -> None:
    async with client_of(application, token("clinician", ["riverbend"])) as client:
        whole = await client.post("/v1/words", content=b'{"words": "many"}', headers=JSON)
        assert whole.json() == [4, 17]
        for kind in ("application/json", "application/JSON; charset=utf-8", "application/fhir+json"):
            answer = await client.post(
                "/v1/words", content=b'{"words": "a", "words": "b"}', headers={"content-type": kind}
            )
            assert answer.json()["type"] == "urn:samepage:problem:unsound-json"
            assert answer.headers["content-type"] == "application/problem+json"
