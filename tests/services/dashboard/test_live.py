"""An open page is told of newer versions, for as long as who follows it may see it, and of nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from deploy.ehrs import revoke_ehr
from deploy.local.ports import keep_or_choose
from services.dashboard.app import create_app
from services.dashboard.domain import Ehr
from services.dashboard.worker import SUBSCRIPTION
from shared.auth import Caller, Role
from shared.db import transaction
from shared.http.sessions import AtProvider, Sessions
from shared.revocations import subject_of
from shared.settings import Limits
from tests.builders import PATIENT, a_lab, an_enrollment, an_event, an_id
from tests.conftest import Tokens, client_of, served
from tests.services.dashboard.conftest import HERE, OWN, PAGE, THERE, WORDS, break_glass
from tests.services.dashboard.fake_ehr import FakeEhr
from tests.services.held import held, until_waiting
from tests.services.streams import arrive
from tests.services.trails import trail
from tests.sign_in.conftest import Clock
from tests.waiting import until

STREAM = f"/v1/patients/{PATIENT}/live"


class Event(NamedTuple):
    name: str
    data: dict[str, Any]
    id: str | None


class Stream:
    """The answer of somebody who follows a page."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.answer = answer
        self.heard = b""
        self._pieces = answer.aiter_bytes()

    async def next(self) -> Event:
        """The next event."""
        async with asyncio.timeout(10):
            while True:
                head, end, rest = self.heard.partition(b"\n\n")
                if not end:
                    self.heard += await anext(self._pieces)
                    continue
                self.heard = rest
                fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
                if "event" in fields:
                    return Event(fields["event"], json.loads(fields["data"]), fields.get("id"))

    async def has_ended(self) -> bool:
        async with asyncio.timeout(10):
            return await anext(self._pieces, b"") == b""


Follow = Callable[..., AbstractAsyncContextManager[Stream]]


@pytest.fixture
async def live(dashboard: FastAPI, clock: Clock) -> AsyncIterator[FastAPI]:
    """The dashboard, with streams of the usual length."""
    application = create_app(dashboard.state.settings.model_copy(update={"limits": Limits()}), clock=clock)
    application.state.database = dashboard.state.database
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def follow(live: FastAPI) -> AsyncIterator[Follow]:
    """`follow(token, path)`: an open stream."""
    (port,) = keep_or_choose((), 1)
    async with (
        served(live, port) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, timeout=10) as client,
    ):

        @asynccontextmanager
        async def opened(bearer: str = "", path: str = STREAM, **headers: str) -> AsyncIterator[Stream]:
            if bearer:
                headers["authorization"] = f"Bearer {bearer}"
            async with client.stream("GET", path, headers=headers) as answer:
                yield Stream(answer)

        yield opened


@pytest.fixture
def clinician_of_site(token: Tokens) -> str:
    return token("clinician", [THERE], subject="dr-own")


async def a_result(live: FastAPI, number: int) -> None:
    lab = a_lab(lab_id=an_id(f"lab-{number}"), value=number)
    await arrive(live, SUBSCRIPTION, an_event(lab, site_id=THERE, event_id=uuid4(), sequence=number))


async def session_of(live: FastAPI, caller: Caller, *, ehr: Ehr | None = None) -> dict[str, str]:
    """Headers of a browser that is signed in, by itself or in a frame of an EHR."""
    sessions: Sessions = live.state.sessions
    at_provider = None if ehr is None else AtProvider(ehr.at_provider, None, in_frame=True)
    async with transaction(live.state.pool, caller.scope) as connection:
        secret = await sessions.open(connection, caller, at_provider=at_provider)
    return {"cookie": f"{sessions.cookie if ehr is None else sessions.framed_cookie}={secret}"}


