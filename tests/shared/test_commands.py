"""Writes through a door of the tests' own: one answer a key, whole or not at all, whatever happens on the way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from shared.db import Connection, Pool, open_pool
from shared.errors import Problem, conflict
from shared.http import commands
from shared.http.access import SiteStaff
from shared.http.app import create_app
from shared.http.batch import Batch
from shared.http.commands import Command, IdempotencyKey, NamedSite, Together, execute, execute_together
from shared.http.ndjson import NDJSON
from shared.http.receipts import router as receipts
from shared.outbox import Draft, Recorded
from shared.settings import Limits, Platform, ServiceSettings
from tests.builders import a_visit
from tests.conftest import Tokens, client_of, new_key
from tests.shared.wire import Wire, wire_to
from tests.waiting import until

SITE, OTHER_SITE = "riverbend", "lakeside"
PATIENT = uuid4()
Item = dict[str, Any]
Written = tuple[list[int], int, int]


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    patient_id: UUID = PATIENT
    number: int = Field(ge=0)
    is_refused: bool = False


class Gate:
    """Lets notes through, or holds them after they were written."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.reached = 0
        self.together: Together[Note] | None = None

    async def are_both_queued(self) -> bool:
        return self.together is not None and self.together.group.queued == 2

    async def reached_by(self, writers: int) -> None:
        async def are_there() -> bool:
            return self.reached == writers

        await until(are_there)


def notes(gate: Gate, *, is_together: bool = False) -> APIRouter:
    """A door for notes, whose requests are written each in a transaction of its own or with those beside them."""
    router = APIRouter()

    async def record(connection: Connection, site_id: str, note: Note) -> Recorded:
        await connection.execute("INSERT INTO note (site_id, number) VALUES ($1, $2)", site_id, note.number)
        gate.reached += 1
        await gate.is_open.wait()
        if note.is_refused:
            raise conflict("refused", "This note is not wanted.")
        draft = Draft(site_id, str(note.patient_id), a_visit(patient_id=note.patient_id, visit_id=uuid4()))
        return Recorded(str(note.number), [draft])

    async def record_all(connection: Connection, items: Sequence[commands.Item[Note]]) -> list[Recorded | Problem]:
        wanted = [item for item in items if not item.body.is_refused]
        columns = [item.site_id for item in wanted], [item.body.number for item in wanted]
        await connection.execute("INSERT INTO note SELECT * FROM unnest($1::text[], $2::integer[])", *columns)
        gate.reached += 1
        await gate.is_open.wait()
        return [_result(item) for item in items]

    def locks(_site: str, note: Note) -> list[str]:
        return [str(note.patient_id)]

    command, together = Command[Note](locks, record), Together[Note](locks, record_all)
    gate.together = together

    async def answer(request: Request, body: Batch[Note], site_id: str, key: str) -> Response:
        if is_together:
            return await execute_together(request, together, body, site_id=site_id, key=key)
        return await execute(request, command, body, site_id=site_id, key=key)

    @router.post("/v1/notes", status_code=201)
    async def write(
        request: Request, body: Batch[Note], caller: SiteStaff, key: IdempotencyKey, site: NamedSite = None
    ) -> Response:
        return await answer(request, body, caller.writing_site(site), key)

    @router.post("/v1/other-notes", status_code=201)
    async def write_elsewhere(
        request: Request, body: Batch[Note], caller: SiteStaff, key: IdempotencyKey, site: NamedSite = None
    ) -> Response:
        return await answer(request, body, caller.writing_site(site), key)

    return router


def _result(item: commands.Item[Note]) -> Recorded | Problem:
    note = item.body
    if note.is_refused:
        return conflict("refused", "This note is not wanted.")
    visit = a_visit(patient_id=note.patient_id, visit_id=uuid4())
    return Recorded(str(note.number), [Draft(item.site_id, str(note.patient_id), visit)])


