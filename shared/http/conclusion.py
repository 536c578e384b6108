"""How a transaction that a request began ends: its events, who did it, and the answer that can be asked for again.

One statement for all three, and for any number of requests that are written together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from shared import audit, outbox
from shared.audit import Act, Entry
from shared.db import Connection, as_columns
from shared.outbox import Draft

_FIRST_OF_AUDIT = len(outbox.columns_of([])) + 1
_FIRST_OF_ANSWERS = _FIRST_OF_AUDIT + len(audit.columns_of([]))
_CONCLUDE = f"""
WITH on_record AS ({audit.insert(_FIRST_OF_AUDIT)}), answered AS (
    INSERT INTO idempotency (site_id, key, request_hash, status, answer)
    SELECT * FROM unnest({
    ", ".join(
        f"${number}::{kind}[]"
        for number, kind in enumerate(("text", "text", "bytea", "smallint", "bytea"), start=_FIRST_OF_ANSWERS)
    )
})
)
{outbox.ADD}
"""


class StoredAnswer(NamedTuple):
    """What was answered to a request, under its key and with its hash (`shared.http.commands`)."""

    site_id: str
    key: str
    request_hash: bytes
    status: int
    body: bytes


async def conclude(
    connection: Connection,
    drafts: Sequence[Draft],
    rows: Sequence[tuple[Act, Entry]],
    answers: Sequence[StoredAnswer] = (),
) -> None:
    """Record events, rows of the audit and answers. The caller holds the lock of every key and commits.

    Raises:
        Problem: 503; what cannot be put on record is neither shown nor done.
    """
    if not (drafts or rows or answers):
        return
    kept = as_columns(answers, width=len(StoredAnswer._fields))
    with audit.recording(rows[0][0].route if rows else ""):
        await connection.execute(_CONCLUDE, *outbox.columns_of(drafts), *audit.columns_of(rows), *kept)
    outbox.count(drafts)


async def stored_answers(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], asyncpg.Record]:
    """What was answered under these keys, each with its site: `request_hash`, `status` and `answer`."""
    if not keys:
        return {}
    rows = await connection.fetch(
        """
        SELECT site_id, key, request_hash, status, answer
        FROM unnest($1::text[], $2::text[]) AS asked (site_id, key) CROSS JOIN LATERAL (
            SELECT request_hash, status, answer FROM idempotency
            WHERE (idempotency.site_id, idempotency.key) = (asked.site_id, asked.key) LIMIT 1
        ) AS stored
        """,
        *as_columns(keys),
    )
    return {(row["site_id"], row["key"]): row for row in rows}