async def test_a_new_fact_is_told_within_a_second_and_nothing_of_what_it_says(
    live: FastAPI, follow: Follow, clinician_of_site: str
) -> None:
    async with follow(clinician_of_site) as stream:
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        first = await stream.next()
        await a_result(live, 1)
        told = await asyncio.wait_for(stream.next(), 1)
        assert (told.name, list(told.data)) == ("version", ["version"])
        assert told.id == told.data["version"] != first.id
    async with client_of(live, clinician_of_site) as client:
        assert (await client.get(PAGE)).headers["etag"] == f'"{told.id}"'


async def test_who_knows_the_version_is_told_nothing_until_there_is_another(
    live: FastAPI, follow: Follow, clinician_of_site: str
) -> None:
    async with follow(clinician_of_site) as stream:
        known = (await stream.next()).id or ""
    async with follow(clinician_of_site, **{"last-event-id": known}) as stream:
        await a_result(live, 1)
        assert (await stream.next()).id != known, "the first event is the news"


async def test_another_patients_news_is_not_told(live: FastAPI, follow: Follow, token: Tokens) -> None:
    own = token("clinician", [HERE])
    async with follow(own, path=f"/v1/patients/{OWN}/live") as stream:
        await stream.next()
        await a_result(live, 1)
        changed = an_enrollment(patient_id=OWN, birth_year=1971)
        await arrive(live, SUBSCRIPTION, an_event(changed, site_id=HERE, sequence=2))
        own_news = (await stream.next()).id
        async with client_of(live, own) as client:
            assert (await client.get(f"/v1/patients/{OWN}/page")).headers["etag"] == f'"{own_news}"'


async def test_opening_is_on_record_once_and_others_are_not_let_in(
    live: FastAPI, follow: Follow, clinician_of_site: str, token: Tokens
) -> None:
    async with follow(clinician_of_site) as stream:
        await stream.next()
        await a_result(live, 1)
        await stream.next()
    (row,) = await trail(live, kind="read")
    assert (row["patient_id"], row["route"], row["subject"]) == (PATIENT, "follow_page", "dr-own")
    for other in (token("clinician", [HERE]), token("patient", [THERE], patient_id=OWN)):
        async with follow(other) as stream:
            assert stream.status == 404
    assert await live.state.database.value("SELECT count(*) FROM view") == 0


async def test_it_ends_when_the_person_signs_out(live: FastAPI, follow: Follow) -> None:
    browser = await session_of(live, Caller("dr-own", Role.CLINICIAN, frozenset({THERE})))
    async with follow(path=f"/patients/{PATIENT}/live", **browser) as stream:
        await stream.next()
        async with client_of(live) as client:
            assert (await client.post("/sign-out", headers=browser)).status_code == 303
        assert (await stream.next()) == Event("end", {"why": "signed-out"}, None)
        assert await stream.has_ended()


async def test_it_follows_a_session_where_the_browser_also_sends_a_password_for_a_proxy(
    live: FastAPI, follow: Follow
) -> None:
    browser = await session_of(live, Caller("dr-own", Role.CLINICIAN, frozenset({THERE})))
    async with follow(path=f"/patients/{PATIENT}/live", authorization="Basic eDp5", **browser) as stream:
        assert (await stream.next()).name == "version"
        await live.state.database.run("DELETE FROM session")
        assert (await stream.next()).data == {"why": "signed-out"}


async def test_it_ends_when_the_ehr_that_opened_the_page_is_revoked(
    live: FastAPI, follow: Follow, ehr: FakeEhr
) -> None:
    caller = Caller(f"{THERE}.ehr/Practitioner/7", Role.CLINICIAN, frozenset({THERE}))
    browser = await session_of(live, caller, ehr=ehr.registered(THERE))
    async with follow(path=f"/patients/{PATIENT}/live", **browser) as stream:
        await stream.next()
        await revoke_ehr(live.state.database.worker, THERE, "ehr", by="somebody")
        assert (await stream.next()).data == {"why": "signed-out"}


