"""The notary: puts a service's audit rows on the chains of their sites, and has the heads signed.

Guarantee: every committed row gets one place on its site's chain, and no place ever changes.
- Requests only insert rows: no row waits for another, and no head is contended for.
- One notary a service chains (a session advisory lock on its own connection); a second one waits, and measures
  meanwhile for how long rows have been waiting: nobody else might.
- It takes whatever is committed and not on a chain yet. A transaction that ends late is met late; the order of a
  chain is the order in which rows were seen, for one patient the order of commits.
- So that it need not look at all rows, it looks only at transactions from a cursor on. The cursor moves no further
  than `pg_snapshot_xmin`: every older transaction has ended, and its rows were seen. A long transaction anywhere in
  the server holds the cursor back, but no row.
- After a dump was restored into another server, whose transaction ids are lower, it looks once at every row, page by
  page: one statement over all of them would take longer the longer the audit is, and end in the command's time-out.
- The heads that moved are signed every minute and when the worker stops (`shared.heads`).

It never ends its worker: rows that wait are safe where they are, only not yet under a chain, and metrics say so.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg
import structlog

from shared.audit import COLUMNS, first_link, link, row_hash
from shared.db import RETRYABLE, Connection, sole_owner
from shared.heads import Book, Head
from shared.telemetry import AUDIT_OLDEST_WAITING, AUDIT_SIGNED_AT, AUDIT_WAITING

_log = structlog.get_logger()
_OWNER_LOCK = 7_264_002
_LAST_WORDS_S = 5.0

_PLACE = """
SELECT xid, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS fence,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next, clock_timestamp() AS at
FROM notary_cursor WHERE name = 'chain'
"""
# Each row is looked up by itself, so that no page costs more than its rows, however many are on a chain.
_READ = f"""
SELECT {", ".join(f"audit.{name}" for name in COLUMNS)}
FROM audit LEFT JOIN LATERAL (
    SELECT true AS is_there FROM audit_chain AS chain
    WHERE chain.site_id = audit.site_id AND chain.number = audit.number LIMIT 1
) AS place ON true
WHERE (audit.xid, audit.number) > ($1, $2) AND (audit.xid, audit.number) <= ($3, $4) AND place.is_there IS NULL
ORDER BY audit.xid, audit.number LIMIT $5
"""
_END_OF_PAGE = "SELECT xid, number FROM audit WHERE (xid, number) > ($1, $2) ORDER BY xid, number OFFSET $3 LIMIT 1"
_HEADS = """
SELECT site, height, hash FROM unnest($1::text[]) AS site CROSS JOIN LATERAL
    (SELECT height, hash FROM audit_chain WHERE site_id = site ORDER BY height DESC LIMIT 1) AS head
"""
_EXTEND = """
WITH moved AS (UPDATE notary_cursor SET xid = $1 WHERE name = 'chain')
INSERT INTO audit_chain (site_id, height, number, row_hash, hash)
SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[])
"""
# Each site once, by stepping from one to the next in the key.
_SITES = """
WITH RECURSIVE step (site) AS (
    SELECT min(site_id) FROM audit_chain
    UNION ALL SELECT (SELECT min(site_id) FROM audit_chain WHERE site_id > site) FROM step WHERE site IS NOT NULL
) SELECT site FROM step WHERE site IS NOT NULL
"""
_LAST = 2**63 - 1
_BEFORE_ALL, _BEHIND_ALL = (-1, _LAST), (_LAST, _LAST)


class Link(NamedTuple):
    """A row's place on the chain of its site."""

    site_id: str
    height: int
    number: int
    row_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Pass:
    """What one look chained: the heads that moved. `is_last`: nothing is left that was committed before `at`."""

    heads: Mapping[str, Head]
    at: datetime
    is_last: bool


@dataclass(frozen=True, slots=True)
class NotarySettings:
    """`poll_s` is the wait when all is chained, `sign_s` the time between two lines, `retry_s` after a failure."""

    batch: int = 1000
    poll_s: float = 1.0
    sign_s: float = 60.0
    retry_s: float = 5.0


async def extend(connection: Connection, service: str, *, batch: int = 1000) -> Pass:
    """Chain up to `batch` rows that are committed and not on a chain; nothing else may chain meanwhile.

    After a dump was restored into another server it is all of them, looked for in pages of `batch` rows.
    """
    place = await _place(connection)
    if place["xid"] > place["next"]:
        return await _extend_restored(connection, service, place, page=batch)
    rows = await _waiting(connection, service, place, batch)
    is_last = len(rows) < batch
    # Everything older than the last row of a full batch was in it.
    seen = place["fence"] if is_last else min(place["fence"], rows[-1]["xid"])
    heads = await _chain(connection, service, rows, seen) if rows else {}
    return Pass(heads, place["at"], is_last)


async def _extend_restored(connection: Connection, service: str, place: asyncpg.Record, *, page: int) -> Pass:
    """Chain every row that is not on a chain. The cursor moves at the end: only then all were looked at.

    What is committed behind a page that was read is of a transaction that the cursor leaves to the next look.
    """
    heads: dict[str, Head] = {}
    after = _BEFORE_ALL
    while after != _BEHIND_ALL:
        end = await connection.fetchrow(_END_OF_PAGE, *after, page - 1)
        upto = _BEHIND_ALL if end is None else (end["xid"], end["number"])
        rows = await connection.fetch(_READ, *after, *upto, None)
        _measure(service, place, rows)
        if rows:
            heads |= await _chain(connection, service, rows, place["xid"])
        after = upto
    await _chain(connection, service, [], place["fence"])
    return Pass(heads, place["at"], is_last=True)


