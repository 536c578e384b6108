"""Files that a site imports: in parts of some rows each, sealed, with how far they have come.

A part goes when its rows are in. What is sealed here is opened by the application's door only, which has the key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from shared.db import Connection, SiteScope, as_columns


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file: `kind` of rows, `stage` of its life, and what its rows have come to so far in this stage.

    `described` is its name and its columns, sealed.
    """

    import_id: UUID
    kind: str
    stage: str
    described: str
    made_by: str
    made_at: datetime
    moved_at: datetime
    rows: int = 0
    parts: int = 0
    next_part: int = 0
    accepted: int = 0
    unchanged: int = 0
    refused: int = 0


class Counted(NamedTuple):
    """What the rows of a part came to."""

    accepted: int
    unchanged: int
    refused: int


class Page(NamedTuple):
    """At most so many rows behind a line."""

    after: int
    most: int


class TriedRow(NamedTuple):
    """A row that a trial has taken: the patient or the visit that it is `about`, its line, and its part."""

    about: bytes
    line: int
    part: int


class RefusedRow(NamedTuple):
    """A row that was not taken, with why: its line, and the rest sealed."""

    line: int
    content: str


async def record_import(connection: Connection, site_id: str, file: ImportFile) -> None:
    """Add a file, of which no row is there yet."""
    await connection.execute(
        """
        INSERT INTO import_file (site_id, import_id, kind, stage, described, made_by, made_at, moved_at,
                                 rows, parts, next_part, accepted, unchanged, refused)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, 0, 0)
        """,
        site_id,
        file.import_id,
        file.kind,
        file.stage,
        file.described,
        file.made_by,
        file.made_at,
        file.moved_at,
    )


async def record_import_part(connection: Connection, site_id: str, import_id: UUID, rows: int, content: str) -> None:
    """Add the next rows of a file that arrives."""
    await connection.execute(
        """
        WITH file AS (
            UPDATE import_file SET rows = rows + $3, parts = parts + 1, moved_at = now()
            WHERE site_id = $1 AND import_id = $2 RETURNING parts
        )
        INSERT INTO import_part (site_id, import_id, number, content) SELECT $1, $2, parts - 1, $4 FROM file
        """,
        site_id,
        import_id,
        rows,
        content,
    )


async def record_import_stage(
    connection: Connection, site_id: str, import_id: UUID, stage: str, described: str | None = None
) -> None:
    """Begin a stage: its rows are looked at from the first one on, and what came of an earlier stage is forgotten."""
    await connection.execute("DELETE FROM import_refusal WHERE site_id = $1 AND import_id = $2", site_id, import_id)
    await record_rows_tried_gone(connection, site_id, import_id)
    await connection.execute(
        """
        UPDATE import_file SET stage = $3, next_part = 0, accepted = 0, unchanged = 0, refused = 0, moved_at = now(),
            described = coalesce($4, described)
        WHERE site_id = $1 AND import_id = $2
        """,
        site_id,
        import_id,
        stage,
        described,
    )


async def record_import_progress(
    connection: Connection, site_id: str, file: ImportFile, counted: Counted, refused: Sequence[RefusedRow]
) -> bool:
    """Say that the next part is done; False when somebody else has done it, or begun another stage, since."""
    status = await connection.execute(
        """
        UPDATE import_file SET next_part = next_part + 1, accepted = accepted + $5, unchanged = unchanged + $6,
            refused = refused + $7, moved_at = now()
        WHERE site_id = $1 AND import_id = $2 AND next_part = $3 AND stage = $4
        """,
        site_id,
        file.import_id,
        file.next_part,
        file.stage,
        *counted,
    )
    if refused and status != "UPDATE 0":
        await connection.execute(
            """
            INSERT INTO import_refusal (site_id, import_id, line, content)
            SELECT $1, $2, * FROM unnest($3::integer[], $4::text[])
            """,
            site_id,
            file.import_id,
            *as_columns(refused),
        )
    return status != "UPDATE 0"


async def record_rows_tried(connection: Connection, site_id: str, import_id: UUID, rows: Sequence[TriedRow]) -> None:
    """Remember which rows a trial has taken."""
    await connection.execute(
        """
        INSERT INTO import_tried (site_id, import_id, about, line, part)
        SELECT $1, $2, * FROM unnest($3::bytea[], $4::integer[], $5::integer[])
        """,
        site_id,
        import_id,
        *as_columns(rows, width=3),
    )


async def record_rows_tried_gone(connection: Connection, site_id: str, import_id: UUID) -> None:
    """Forget which rows a trial has taken."""
    await connection.execute("DELETE FROM import_tried WHERE site_id = $1 AND import_id = $2", site_id, import_id)


