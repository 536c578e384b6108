"""How a write is done, in every service: one request, one transaction, one answer that can be asked for again.

Order matters: the locks come first (they take no transaction id, and the relay's order rests on that), then the
stored answer of the idempotency key is looked up, then each item is recorded under a savepoint, then all events go to
the outbox together with the answer, then the transaction commits, and only then does the caller hear of it.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple
from uuid import UUID

import asyncpg
import orjson
from fastapi import Header, Request, Response
from pydantic import BaseModel

from shared import outbox
from shared.audit import Entry, Kind
from shared.auth import Caller
from shared.db import Connection, Pool, SiteScope, lock, savepoint, transaction
from shared.errors import Problem
from shared.http import problems
from shared.http.batch import Batch, T
from shared.http.problems import ProblemDocument
from shared.http.record import DENIALS, ids_of, trail_of
from shared.keyring import KeyRing
from shared.outbox import Recorded

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
    kept, trail = None if key is None else await _kept(request, key), trail_of(request)
    locks = {(site_id, name) for item in batch.valid for name in command.locks(site_id, item)}
    if kept is not None:
        locks.add((site_id, f"idempotency:{kept.key}"))
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        await lock(connection, locks)
        if kept is not None and (stored := await _stored_answer(connection, site_id, kept)):
            repeated = [Entry(site_id, Kind.REPEATED, stored.status_code, _patient(command, i)) for i in batch.valid]
            await trail.keep(connection, repeated)
            return stored
        results = await _record_all(connection, command, batch, site_id)
        await trail.keep(connection, _entries(command, batch, results, site_id))
        refusal = results[0] if batch.is_single and isinstance(results[0], Problem) else None
        if refusal is None:
            status, body = _answer(batch, results, command.status)
            if kept is not None:
                await _store_answer(connection, site_id, kept, status, body)
    if refusal is not None:
        trail.is_refusal_kept = True
        raise refusal
    return Response(body, status_code=status, media_type="application/json")


async def _record_all(
    connection: Connection, command: Command[T], batch: Batch[T], site_id: str
) -> list[Recorded | Problem]:
    results: list[Recorded | Problem] = [
        item if isinstance(item, Problem) else await _record(connection, command, site_id, item) for item in batch.items
    ]
    drafts = [draft for result in results if isinstance(result, Recorded) for draft in result.drafts]
    if drafts:
        await outbox.add(connection, drafts)
    return results


async def _record(connection: Connection, command: Command[T], site_id: str, item: T) -> Recorded | Problem:
    try:
        async with savepoint(connection):
            return await command.record(connection, site_id, item)
    except Problem as problem:
        return problem
    except asyncpg.DataError:
        return Problem(422, "invalid", "A value of this item cannot be stored: a NUL character, or out of range.")


def _entries(command: Command[T], batch: Batch[T], results: Sequence[Recorded | Problem], site_id: str) -> list[Entry]:
    """What goes on record for each item; an item that is not well formed looked nothing up and leaves nothing."""
    entries = []
    for item, result in zip(batch.items, results, strict=True):
        if isinstance(item, Problem):
            continue
        if isinstance(result, Problem):
            kind = Kind.DENIED if result.status in DENIALS else Kind.REFUSED
            named = result.extra.get("patient_id")
            patient = UUID(named) if named else _patient(command, item)
            entries.append(Entry(site_id, kind, result.status, patient, asked=ids_of(item)))
        else:
            patient = next((draft.patient_id for draft in result.drafts), _patient(command, item))
            entries.append(Entry(site_id, Kind.WRITE, command.status, patient, result.receipt))
    return entries


def _patient(command: Command[T], item: T) -> UUID | None:
    return command.about or getattr(item, "patient_id", None)


def _answer(batch: Batch[Any], results: Sequence[Recorded | Problem], status: int) -> tuple[int, bytes]:
    items = [
        {"status": result.status, "problem": problems.document(result)}
        if isinstance(result, Problem)
        else {"status": status, "id": result.id, "receipt": result.receipt}
        for result in results
    ]
    if batch.is_single:
        return status, orjson.dumps(items[0])
    rejected = sum(isinstance(result, Problem) for result in results)
    return 200, orjson.dumps({"accepted": len(items) - rejected, "rejected": rejected, "items": items})


class _Kept(NamedTuple):
    """A request as it is remembered: in hashes, for a client may have put a patient's number into its key.

    A site's staff and systems share their keys, since one may go on where another stopped; a patient's are their own.
    """

    key: str
    request_hash: bytes


async def _kept(request: Request, key: str) -> _Kept:
    digest = hmac.new(key.encode(), f"{request.method} {request.url.path}\n".encode(), hashlib.sha256)
    digest.update(await request.body())
    patient_id = caller_of(request).patient_id
    own = key if patient_id is None else f"{patient_id}\n{key}"
    return _Kept(hashlib.sha256(own.encode()).hexdigest(), digest.digest())


async def _stored_answer(connection: Connection, site_id: str, kept: _Kept) -> Response | None:
    row = await connection.fetchrow(
        "SELECT request_hash, status, answer FROM idempotency WHERE site_id = $1 AND key = $2", site_id, kept.key
    )
    if row is None:
        return None
    if row["request_hash"] != kept.request_hash:
        raise Problem(409, "key-reused", "This Idempotency-Key was used for another request. Take a new key.")
    return Response(
        row["answer"], status_code=row["status"], media_type="application/json", headers={"idempotent-replayed": "true"}
    )


async def _store_answer(connection: Connection, site_id: str, kept: _Kept, status: int, answer: bytes) -> None:
    await connection.execute(
        "INSERT INTO idempotency (site_id, key, request_hash, status, answer) VALUES ($1, $2, $3, $4, $5)",
        site_id,
        *kept,
        status,
        answer,
    )


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