@pytest.fixture(params=[False, True], ids=["alone", "together"])
def is_together(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def pool(source_dsn: str) -> AsyncIterator[Pool]:
    """The database, past every wire."""
    async with open_pool(source_dsn, size=2) as pool:
        await pool.execute("CREATE TABLE note (site_id text, number integer)")
        yield pool


@pytest.fixture
async def wire(source_dsn: str) -> AsyncIterator[Wire]:
    async with wire_to(source_dsn) as wire:
        yield wire


@pytest.fixture
async def application(
    pool: Pool, wire: Wire, platform: Platform, gate: Gate, is_together: bool
) -> AsyncIterator[FastAPI]:
    settings = ServiceSettings(platform=platform, database_url=SecretStr(wire.dsn), limits=Limits(request_s=5))
    application = create_app("test", settings, [notes(gate, is_together=is_together), receipts])
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def client(application: FastAPI, token: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(application, token("system", [SITE, OTHER_SITE])) as client:
        client.headers["samepage-site"] = SITE
        yield client


async def post(
    client: httpx.AsyncClient, body: Item | list[Item], headers: dict[str, str], path: str = "/v1/notes"
) -> httpx.Response:
    return await client.post(path, json=body, headers=headers)


async def written(pool: Pool) -> Written:
    """The notes, and how many events and stored answers there are."""
    rows = await pool.fetch("SELECT number FROM note ORDER BY number")
    events = await pool.fetchval("SELECT count(*) FROM outbox")
    return [row["number"] for row in rows], events, await pool.fetchval("SELECT count(*) FROM idempotency")


async def test_a_key_that_comes_again_while_it_is_being_answered_gets_that_answer(
    client: httpx.AsyncClient, pool: Pool, gate: Gate
) -> None:
    key = new_key()
    gate.is_open.clear()
    repeats = [asyncio.create_task(post(client, {"number": 1}, key)) for _ in range(4)]
    await gate.reached_by(1)
    gate.is_open.set()
    answers = await asyncio.gather(*repeats)
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert sorted("idempotent-replayed" in answer.headers for answer in answers) == [False, True, True, True]
    assert await written(pool) == ([1], 1, 1)


async def test_a_key_with_another_request_is_a_conflict_also_while_the_first_is_under_way(
    client: httpx.AsyncClient, pool: Pool, gate: Gate
) -> None:
    key = new_key()
    gate.is_open.clear()
    first = asyncio.create_task(post(client, {"number": 1}, key))
    await gate.reached_by(1)
    others = [
        asyncio.create_task(post(client, {"number": 2, "patient_id": str(uuid4())}, key)),
        asyncio.create_task(post(client, {"number": 1}, key, "/v1/other-notes")),
        asyncio.create_task(post(client, [{"number": 1}], key)),
    ]
    gate.is_open.set()
    assert (await first).status_code == 201
    for answer in await asyncio.gather(*others):
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:key-reused")
    assert await written(pool) == ([1], 1, 1)


async def test_a_key_belongs_to_its_site(client: httpx.AsyncClient, pool: Pool) -> None:
    key = new_key()
    one = await post(client, {"number": 1}, key)
    other = await post(client, {"number": 2}, key | {"samepage-site": OTHER_SITE})
    assert (one.status_code, other.status_code) == (201, 201)
    assert await written(pool) == ([1, 2], 2, 2)


async def test_a_request_that_was_refused_leaves_nothing_and_its_key_is_free(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    key = new_key()
    assert (await post(client, {"number": 1, "is_refused": True}, key)).status_code == 409
    assert (await post(client, {"number": -1}, key)).status_code == 422
    assert await written(pool) == ([], 0, 0)
    assert (await post(client, {"number": 1}, key)).status_code == 201
    assert await written(pool) == ([1], 1, 1)


async def test_of_a_batch_the_good_items_stay_and_its_answer_is_the_same_for_ever(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    batch: list[Item] = [
        {"number": 1},
        {"number": 2, "is_refused": True},
        {"number": -3},
        {"number": 2**40},
        {"number": 5, "shoe_size": 43},
        {"number": 6},
    ]
    key = new_key()
    first, again = [await post(client, batch, key) for _ in range(2)]
    document = first.json()
    assert first.status_code == again.status_code == 200
    assert [item["status"] for item in document["items"]] == [201, 409, 422, 422, 422, 201]
    assert (document["accepted"], document["rejected"]) == (2, 4)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert await written(pool) == ([1, 6], 2, 1), "what a refused item wrote is undone"


async def test_what_is_neither_an_item_nor_items_is_refused(client: httpx.AsyncClient, pool: Pool) -> None:
    for body in ([], "words", 7, None, [{"number": 1}] * 1001):
        answer = await client.post("/v1/notes", json=body, headers=new_key())
        assert answer.status_code == 422, body
    answer = await client.post("/v1/notes", json=[[], "words"], headers=new_key())
    assert [item["status"] for item in answer.json()["items"]] == [422, 422]
    assert await written(pool) == ([], 0, 1)


async def test_a_line_of_ndjson_is_an_item_and_what_is_wrong_with_one_spoils_no_other(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    lines = (
        b'{"number": 1}\r\n\n{"number": 2, "is_refused": true}\n{"number"\n[]\n'
        b'{"number": 3, "number": 4}\n{"number": 5}'
    )
    key = new_key() | {"content-type": "application/x-ndjson; charset=utf-8"}
    first, again = [await client.post("/v1/notes", content=lines, headers=key) for _ in range(2)]
    assert first.status_code == 200, first.text
    assert [item["status"] for item in first.json()["items"]] == [201, 409, 422, 422, 400, 201]
    assert again.content == first.content
    assert await written(pool) == ([1, 5], 2, 1)
    one = await client.post("/v1/notes", content=b'{"number": 6}', headers=new_key() | {"content-type": NDJSON[1]})
    assert (one.status_code, one.json()["accepted"]) == (200, 1), "one line is many items of which there is one"


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        ("application/x-ndjson", b"", 422),
        ("application/x-ndjson", b"\n\n", 422),
        ("application/x-ndjson", b'{"number": 1}\n' * 1001, 422),
        ("text/plain", b'{"number": 1}', 415),
        ("", b'{"number": 1}', 415),
    ],
)
async def test_no_lines_too_many_and_lines_that_say_to_be_something_else_are_refused(
    client: httpx.AsyncClient, pool: Pool, media_type: str, body: bytes, status: int
) -> None:
    answer = await client.post("/v1/notes", content=body, headers=new_key() | {"content-type": media_type})
    assert answer.status_code == status, answer.text
    assert await written(pool) == ([], 0, 0)


async def test_while_the_database_is_away_nothing_is_accepted_and_the_same_key_works_when_it_is_back(
    client: httpx.AsyncClient, pool: Pool, wire: Wire
) -> None:
    key = new_key()
    wire.unplug()
    for _ in range(2):
        answer = await post(client, {"number": 1}, key)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["type"] == "urn:samepage:problem:not-available"
    assert (await client.get("/health/ready")).status_code == 503
    assert (await client.get("/health/live")).status_code == 200
    wire.plug()
    assert (await post(client, {"number": 1}, key)).status_code == 201
    assert (await client.get("/health/ready")).status_code == 200
    assert await written(pool) == ([1], 1, 1)


async def test_a_connection_that_is_lost_at_any_moment_of_a_write_leaves_it_done_or_not_and_never_half(
    client: httpx.AsyncClient, pool: Pool, wire: Wire, is_together: bool
) -> None:
    batch: list[Item] = [{"number": 1}, {"number": 2, "is_refused": True}, {"number": 3}]
    nothing: Written = ([], 0, 0)
    everything: Written = ([1, 3], 2, 1)
    for exchange in count(1):
        await pool.execute("DELETE FROM note; DELETE FROM outbox; DELETE FROM idempotency")
        key = new_key()
        wire.cut_at(exchange)
        answer = await post(client, batch, key)
        found = await written(pool)
        assert found == everything or (found == nothing and answer.status_code == 503), f"cut at exchange {exchange}"
        if not wire.was_cut:
            break
        again = await post(client, batch, key)
        assert [item["status"] for item in again.json()["items"]] == [201, 409, 201], f"cut at exchange {exchange}"
        assert await written(pool) == everything
    assert answer.status_code == 200
    assert exchange > (6 if is_together else 15), "locking, looking up, recording, storing and committing were all cut"


async def test_a_write_that_takes_too_long_is_undone_and_can_be_sent_again(
    client: httpx.AsyncClient, pool: Pool, source_dsn: str, platform: Platform, gate: Gate, token: Tokens
) -> None:
    hasty = create_app(
        "test",
        ServiceSettings(
            platform=platform, database_url=SecretStr(source_dsn), limits=Limits(request_s=0.5), pool_size=1
        ),
        [notes(gate)],
    )
    key = new_key()
    gate.is_open.clear()
    async with hasty.router.lifespan_context(hasty), client_of(hasty, token("system", [SITE])) as hasty_client:
        for _ in range(2):
            answer = await post(hasty_client, {"number": 1}, key)
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:samepage:problem:too-slow")
    assert gate.reached > 0, "it was cancelled after it had written"
    assert await written(pool) == ([], 0, 0)
    gate.is_open.set()
    assert (await post(client, {"number": 1}, key)).status_code == 201
    assert await written(pool) == ([1], 1, 1)


async def test_a_write_is_for_one_site_of_the_token(application: FastAPI, token: Tokens) -> None:
    for sites, named, status, kind in (
        ([SITE], None, 201, None),
        ([SITE], SITE, 201, None),
        ([SITE, OTHER_SITE], OTHER_SITE, 201, None),
        ([SITE, OTHER_SITE], None, 400, "urn:samepage:problem:site-required"),
        ([], None, 401, "urn:samepage:problem:unauthenticated"),
        ([SITE], OTHER_SITE, 404, "urn:samepage:problem:not-found"),
        ([], SITE, 401, "urn:samepage:problem:unauthenticated"),
    ):
        headers = new_key() | ({} if named is None else {"samepage-site": named})
        async with client_of(application, token("system", sites)) as client:
            answer = await post(client, {"number": 1}, headers)
        assert (answer.status_code, answer.json().get("type")) == (status, kind), (sites, named)


async def test_a_receipt_says_how_far_its_event_is_to_its_own_site_only(
    client: httpx.AsyncClient, application: FastAPI, pool: Pool, token: Tokens
) -> None:
    accepted = (await post(client, {"number": 1}, new_key())).json()
    path = f"/v1/receipts/{accepted['receipt']}"
    before = (await client.get(path)).json()
    assert (before["topic"], before["sequence"], before["is_published"]) == ("visit-updated", 1, False)
    await pool.execute("UPDATE relay_cursor SET (xid, position) = (SELECT xid, position FROM outbox)")
    assert (await client.get(path)).json() == before | {"is_published": True}
    async with client_of(application, token("system", ["hillcrest"])) as stranger:
        strange, absent = await stranger.get(path), await stranger.get(f"/v1/receipts/{uuid4()}")
    assert strange.status_code == absent.status_code == 404
    assert strange.content == absent.content


async def test_a_sequence_counts_the_facts_of_a_patient(client: httpx.AsyncClient, pool: Pool) -> None:
    for number in range(3):
        await post(client, [{"number": number}, {"number": number}], new_key())
    rows = await pool.fetch("SELECT sequence FROM outbox ORDER BY xid, position")
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("is_together", [True], indirect=True)
async def test_what_arrives_together_is_one_transaction_in_which_each_request_has_its_own_answer_and_trace(
    client: httpx.AsyncClient, pool: Pool, gate: Gate
) -> None:
    gate.is_open.clear()
    traces = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 8)]
    bodies: list[Item | list[Item]] = [
        {"number": 1},
        {"number": 2},
        {"number": 3},
        {"number": 4, "is_refused": True},
        [{"number": 5}, {"number": -1}],
        {"number": 2**40},
        {"number": 7},
    ]
    sent = []
    for trace, body in zip(traces, bodies, strict=True):
        for item in body if isinstance(body, list) else [body]:
            item["patient_id"] = str(uuid4())
        sent.append(asyncio.create_task(post(client, body, new_key() | {"traceparent": trace})))
        await gate.reached_by(1)
    gate.is_open.set()
    answers = await asyncio.gather(*sent)
    assert [answer.status_code for answer in answers] == [201, 201, 201, 409, 200, 422, 201]
    assert [item["status"] for item in answers[4].json()["items"]] == [201, 422]
    assert await written(pool) == ([1, 2, 3, 5, 7], 5, 5)
    rows = await pool.fetch("SELECT split_part(traceparent, '-', 2) AS trace FROM outbox ORDER BY trace")
    assert [int(row["trace"], 16) for row in rows] == [1, 2, 3, 5, 7]
    kinds = await pool.fetch("SELECT kind FROM audit WHERE method = 'POST' ORDER BY trace_id")
    assert [row["kind"] for row in kinds] == ["write", "write", "write", "refused", "write", "refused", "write"]


@pytest.mark.parametrize("is_together", [True], indirect=True)
async def test_requests_of_two_sites_that_arrive_together_stand_in_one_transaction_each_at_its_own_site(
    client: httpx.AsyncClient, pool: Pool, gate: Gate
) -> None:
    gate.is_open.clear()
    first = asyncio.create_task(post(client, {"number": 1, "patient_id": str(uuid4())}, new_key()))
    await gate.reached_by(1)
    key = new_key()
    others = [
        asyncio.create_task(post(client, {"number": n, "patient_id": str(uuid4())}, key | {"samepage-site": site}))
        for n, site in ((2, SITE), (3, OTHER_SITE))
    ]
    await until(gate.are_both_queued)
    gate.is_open.set()
    answers = await asyncio.gather(first, *others)
    assert [answer.status_code for answer in answers] == [201] * 3
    rows = await pool.fetch("SELECT array_agg(site_id ORDER BY site_id) AS sites FROM outbox GROUP BY xid")
    assert sorted(row["sites"] for row in rows) == sorted([[SITE], sorted([SITE, OTHER_SITE])])
    stored = await pool.fetch("SELECT site_id FROM idempotency GROUP BY site_id, key HAVING count(*) = 1")
    assert len(stored) == 3


async def test_what_fails_for_another_reason_than_the_audit_is_not_said_to_be_off_the_record(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await pool.execute("ALTER TABLE outbox_head RENAME TO away")
    answer = await post(client, {"number": 1}, new_key())
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:samepage:problem:unexpected")
    await pool.execute("ALTER TABLE away RENAME TO outbox_head")
    assert await written(pool) == ([], 0, 0)
    assert (await post(client, {"number": 1}, new_key())).status_code == 201