async def record_import_part_gone(connection: Connection, site_id: str, import_id: UUID, number: int) -> None:
    """Forget the rows of a part."""
    await connection.execute(
        "DELETE FROM import_part WHERE site_id = $1 AND import_id = $2 AND number = $3", site_id, import_id, number
    )


async def record_imports_gone(connection: Connection, site_id: str, before: datetime, cut_before: datetime) -> None:
    """Forget files that nothing has happened to since, and those whose arrival was cut off."""
    await connection.execute(
        """
        DELETE FROM import_file
        WHERE site_id = $1 AND (moved_at < $2 OR (stage = 'arriving' AND moved_at < $3))
        """,
        site_id,
        before,
        cut_before,
    )


async def record_import_gone(connection: Connection, site_id: str, import_id: UUID) -> None:
    """Forget a file, with all rows of it that are kept here."""
    await connection.execute("DELETE FROM import_file WHERE site_id = $1 AND import_id = $2", site_id, import_id)


async def import_file(connection: Connection, scope: SiteScope, import_id: UUID) -> ImportFile | None:
    """A file."""
    row = await connection.fetchrow(
        "SELECT * FROM import_file WHERE site_id = ANY($1) AND import_id = $2", scope.ids, import_id
    )
    return None if row is None else _file(row)


async def import_files(connection: Connection, scope: SiteScope, most: int) -> list[ImportFile]:
    """The newest files of a site that are here whole."""
    rows = await connection.fetch(
        """
        SELECT * FROM import_file WHERE site_id = ANY($1) AND stage <> 'arriving'
        ORDER BY made_at DESC, import_id LIMIT $2
        """,
        scope.ids,
        most,
    )
    return [_file(row) for row in rows]


async def next_import_part(connection: Connection, scope: SiteScope, import_id: UUID) -> tuple[ImportFile, str] | None:
    """A file and the rows, sealed, that are to be done next; None when all are."""
    row = await connection.fetchrow(
        """
        SELECT import_file.*, import_part.content FROM import_file
        JOIN import_part USING (site_id, import_id)
        WHERE site_id = ANY($1) AND import_id = $2 AND number = next_part
        """,
        scope.ids,
        import_id,
    )
    return None if row is None else (_file(row), row["content"])


async def import_part(connection: Connection, scope: SiteScope, import_id: UUID, number: int) -> str | None:
    """The rows of a part, sealed."""
    content: str | None = await connection.fetchval(
        "SELECT content FROM import_part WHERE site_id = ANY($1) AND import_id = $2 AND number = $3",
        scope.ids,
        import_id,
        number,
    )
    return content


async def rows_tried_about(
    connection: Connection, scope: SiteScope, import_id: UUID, about: Sequence[bytes], most: int
) -> list[TriedRow]:
    """The last rows of a file about each of these that its trial has taken, `most` of each."""
    rows = await connection.fetch(
        """
        SELECT tried.about, line, part FROM unnest($3::bytea[]) AS asked (about)
        CROSS JOIN LATERAL (
            SELECT * FROM import_tried
            WHERE site_id = ANY($1) AND import_id = $2 AND import_tried.about = asked.about
            ORDER BY line DESC LIMIT $4
        ) AS tried
        """,
        scope.ids,
        import_id,
        about,
        most,
    )
    return [TriedRow(bytes(row["about"]), row["line"], row["part"]) for row in rows]


async def refused_rows(connection: Connection, scope: SiteScope, import_id: UUID, page: Page) -> list[RefusedRow]:
    """Some refused rows of a file, in their order."""
    rows = await connection.fetch(
        """
        SELECT line, content FROM import_refusal WHERE site_id = ANY($1) AND import_id = $2 AND line > $3
        ORDER BY line LIMIT $4
        """,
        scope.ids,
        import_id,
        *page,
    )
    return [RefusedRow(row["line"], row["content"]) for row in rows]


async def rows_known_among(connection: Connection, scope: SiteScope, hashes: Sequence[bytes]) -> set[bytes]:
    """Those of these rows that an import has brought in before."""
    rows = await connection.fetch(
        "SELECT row_hash FROM import_known WHERE site_id = ANY($1) AND row_hash = ANY($2)", scope.ids, hashes
    )
    return {bytes(row["row_hash"]) for row in rows}


async def record_rows_known(connection: Connection, site_id: str, known: Sequence[tuple[bytes, UUID]]) -> None:
    """Remember rows that are in, each with its patient."""
    await connection.execute(
        """
        INSERT INTO import_known (site_id, row_hash, patient_id)
        SELECT $1, * FROM unnest($2::bytea[], $3::uuid[]) ON CONFLICT DO NOTHING
        """,
        site_id,
        *as_columns(known, width=2),
    )


def _file(row: asyncpg.Record) -> ImportFile:
    return ImportFile(**{name: row[name] for name in ImportFile.__slots__})