async def _place(connection: Connection) -> asyncpg.Record:
    place = await connection.fetchrow(_PLACE)
    if place is None:
        raise RuntimeError("notary_cursor has no row 'chain': run the migrations")
    return place


async def _waiting(connection: Connection, service: str, place: asyncpg.Record, batch: int) -> Sequence[asyncpg.Record]:
    """Rows from the cursor on that are committed and not on a chain, and the metrics of them."""
    rows = await connection.fetch(_READ, place["xid"] - 1, _LAST, place["next"] - 1, _LAST, batch)
    _measure(service, place, rows)
    return rows


def _measure(service: str, place: asyncpg.Record, rows: Sequence[asyncpg.Record]) -> None:
    AUDIT_WAITING.labels(service).set(len(rows))
    oldest = min((row["recorded_at"] for row in rows), default=place["at"])
    AUDIT_OLDEST_WAITING.labels(service).set(max((place["at"] - oldest).total_seconds(), 0))


async def _chain(connection: Connection, service: str, rows: Sequence[asyncpg.Record], seen: int) -> Mapping[str, Head]:
    """Put these rows on their chains and the cursor at `seen`; the heads that moved."""
    links = links_of(rows, await heads_of(connection, {row["site_id"] for row in rows}), service)
    columns = [[made[field] for made in links] for field in range(len(Link._fields))]
    await connection.execute(_EXTEND, seen, *columns)
    return {made.site_id: Head(made.height, made.hash) for made in links}


async def heads_of(connection: Connection, sites: set[str]) -> dict[str, Head]:
    """Where the chains of these sites stand; a site without a row has none."""
    return {row["site"]: Head(row["height"], row["hash"]) for row in await connection.fetch(_HEADS, sorted(sites))}


def links_of(rows: Sequence[asyncpg.Record], heads: Mapping[str, Head], service: str) -> list[Link]:
    """The places of these rows, in their order, behind these heads."""
    at = dict(heads)
    links = []
    for row in rows:
        site_id = row["site_id"]
        head = at.get(site_id) or Head(0, first_link(service, site_id))
        own = row_hash(row)
        at[site_id] = Head(head.height + 1, link(head.hash, own))
        links.append(Link(site_id, head.height + 1, row["number"], own, at[site_id].hash))
    return links


class Notary:
    """The notary of one service. `run` ends by being cancelled only, and then signs what it has."""

    def __init__(self, service: str, dsn: str, book: Book | None, settings: NotarySettings | None = None) -> None:
        self._service = service
        self._dsn = dsn
        self._book = book
        self._settings = settings or NotarySettings()
        self._unsigned: dict[str, Head] = {}
        self._signed_at = -math.inf

    async def run(self) -> None:
        """Own the chains and extend them; on any failure wait a little and begin again."""
        AUDIT_SIGNED_AT.labels(self._service).set(0)
        if self._book is None:
            _log.warning("heads of the audit are not signed: set SAMEPAGE_AUDIT_KEY_FILE and SAMEPAGE_AUDIT_FOLDER")
        while True:
            try:
                async with sole_owner(self._dsn, _OWNER_LOCK, "notary", self._look_on) as connection:
                    await self._watch(connection)
            except (asyncpg.PostgresError, *RETRYABLE) as failure:
                _log.error("audit rows wait for their chain", failure=type(failure).__name__)
                await asyncio.sleep(self._settings.retry_s)

    async def _look_on(self, connection: Connection) -> None:
        """Measure what waits for the notary that owns the chains."""
        await _waiting(connection, self._service, await _place(connection), self._settings.batch)

    async def _watch(self, connection: Connection) -> None:
        self._unsigned = await heads_of(connection, {row["site"] for row in await connection.fetch(_SITES)})
        try:
            while True:
                if await self._extend(connection):
                    await asyncio.sleep(self._settings.poll_s)
        except asyncio.CancelledError:
            with contextlib.suppress(asyncpg.PostgresError, *RETRYABLE):
                async with asyncio.timeout(_LAST_WORDS_S):
                    self._signed_at = -math.inf
                    while not await self._extend(connection):
                        pass
            raise

    async def _extend(self, connection: Connection) -> bool:
        """One look, and a line in the book when it is time; whether nothing was left."""
        done = await extend(connection, self._service, batch=self._settings.batch)
        self._unsigned |= done.heads
        if done.is_last and time.monotonic() - self._signed_at >= self._settings.sign_s:
            await self._sign(connection, done.at)
        return done.is_last

    async def _sign(self, connection: Connection, until: datetime) -> None:
        if self._book is None:
            return
        if self._unsigned:
            try:
                lines = await asyncio.to_thread(self._book.sign, self._unsigned, until)
            except (OSError, ValueError, LookupError, TypeError) as failure:  # or the book's last line is none
                _log.error("heads of the audit cannot be signed", failure=type(failure).__name__)
                return
            await connection.execute("UPDATE notary_cursor SET lines = $1 WHERE name = 'chain'", lines)
            self._unsigned = {}
        self._signed_at = time.monotonic()
        AUDIT_SIGNED_AT.labels(self._service).set(time.time())
