"""How often a client may ask: its burst and its rate, whoever else asks."""

from dataclasses import dataclass

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.http.access import CareTeam
from shared.http.app import create_app
from shared.http.rates import Buckets, address_of
from shared.settings import Platform, Rate, Rates, ServiceSettings
from tests.conftest import Tokens, client_of

SITE = "riverbend"
FEW = Rate(burst=3, per_minute=1)
router = APIRouter()


@router.get("/v1/who")
async def who(caller: CareTeam) -> str:
    return caller.subject


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(min_value=0, max_value=30), max_size=60))
def test_a_bucket_lets_through_its_burst_and_its_rate_and_no_more(pauses: list[float]) -> None:
    clock, let_through = Clock(), 0
    buckets = Buckets(Rate(burst=5, per_minute=12), 10, clock)
    for pause in pauses:
        clock.now += pause
        wait_s = buckets.wait_s("one")
        let_through += wait_s == 0
        assert wait_s <= 5
    assert let_through <= 5 + clock.now * 12 / 60


def test_a_bucket_is_each_keys_own_and_fills_again() -> None:
    clock = Clock()
    buckets = Buckets(Rate(burst=1, per_minute=60), 10, clock)
    assert [buckets.wait_s("one"), buckets.wait_s("two")] == [0, 0]
    clock.now = 0.5
    assert buckets.wait_s("one") == pytest.approx(0.5)
    clock.now = 1.0
    assert buckets.wait_s("one") == 0


def test_many_keys_make_only_those_forgotten_that_asked_longest_ago() -> None:
    buckets = Buckets(Rate(burst=1, per_minute=1), 100, Clock())
    for number in range(10_000):
        buckets.wait_s(f"flood-{number}")
        assert (buckets.wait_s("who stays") > 0) == (number > 0)
    assert len(buckets._left) <= 100


def app_with(platform: Platform, **rates: Rate) -> FastAPI:
    few = platform.model_copy(update={"rates": Rates(**rates)})
    settings = ServiceSettings(platform=few, database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"))
    return create_app("test", settings, [router], let_off=frozenset({"/v1/who"}))


async def statuses(application: FastAPI, bearer: str | None, times: int = 5) -> list[int]:
    async with client_of(application, bearer) as client:
        return [(await client.get("/v1/who")).status_code for _ in range(times)]


async def test_who_asks_too_often_waits_and_nobody_else_does(platform: Platform, token: Tokens) -> None:
    application = app_with(platform, person=FEW)
    rowe, kim = (token("clinician", [SITE], subject=name) for name in ("rowe", "kim"))
    assert await statuses(application, rowe) == [200, 200, 200, 429, 429]
    assert await statuses(application, kim, 3) == [200, 200, 200]
    async with client_of(application, rowe) as client:
        answer = await client.get("/v1/who")
    assert answer.json()["type"] == "urn:samepage:problem:too-many"
    assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_a_second_token_of_the_same_person_brings_no_second_bucket(platform: Platform, token: Tokens) -> None:
    application = app_with(platform, person=FEW)
    assert await statuses(application, token("clinician", [SITE], subject="rowe"), 3) == [200, 200, 200]
    assert await statuses(application, token("clinician", [SITE], subject="rowe"), 1) == [429]


async def test_systems_have_a_rate_of_their_own(platform: Platform, token: Tokens) -> None:
    application = app_with(platform, person=Rate(burst=1, per_minute=1))
    assert await statuses(application, token("system", [SITE]), 20) == [200] * 20


async def test_who_fails_to_say_who_they_are_waits_too(platform: Platform, token: Tokens) -> None:
    application = app_with(platform, stranger=FEW)
    assert await statuses(application, "made up") == [401, 401, 401, 429, 429]
    assert await statuses(application, None, 1) == [429], "the same address"
    assert await statuses(application, token("clinician", [SITE]), 1) == [200], "but not who is known"


async def test_health_is_told_to_anybody_as_often_as_they_like(platform: Platform) -> None:
    application = app_with(platform, stranger=FEW)
    async with client_of(application) as client:
        assert {(await client.get("/health/live")).status_code for _ in range(20)} == {200}


@pytest.mark.parametrize(
    ("host", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("a socket", "a socket"),
    ],
)
def test_an_address_stands_for_the_network_of_its_household(host: str, counted_as: str) -> None:
    assert address_of(Request({"type": "http", "client": (host, 1)})) == counted_as


async def test_forwarded_addresses_are_believed_from_nobody_by_default(platform: Platform) -> None:
    application = app_with(platform, stranger=FEW)
    found = []
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://samepage.test") as client:
        for number in range(5):
            forwarded = {"x-forwarded-for": f"198.51.100.{number}", "forwarded": f"for=198.51.100.{number}"}
            found.append((await client.get("/v1/who", headers=forwarded)).status_code)
    assert found == [401, 401, 401, 429, 429]