async def test_it_ends_when_nobody_was_there_for_long_and_is_itself_no_sign_of_somebody(
    live: FastAPI, follow: Follow, clock: Clock
) -> None:
    browser = await session_of(live, Caller("dr-own", Role.CLINICIAN, frozenset({THERE})))
    async with follow(path=f"/patients/{PATIENT}/live", **browser) as stream:
        await stream.next()
        clock.go_on(minutes=16)
        assert (await stream.next()).data == {"why": "signed-out"}


async def test_it_ends_when_the_link_that_a_patient_came_by_is_revoked(live: FastAPI, follow: Follow) -> None:
    link = uuid4()
    browser = await session_of(live, Caller(subject_of(link), Role.PATIENT, frozenset({THERE}), PATIENT))
    async with follow(path=f"/patients/{PATIENT}/live", **browser) as stream:
        await stream.next()
        await live.state.database.run(f"INSERT INTO ended_subject VALUES ('{subject_of(link)}', now())")
        assert (await stream.next()).data == {"why": "signed-out"}


async def test_it_ends_with_the_token(follow: Follow, clinician_of_site: str, clock: Clock) -> None:
    async with follow(clinician_of_site) as stream:
        await stream.next()
        clock.now += timedelta(days=3650)
        assert (await stream.next()).data == {"why": "signed-out"}


async def test_it_ends_when_the_glass_is_closed(live: FastAPI, follow: Follow, token: Tokens) -> None:
    afar = token("clinician", [HERE], subject="dr-silva")
    async with client_of(live, afar) as client:
        glass = await break_glass(client, words=WORDS)
        async with follow(afar) as stream:
            await stream.next()
            await a_result(live, 1)
            assert (await stream.next()).name == "version"
            assert (await client.delete(f"/v1/break-glass/{glass['id']}")).status_code == 204
            assert (await stream.next()).data == {"why": "closed"}
        async with follow(afar) as stream:
            assert stream.status == 404


async def test_one_person_follows_so_many_pages_and_is_told_so(
    live: FastAPI, follow: Follow, clinician_of_site: str, token: Tokens
) -> None:
    ending = asyncio.Event()
    begun: list[int] = []

    async def stay() -> None:
        async with follow(clinician_of_site) as stream:
            await stream.next()
            begun.append(stream.status)
            await ending.wait()

    async def are_there() -> bool:
        return len(begun) == 12

    staying = [asyncio.create_task(stay()) for _ in range(12)]
    await until(are_there)
    async with follow(clinician_of_site) as stream:
        assert (stream.status, stream.answer.headers["retry-after"]) == (429, "30")
        assert b"too-many-open" in await stream.answer.aread()
    async with follow(token("clinician", [THERE], subject="dr-other")) as stream:
        assert stream.status == 200, "each has their own"
    ending.set()
    await asyncio.gather(*staying)

    async def is_let_in() -> bool:
        async with follow(clinician_of_site) as stream:
            return stream.status == 200

    await until(is_let_in)


async def test_pages_that_one_person_opens_at_once_are_no_more_than_that(
    live: FastAPI, follow: Follow, clinician_of_site: str
) -> None:
    ending = asyncio.Event()
    answered: list[int] = []

    async def stay() -> None:
        async with follow(clinician_of_site) as stream:
            answered.append(stream.status)
            await ending.wait()

    async def are_answered() -> bool:
        return len(answered) == 20

    async with held(live) as connection:
        await connection.execute("LOCK TABLE patient_page")
        opening = [asyncio.create_task(stay()) for _ in range(20)]
        await until_waiting(live, 4)
    await until(are_answered)
    ending.set()
    await asyncio.gather(*opening)
    assert sorted(answered) == [200] * 12 + [429] * 8


async def test_no_page_is_called_live_while_the_database_cannot_be_looked_at(
    live: FastAPI, follow: Follow, clinician_of_site: str
) -> None:
    async with follow(clinician_of_site) as stream:
        await stream.next()
        await live.state.database.run("REVOKE SELECT ON patient_page FROM samepage_app")
        try:
            assert (await stream.next()).data == {"why": "again"}
        finally:
            await live.state.database.run("GRANT SELECT ON patient_page TO samepage_app")
