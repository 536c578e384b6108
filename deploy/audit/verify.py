"""Whether a service's audit is what it was: chains recomputed from their rows, and held against the signed heads.

Everything is read from one snapshot, through cursors: memory does not grow with the tables. What it cannot see: rows
that were changed before they were chained (a second), and a tail that was cut before it was signed (a minute).
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deploy.audit.book import Span, lines_checked
from deploy.audit.chain import PLACES, Fault, Finding, Walk
from shared.db import Connection, as_columns

_PREFETCH = 2000
_SPANS = 2000
# A row is on its chain a second after its transaction, and under a signature a minute later.
_LATE = timedelta(minutes=5)
# From recording a row to the end of its transaction, at the longest.
_LONGEST_TRANSACTION = timedelta(minutes=1)

# After a dump was restored into another server, the notary looks at every row once, wherever its cursor stands.
_OFF_CHAIN = """
SELECT audit.site_id, audit.number, now() - audit.recorded_at AS age,
       place.xid <= next AND (audit.xid < place.xid OR audit.xid >= next) AS is_out_of_reach
FROM audit LEFT JOIN audit_chain AS chain ON chain.site_id = audit.site_id AND chain.number = audit.number
CROSS JOIN (SELECT xid FROM notary_cursor WHERE name = 'chain') AS place
CROSS JOIN CAST(pg_snapshot_xmax(pg_current_snapshot())::text AS bigint) AS next
WHERE chain.number IS NULL ORDER BY audit.site_id, audit.number
"""
_OTHER_THAN_SIGNED = """
SELECT span.site_id, span.height, chain.hash AS found
FROM unnest($1::text[], $2::bigint[], $3::bytea[]) AS span (site_id, height, hash)
LEFT JOIN audit_chain AS chain ON chain.site_id = span.site_id AND chain.height = span.height
WHERE chain.hash IS DISTINCT FROM span.hash ORDER BY span.site_id, span.height
"""
_BACKDATED = """
SELECT span.site_id, chain.number, audit.recorded_at, span.since
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS span (site_id, above, height, since)
JOIN audit_chain AS chain
    ON chain.site_id = span.site_id AND chain.height > span.above AND chain.height <= span.height
JOIN audit ON audit.site_id = chain.site_id AND audit.number = chain.number
WHERE audit.recorded_at < span.since - $5::interval ORDER BY span.site_id, chain.number
"""
_UNSIGNED = """
SELECT chain.site_id, count(*) AS rows, min(audit.recorded_at) AS since
FROM audit_chain AS chain
JOIN audit ON audit.site_id = chain.site_id AND audit.number = chain.number
LEFT JOIN unnest($1::text[], $2::bigint[]) AS signed (site_id, height) ON signed.site_id = chain.site_id
WHERE chain.height > coalesce(signed.height, 0) AND audit.recorded_at < now() - $3::interval
GROUP BY chain.site_id ORDER BY chain.site_id
"""


@dataclass
class Verification:
    """One service's audit. Read `findings` to its end; the counts are right afterwards.

    `book` is the service's file of signed heads and `keys` those that may have signed it.
    """

    service: str
    dsn: str = field(repr=False)
    book: Path
    keys: Mapping[str, Ed25519PublicKey]
    rows: int = 0
    chains: int = 0
    waiting: int = 0
    lines: int = 0
    _cut: set[str] = field(default_factory=set)

    async def findings(self) -> AsyncIterator[Finding]:
        """Everything that is not as it was."""
        connection = await asyncpg.connect(self.dsn)
        try:
            # In this order: a line is in the book before it is counted, and on the chains before it is in the book.
            counted = await connection.fetchval("SELECT lines FROM notary_cursor WHERE name = 'chain'")
            end = self.book.stat().st_size if self.book.exists() else 0
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                async for finding in self._chains(connection):
                    yield finding
                async for finding in self._off_chain(connection):
                    yield finding
                async for finding in self._heads(connection, end, counted):
                    yield finding
        finally:
            await connection.close()

    async def _chains(self, connection: Connection) -> AsyncIterator[Finding]:
        walk = Walk(self.service)
        async for place in connection.cursor(PLACES, prefetch=_PREFETCH):
            for finding in walk.step(place):
                yield finding
        for finding in walk.end():
            yield finding
        self.chains, self.rows = walk.chains, walk.rows

    async def _off_chain(self, connection: Connection) -> AsyncIterator[Finding]:
        oldest = timedelta()
        async for row in connection.cursor(_OFF_CHAIN, prefetch=_PREFETCH):
            self.rows += 1
            if row["is_out_of_reach"]:
                yield self._found(row["site_id"], Fault.INSERTED, f"row {row['number']} stands beside the chain")
            else:
                self.waiting += 1
                oldest = max(oldest, row["age"])
        if oldest > _LATE:
            words = f"{self.waiting} rows wait for their chain, the oldest for {oldest}: is the worker running?"
            yield self._found("", Fault.LATE, words)

    async def _heads(self, connection: Connection, end: int, counted: int) -> AsyncIterator[Finding]:
        """The book itself, and the chains against every head that was ever signed."""
        signed: dict[str, Span] = {}
        spans: list[Span] = []
        for line in lines_checked(self.book, end, self.service, self.keys, signed):
            self.lines += 1
            for words in line.faults:
                yield self._found("", Fault.BOOK, words)
            spans += line.spans
            if len(spans) >= _SPANS:
                async for finding in self._against(connection, spans):
                    yield finding
                spans = []
        spans += [span.beyond() for span in signed.values()]
        async for finding in self._against(connection, spans):
            yield finding
        if self.lines < counted:
            yield self._found("", Fault.BOOK, f"ends at line {self.lines}; the database has seen {counted} lines")
        heights = [span.height for span in signed.values()]
        for row in await connection.fetch(_UNSIGNED, list(signed), heights, _LATE):
            words = f"{row['rows']} rows are under no signed head, the first from {_utc(row['since'])}"
            yield self._found(row["site_id"], Fault.LATE, words)

    async def _against(self, connection: Connection, spans: list[Span]) -> AsyncIterator[Finding]:
        signed = [span for span in spans if span.hash is not None]
        columns = [[span.site_id for span in signed], [span.height for span in signed], [span.hash for span in signed]]
        for row in await connection.fetch(_OTHER_THAN_SIGNED, *columns):
            site_id, height = row["site_id"], row["height"]
            if row["found"] is not None:
                yield self._found(site_id, Fault.REWRITTEN, f"height {height} is not the one whose head was signed")
            elif site_id not in self._cut:
                self._cut.add(site_id)
                yield self._found(site_id, Fault.CUT_OFF, f"height {height} was signed and is not there")
        places = [[span.site_id, span.above, span.height, span.since] for span in spans]
        async for row in connection.cursor(_BACKDATED, *as_columns(places, width=4), _LONGEST_TRANSACTION):
            words = f"row {row['number']} says {_utc(row['recorded_at'])}, and came after {_utc(row['since'])}"
            yield self._found(row["site_id"], Fault.INSERTED, words)

    def _found(self, site_id: str, fault: Fault, words: str) -> Finding:
        return Finding(self.service, site_id, fault, words)


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
