"""Broken glass, at the patient's site; who tried to break it, at their own."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import asyncpg

from services.dashboard.domain import BrokenGlass, GlassReason, GlassTry, GlassUse
from shared.db import Connection, SiteScope


async def record_glass(connection: Connection, glass: BrokenGlass) -> None:
    """Keep at the patient's site that the glass was broken."""
    await connection.execute(
        """
        INSERT INTO broken_glass (site_id, glass_id, patient_id, subject, of_sites, reason, words, broken_at, until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        glass.site_id,
        glass.glass_id,
        glass.patient_id,
        glass.subject,
        list(glass.of_sites),
        glass.reason,
        glass.words,
        glass.broken_at,
        glass.until,
    )


async def record_glass_ended(connection: Connection, glass: BrokenGlass, by: str, at: datetime) -> None:
    """Close broken glass before its time; what is closed stays as it is."""
    await connection.execute(
        """
        UPDATE broken_glass SET ended_at = $3, ended_by = $4
        WHERE site_id = $1 AND glass_id = $2 AND ended_at IS NULL AND until > $3
        """,
        glass.site_id,
        glass.glass_id,
        at,
        by,
    )


async def record_glass_reviewed(connection: Connection, glass: BrokenGlass, by: str, at: datetime) -> None:
    """Keep who looked into it; the first who did stays."""
    await connection.execute(
        """
        UPDATE broken_glass SET reviewed_at = $3, reviewed_by = $4
        WHERE site_id = $1 AND glass_id = $2 AND reviewed_at IS NULL
        """,
        glass.site_id,
        glass.glass_id,
        at,
        by,
    )


async def glass(connection: Connection, scope: SiteScope, glass_id: UUID) -> BrokenGlass | None:
    """Broken glass of a patient of these sites, by its id."""
    row = await connection.fetchrow(
        "SELECT * FROM broken_glass WHERE site_id = ANY($1) AND glass_id = $2", scope.ids, glass_id
    )
    return None if row is None else _glass(row)


async def open_glass_to(
    connection: Connection, scope: SiteScope, patients: Collection[UUID], now: datetime
) -> list[BrokenGlass]:
    """The glass to these patients that is open now, the latest first: it closes by itself, or is ended early."""
    rows = await connection.fetch(
        """
        SELECT * FROM broken_glass
        WHERE site_id = ANY($1) AND patient_id = ANY($2) AND ended_at IS NULL AND until > $3 ORDER BY broken_at DESC
        """,
        scope.ids,
        list(patients),
        now,
    )
    return [_glass(row) for row in rows]


async def glass_open_among(
    connection: Connection, scope: SiteScope, glass: Collection[UUID], now: datetime
) -> set[UUID]:
    """Which of these are open still."""
    rows = await connection.fetch(
        """
        SELECT glass_id FROM broken_glass
        WHERE site_id = ANY($1) AND glass_id = ANY($2) AND ended_at IS NULL AND until > $3
        """,
        scope.ids,
        list(glass),
        now,
    )
    return {row["glass_id"] for row in rows}


async def glass_uses(
    connection: Connection, scope: SiteScope, since: datetime, before: datetime | None, most: int
) -> list[GlassUse]:
    """The glass that was broken to patients of these sites, with the looks through it, the latest first."""
    rows = await connection.fetch(
        """
        SELECT broken_glass.*, coalesce(site.time_zone, 'UTC') AS time_zone,
               (SELECT count(*) FROM audit
                WHERE audit.site_id = broken_glass.site_id AND audit.patient_id = broken_glass.patient_id
                AND kind = 'read' AND 'glass_id=' || glass_id = ANY (asked)) AS looks
        FROM broken_glass LEFT JOIN site USING (site_id)
        WHERE broken_glass.site_id = ANY($1) AND broken_at > $2 AND broken_at < coalesce($3, 'infinity'::timestamptz)
        ORDER BY broken_at DESC LIMIT $4
        """,
        scope.ids,
        since,
        before,
        most,
    )
    return [GlassUse(_glass(row), row["looks"], row["time_zone"]) for row in rows]


async def record_glass_try(connection: Connection, tried: GlassTry) -> None:
    """Keep that somebody tried to break the glass, at their own site."""
    await connection.execute(
        """
        INSERT INTO glass_try (site_id, try_id, subject, tried_at, at_site, patient_id, glass_id)
        VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, $6)
        """,
        tried.site_id,
        tried.subject,
        tried.tried_at,
        tried.at_site,
        tried.patient_id,
        tried.glass_id,
    )


async def glass_tries(connection: Connection, scope: SiteScope, subject: str, most: int) -> list[datetime]:
    """When somebody of these sites last tried, the newest first."""
    rows = await connection.fetch(
        "SELECT tried_at FROM glass_try WHERE site_id = ANY($1) AND subject = $2 ORDER BY tried_at DESC LIMIT $3",
        scope.ids,
        subject,
        most,
    )
    return [row["tried_at"] for row in rows]


async def site_behind_glass(connection: Connection, scope: SiteScope, subject: str, patient_id: UUID) -> str | None:
    """Where somebody of these sites last broke the glass to a patient. Whether it is open, only that site says."""
    site_id: str | None = await connection.fetchval(
        """
        SELECT at_site FROM glass_try
        WHERE site_id = ANY($1) AND subject = $2 AND patient_id = $3 AND glass_id IS NOT NULL
        ORDER BY tried_at DESC LIMIT 1
        """,
        scope.ids,
        subject,
        patient_id,
    )
    return site_id


async def site_of_glass(connection: Connection, scope: SiteScope, subject: str, glass_id: UUID) -> str | None:
    """Where the glass is that somebody of these sites broke."""
    site_id: str | None = await connection.fetchval(
        "SELECT at_site FROM glass_try WHERE site_id = ANY($1) AND subject = $2 AND glass_id = $3 LIMIT 1",
        scope.ids,
        subject,
        glass_id,
    )
    return site_id


def _glass(row: asyncpg.Record) -> BrokenGlass:
    return BrokenGlass(
        glass_id=row["glass_id"],
        site_id=row["site_id"],
        patient_id=row["patient_id"],
        subject=row["subject"],
        of_sites=tuple(row["of_sites"]),
        reason=GlassReason(row["reason"]),
        words=row["words"],
        broken_at=row["broken_at"],
        until=row["until"],
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
        reviewed_at=row["reviewed_at"],
        reviewed_by=row["reviewed_by"],
    )
