"""How a write is done, in every service: one request, one transaction, one answer that can be asked for again.

Order matters: the locks come first (they take no transaction id, and the relay's order rests on that), then the
stored answer of the idempotency key is looked up, then each item is recorded, then events, audit and answer are written
together, then the transaction commits, and only then does the caller hear of it.

Requests of one kind that arrive together may share a transaction (`Together`): each has its own answer, and none of
them can spoil another's.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Generic, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from fastapi import Header, Request, Response
from pydantic import BaseModel

from shared.audit import Act, Entry, Kind
from shared.auth import Caller
from shared.db import Connection, Lockable, Pool, SiteScope, savepoint, transaction
from shared.errors import Problem
from shared.group_commit import GroupCommit, GroupSettings, GroupWork
from shared.http import problems
from shared.http.batch import Batch, T
from shared.http.conclusion import StoredAnswer, conclude, stored_answers
from shared.http.media import media_type_of
from shared.http.ndjson import NDJSON
from shared.http.problems import ProblemDocument
from shared.http.record import ids_of, kind_of, trail_of
from shared.keyring import KeyRing
from shared.outbox import Draft, Recorded
from shared.telemetry import current_trace

IdempotencyKey = Annotated[
    str,
    Header(alias="Idempotency-Key", min_length=8, max_length=200, description="Same key, same answer: repeat at will"),
]
NamedSite = Annotated[
    str | None, Header(alias="Samepage-Site", description="The site written for, when the token is for several")
]


class Accepted(BaseModel):
    """One item that is durably recorded. `receipt` can be looked up and waited for; null when nothing changed."""

    status: int
    id: str
    receipt: UUID | None


class Rejected(BaseModel):
    status: int
    problem: ProblemDocument


class BatchAnswer(BaseModel):
    """What became of each item, in the order sent."""

    accepted: int
    rejected: int
    items: list[Accepted | Rejected]


MANY: dict[int | str, dict[str, Any]] = {200: {"model": BatchAnswer, "description": "Many items: a result for each"}}


class Item(NamedTuple, Generic[T]):
    """One item of a request: who sends it, and for which site."""

    caller: Caller
    site_id: str
    body: T


Result: TypeAlias = Recorded | Problem
RecordAll: TypeAlias = Callable[[Connection, Sequence[Item[T]]], Awaitable[Sequence[Result]]]
"""Records well-formed items in their order; each comes to a result of its own."""


@dataclass(frozen=True)
class Command(Generic[T]):
    """A kind of write: the patients (or other things of the site) to lock for it, and how one item is recorded.

    `record` raises a `Problem` for an item that cannot be recorded; what it wrote for that item is undone. `status`
    answers a single item that was recorded. `about` is the patient where not each item names one as `patient_id`.
    """

    locks: Callable[[str, T], Iterable[str]]
    record: Callable[[Connection, str, T], Awaitable[Recorded]]
    status: int = 201
    about: UUID | None = None


async def execute(request: Request, command: Command[T], batch: Batch[T], *, site_id: str, key: str | None) -> Response:
    """Do a write. A batch answers 200 with a result for each item, a single item the command's status or its problem.

    Each item is on record with what became of it, the refused ones too, in the same transaction.

    Raises:
        Problem: 409 when the key was used for another request; the problem of a single item.
    """
    asked = await _asked(request, command, batch, site_id=site_id, key=key)
    async with transaction(pool_of(request), SiteScope.of(site_id), locks=asked.locks) as connection:
        (answered,) = await _answer_all(partial(_one_by_one, command), connection, [asked])
    return _response(request, answered)


class Together(Generic[T]):
    """Requests of one kind, for one application: those that arrive together are written in one transaction.

    `record` gets items of several requests, no two of which share anything that `locks` names, as in a `Command`.
    """

    status = 201
    about: UUID | None = None

    def __init__(
        self, locks: Callable[[str, T], Iterable[str]], record: RecordAll[T], settings: GroupSettings | None = None
    ) -> None:
        self.locks = locks
        self.group = GroupCommit(
            GroupWork[Asked[T], Answered](
                keys=lambda asked: asked.locks,
                scope=lambda asked: SiteScope.of(asked.site_id),
                write=partial(_answer_all, record),
                write_apart=partial(_answer_all, partial(_apart, record)),
            ),
            settings,
        )


async def execute_together(
    request: Request, command: Together[T], batch: Batch[T], *, site_id: str, key: str | None
) -> Response:
    """The same in one transaction with what arrives beside it.

    Raises:
        Problem: as `execute` does; 503 when too much is waiting.
    """
    asked = await _asked(request, command, batch, site_id=site_id, key=key)
    return _response(request, await command.group.submit(pool_of(request), asked))


class _Kept(NamedTuple):
    """A request as it is remembered: in hashes, for a client may have put a patient's number into its key.

    A site's staff and systems share their keys, since one may go on where another stopped; a patient's are their own.
    """

    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A request to write: who asks, for which site, what to hold for it, and under which key its answer is kept."""

    caller: Caller
    act: Act
    traceparent: str | None
    site_id: str
    batch: Batch[T]
    locks: frozenset[Lockable]
    kept: _Kept | None
    status: int
    about: UUID | None

    def patient_of(self, item: T) -> UUID | None:
        return self.about or getattr(item, "patient_id", None)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request came to: an answer, or the problem of its single item, with what goes on record of it."""

    status: int
    body: bytes
    entries: Sequence[Entry]
    drafts: Sequence[Draft] = ()
    refusal: Problem | None = None
    is_repeated: bool = False


async def _asked(
    request: Request, command: Command[T] | Together[T], batch: Batch[T], *, site_id: str, key: str | None
) -> Asked[T]:
    if batch.is_lines and media_type_of(request) not in NDJSON:
        raise Problem(415, "not-json", f"Send application/json, or {NDJSON[0]} with an item a line.")
    if batch.is_single and isinstance(batch.items[0], Problem):
        raise batch.items[0]
    kept = None if key is None else await _kept(request, key)
    locks: set[Lockable] = {(site_id, name) for item in batch.valid for name in command.locks(site_id, item)}
    if kept is not None:
        locks.add((site_id, f"idempotency:{kept.key}"))
    return Asked(
        caller=caller_of(request),
        act=trail_of(request).act,
        traceparent=current_trace(),
        site_id=site_id,
        batch=batch,
        locks=frozenset(locks),
        kept=kept,
        status=command.status,
        about=command.about,
    )


def _response(request: Request, answered: Answered) -> Response:
    """The answer, after the commit."""
    trail = trail_of(request)
    if answered.refusal is not None:
        raise trail.kept(answered.refusal) if answered.entries else answered.refusal
    trail.is_kept = True
    headers = {"idempotent-replayed": "true"} if answered.is_repeated else None
    return Response(answered.body, status_code=answered.status, media_type="application/json", headers=headers)


async def _answer_all(record: RecordAll[T], connection: Connection, asked: Sequence[Asked[T]]) -> list[Answered]:
    """Answer requests that hold their locks, in one transaction; the caller commits."""
    stored = await stored_answers(connection, [(one.site_id, one.kept.key) for one in asked if one.kept is not None])
    repeated = [_repeated(one, stored) for one in asked]
    new = [one for one, answer in zip(asked, repeated, strict=True) if answer is None]
    items = [Item(one.caller, one.site_id, body) for one in new for body in one.batch.valid]
    results = iter(await record(connection, items) if items else ())
    answered = [answer or _answer(one, results) for one, answer in zip(asked, repeated, strict=True)]
    await conclude(
        connection,
        [draft for answer in answered for draft in answer.drafts],
        [(one.act, entry) for one, answer in zip(asked, answered, strict=True) for entry in answer.entries],
        [
            StoredAnswer(one.site_id, *one.kept, answer.status, answer.body)
            for one, answer in zip(asked, answered, strict=True)
            if one.kept is not None and answer.refusal is None and not answer.is_repeated
        ],
    )
    return answered


def _repeated(asked: Asked[T], stored: dict[tuple[str, str], asyncpg.Record]) -> Answered | None:
    """The answer of a request that was answered before; None for a new one."""
    if asked.kept is None or (row := stored.get((asked.site_id, asked.kept.key))) is None:
        return None
    if row["request_hash"] != asked.kept.request_hash:
        reused = Problem(409, "key-reused", "This Idempotency-Key was used for another request. Take a new key.")
        return Answered(409, b"", [], refusal=reused)
    entries = [Entry(asked.site_id, Kind.REPEATED, row["status"], asked.patient_of(item)) for item in asked.batch.valid]
    return Answered(row["status"], row["answer"], entries, is_repeated=True)


def _answer(asked: Asked[T], results: Iterator[Result]) -> Answered:
    """What a new request came to; `results` yields those of its well-formed items next."""
    batch = asked.batch
    came_to = [item if isinstance(item, Problem) else next(results) for item in batch.items]
    entries = [
        _entry(asked, item, result)
        for item, result in zip(batch.items, came_to, strict=True)
        if not isinstance(item, Problem)
    ]
    drafts = [
        replace(draft, traceparent=asked.traceparent)
        for result in came_to
        if isinstance(result, Recorded)
        for draft in result.drafts
    ]
    if not batch.is_single:
        rejected = sum(isinstance(result, Problem) for result in came_to)
        items = [_described(result, asked.status) for result in came_to]
        body = orjson.dumps({"accepted": len(items) - rejected, "rejected": rejected, "items": items})
        return Answered(200, body, entries, drafts)
    (result,) = came_to
    if isinstance(result, Problem):
        return Answered(result.status, b"", entries, refusal=result)
    return Answered(asked.status, orjson.dumps(_described(result, asked.status)), entries, drafts)


def _entry(asked: Asked[T], item: T, result: Result) -> Entry:
    """What goes on record for an item; one that is not well formed looked nothing up and leaves nothing."""
    if isinstance(result, Problem):
        named = result.extra.get("patient_id")
        patient = UUID(named) if named else asked.patient_of(item)
        return Entry(asked.site_id, kind_of(result), result.status, patient, asked=ids_of(item))
    patient = next((draft.patient_id for draft in result.drafts), asked.patient_of(item))
    return Entry(asked.site_id, Kind.WRITE, asked.status, patient, result.receipt)


def _described(result: Result, status: int) -> dict[str, Any]:
    if isinstance(result, Problem):
        return {"status": result.status, "problem": problems.document(result)}
    return {"status": status, "id": result.id, "receipt": result.receipt, **result.told}


async def _one_by_one(command: Command[T], connection: Connection, items: Sequence[Item[T]]) -> list[Result]:
    """Each item under a savepoint of its own."""
    return [await by_itself(connection, partial(command.record, connection, item.site_id, item.body)) for item in items]


async def _apart(record: RecordAll[T], connection: Connection, items: Sequence[Item[T]]) -> list[Result]:
    """The same with what records many."""

    async def record_one(item: Item[T]) -> Result:
        (result,) = await record(connection, [item])
        return result

    return [await by_itself(connection, partial(record_one, item)) for item in items]


async def by_itself(connection: Connection, record: Callable[[], Awaitable[Result]]) -> Result:
    """Record one item of many: where it cannot be, what it wrote is undone, and nothing else."""
    try:
        async with savepoint(connection):
            return await record()
    except Problem as problem:
        return problem
    except asyncpg.DataError:
        return Problem(422, "invalid", "A value of this item cannot be stored: a NUL character, or out of range.")


async def _kept(request: Request, key: str) -> _Kept:
    content = f"{request.method} {request.scope['path']}\n".encode() + await request.body()
    patient_id = caller_of(request).patient_id
    own = key if patient_id is None else f"{patient_id}\n{key}"
    return _Kept(hashlib.sha256(own.encode()).hexdigest(), hmac.digest(key.encode(), content, "sha256"))


def pool_of(request: Request) -> Pool:
    """The pool that the application opened at its start."""
    pool: Pool = request.app.state.pool
    return pool


def caller_of(request: Request) -> Caller:
    """Who is asking; the edge has verified it."""
    caller: Caller = request.state.caller
    return caller


def ring_of(request: Request) -> KeyRing:
    """The key ring of a service that reads words."""
    ring: KeyRing = request.app.state.keyring
    return ring
