"""Who did what with whose data: rows that are only ever added, in every service.

Guarantee: a write and its rows are committed together, and a read's row before its answer (`shared.http.record`). A
row names people by pseudonym, and ids and outcomes; never content. Afterwards `shared.notary` puts each row on the
chain of its site, in the one form that `canonical` gives it.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import structlog

from shared.db import Connection
from shared.errors import Problem
from shared.telemetry import AUDIT_FAILURES

_log = structlog.get_logger()
# Stands for the site of what belongs to no one site: figures of the network. No site can be called so.
NETWORK = "-"
COLUMNS = (
    "site_id",
    "number",
    "xid",
    "recorded_at",
    "subject",
    "role",
    "kind",
    "purpose",
    "patient_id",
    "method",
    "route",
    "status",
    "request_id",
    "trace_id",
    "event_id",
    "asked",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What it came to. `repeated`: a write asked for again and answered from what is stored. `refused`: does not fit
    what is recorded. `denied`: wrong role, wrong site, or nobody the caller may know.
    """

    READ = "read"
    WRITE = "write"
    REPEATED = "repeated"
    REFUSED = "refused"
    DENIED = "denied"
    EXPORT = "export"


class Purpose(StrEnum):
    """Why somebody looks or writes."""

    CARE = "care"
    OWN_RECORD = "own-record"
    NETWORK_FIGURES = "network-figures"
    BREAK_GLASS = "break-glass"
    DISCLOSURE = "disclosure"


@dataclass(frozen=True, slots=True)
class Act:
    """One request or command: who, in which role, why and by which route. All its rows share this."""

    subject: str
    role: str
    purpose: Purpose
    method: str
    route: str
    request_id: str
    trace_id: str


def act_of_program(subject: str, role: str, purpose: Purpose, *, method: str, route: str) -> Act:
    """An act that nobody asked for over HTTP: `method` is `CLI` for a command, `JOB` for a worker's own work."""
    return Act(subject, role, purpose, method, route, uuid4().hex, secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Entry:
    """What an act came to for one patient: one row.

    `asked` are ids as `name=id`: those that a refusal was asked for, or by which somebody of another site came.
    """

    site_id: str
    kind: Kind
    status: int
    patient_id: UUID | None = None
    event_id: UUID | None = None
    asked: Sequence[str] = ()


_WRITTEN = {
    "site_id": "text",
    "subject": "text",
    "role": "text",
    "kind": "text",
    "purpose": "text",
    "patient_id": "uuid",
    "method": "text",
    "route": "text",
    "status": "smallint",
    "request_id": "text",
    "trace_id": "text",
    "event_id": "uuid",
    "asked": "text",
}


def insert(first: int) -> str:
    """An INSERT of any number of rows, whose parameters are the columns of `columns_of`, from the `first` on."""
    names = ", ".join(_WRITTEN)
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_WRITTEN.values(), start=first))
    values = names.replace("asked", "string_to_array(asked, ' ')")
    return f"INSERT INTO audit ({names}) SELECT {values} FROM unnest({arrays}) AS row ({names})"


def columns_of(rows: Sequence[tuple[Act, Entry]]) -> list[Sequence[object]]:
    """The rows as `insert` takes them. No id holds a space."""
    return [
        [entry.site_id for _, entry in rows],
        [act.subject for act, _ in rows],
        [act.role for act, _ in rows],
        [entry.kind for _, entry in rows],
        [act.purpose for act, _ in rows],
        [entry.patient_id for _, entry in rows],
        [act.method for act, _ in rows],
        [act.route for act, _ in rows],
        [entry.status for _, entry in rows],
        [act.request_id for act, _ in rows],
        [act.trace_id for act, _ in rows],
        [entry.event_id for _, entry in rows],
        [" ".join(entry.asked) for _, entry in rows],
    ]


_INSERT = insert(1)


async def record(connection: Connection, act: Act, entries: Sequence[Entry]) -> None:
    """Add the rows of an act; the caller commits.

    Raises:
        Problem: 503; what cannot be put on record is neither shown nor done.
    """
    with recording(act.route):
        await connection.execute(_INSERT, *columns_of([(act, entry) for entry in entries]))


@contextmanager
def recording(route: str) -> Iterator[None]:
    """Around a statement that adds rows, among other things.

    Raises:
        Problem: 503; what cannot be put on record is neither shown nor done. Other failures are passed on.
    """
    try:
        yield
    except asyncpg.PostgresError as failure:
        if "audit" not in str(failure):  # the table's name, or its sequence's
            raise
        AUDIT_FAILURES.inc()
        _log.error("not on record", failure=type(failure).__name__, route=route)
        raise unrecorded() from None


def unrecorded() -> Problem:
    """The one answer when the audit cannot be written."""
    return Problem(
        503,
        "not-on-record",
        "This cannot be put on record now, so nothing is shown and nothing is done. Send it again later.",
        headers={"retry-after": "1"},
    )


def canonical(row: asyncpg.Record) -> bytes:
    """A row as it is hashed: a JSON array of its values in the order of `COLUMNS`, without spaces, in UTF-8.

    Strings as RFC 8785 writes them, ids in lower case with hyphens, times as whole microseconds since 1970 in UTC,
    what is missing as null.
    """
    return orjson.dumps([_plain(row[name]) for name in COLUMNS])


def row_hash(row: asyncpg.Record) -> bytes:
    """SHA-256 of the canonical row."""
    return hashlib.sha256(canonical(row)).digest()


def link(previous: bytes, of_row: bytes) -> bytes:
    """The next hash of a chain: SHA-256 over the hash before it and the row's own."""
    return hashlib.sha256(previous + of_row).digest()


def first_link(service: str, site_id: str) -> bytes:
    """What the first row of a chain follows: it names whose chain this is."""
    return hashlib.sha256(f"samepage audit v1\n{service}\n{site_id}".encode()).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    return str(value) if isinstance(value, UUID) else value
