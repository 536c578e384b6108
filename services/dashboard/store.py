"""Every statement of the dashboard."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.dashboard.domain import BrokenGlass, GlassReason, GlassTry, GlassUse
from shared.db import Connection, SiteScope
from shared.events import SITE_UPDATED, DashboardViewed, Event, SiteUpdated, ViewContext, ViewerRole

# Events that the read model shows, by topic: each stream reaches as far as its highest sequence.
ACCOUNT = f"""
    SELECT key AS name, sum((value ->> 'sequence')::bigint)::bigint AS n
    FROM patient_page, jsonb_each(facts -> 'sources') GROUP BY key
    UNION ALL SELECT '{SITE_UPDATED.name}', coalesce(sum(sequence), 0)::bigint FROM site
"""


class PatientKey(NamedTuple):
    site_id: str
    patient_id: UUID


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page as it was assembled: JSON bytes, words sealed, with the digest that is its ETag."""

    site_id: str
    time_zone: str
    content: bytes
    version: str

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


async def hold_facts(
    connection: Connection, patients: Collection[PatientKey], empty: Mapping[str, Any]
) -> dict[PatientKey, dict[str, Any]]:
    """The facts of these patients, their rows held until the transaction ends; a new patient's are `empty`."""
    ordered = sorted(patients)
    sites, ids = [key.site_id for key in ordered], [key.patient_id for key in ordered]
    await connection.execute(
        """
        INSERT INTO patient_page (site_id, patient_id, facts, page, version)
        SELECT site_id, patient_id, $3::jsonb, '', '' FROM unnest($1::text[], $2::uuid[]) AS p (site_id, patient_id)
        ON CONFLICT DO NOTHING
        """,
        sites,
        ids,
        orjson.dumps(empty).decode(),
    )
    rows = await connection.fetch(
        """
        SELECT site_id, patient_id, facts FROM patient_page
        WHERE (site_id, patient_id) IN (SELECT * FROM unnest($1::text[], $2::uuid[]))
        ORDER BY site_id, patient_id FOR UPDATE
        """,
        sites,
        ids,
    )
    return {PatientKey(row["site_id"], row["patient_id"]): orjson.loads(row["facts"]) for row in rows}


async def record_pages(
    connection: Connection, pages: Sequence[tuple[PatientKey, Mapping[str, Any], bytes, str]]
) -> None:
    """Replace facts, page and version of patients whose rows are held."""
    await connection.executemany(
        "UPDATE patient_page SET facts = $3, page = $4, version = $5 WHERE site_id = $1 AND patient_id = $2",
        [(*key, orjson.dumps(facts).decode(), page, version) for key, facts, page, version in pages],
    )


async def record_sites(connection: Connection, events: Sequence[Event]) -> None:
    """Insert or change sites; an older fact never replaces a newer one."""
    await connection.executemany(
        """
        INSERT INTO site (site_id, name, time_zone, sequence) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site_id) DO UPDATE SET name = $2, time_zone = $3, sequence = $4 WHERE site.sequence < $4
        """,
        [
            (event.site_id, event.body.name, event.body.time_zone, event.sequence)
            for event in events
            if isinstance(event.body, SiteUpdated)
        ],
    )


async def page(connection: Connection, scope: SiteScope, patient_id: UUID) -> StoredPage | None:
    """A patient's page as it was last assembled."""
    row = await connection.fetchrow(
        """
        SELECT patient_page.site_id, coalesce(site.time_zone, 'UTC') AS time_zone, page, version
        FROM patient_page LEFT JOIN site USING (site_id)
        WHERE patient_page.site_id = ANY($1) AND patient_id = $2
        """,
        scope.ids,
        patient_id,
    )
    return None if row is None else StoredPage(row["site_id"], row["time_zone"], row["page"], row["version"])


class Home(NamedTuple):
    """The site that a patient's page is of, and its time zone."""

    site_id: str
    time_zone: str


async def home_of(connection: Connection, scope: SiteScope, patient_id: UUID) -> Home | None:
    """Where a patient's page is; None when there is none."""
    row = await connection.fetchrow(
        """
        SELECT patient_page.site_id, coalesce(site.time_zone, 'UTC') AS time_zone
        FROM patient_page LEFT JOIN site USING (site_id) WHERE patient_page.site_id = ANY($1) AND patient_id = $2
        """,
        scope.ids,
        patient_id,
    )
    return None if row is None else Home(row["site_id"], row["time_zone"])


async def looks(
    connection: Connection, scope: SiteScope, patient_id: UUID, before: datetime, most: int
) -> list[asyncpg.Record]:
    """What the audit says of readers of this patient's data and of exports about them, the newest first."""
    return await connection.fetch(
        """
        SELECT recorded_at, role, subject, purpose, route FROM audit
        WHERE site_id = ANY($1) AND patient_id = $2 AND kind IN ('read', 'export') AND recorded_at < $3
        ORDER BY recorded_at DESC LIMIT $4
        """,
        scope.ids,
        patient_id,
        before,
        most,
    )


async def record_view(connection: Connection, site_id: str, subject: str, view: DashboardViewed) -> None:
    """Keep that somebody looked."""
    await connection.execute(
        """
        INSERT INTO view (site_id, view_id, patient_id, visit_id, subject, role, context, is_shared_screen, opened_at,
                          duration_ms, panels)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        site_id,
        view.view_id,
        view.patient_id,
        view.visit_id,
        subject,
        view.role,
        view.context,
        view.is_shared_screen,
        view.opened_at,
        view.duration_ms,
        list(view.panels),
    )


async def view_of(connection: Connection, scope: SiteScope, subject: str, view_id: UUID) -> DashboardViewed | None:
    """A look of this person, as far as its length is known."""
    row = await connection.fetchrow(
        "SELECT * FROM view WHERE site_id = ANY($1) AND view_id = $2 AND subject = $3", scope.ids, view_id, subject
    )
    if row is None:
        return None
    return DashboardViewed(
        view_id=view_id,
        patient_id=row["patient_id"],
        visit_id=row["visit_id"],
        role=ViewerRole(row["role"]),
        context=ViewContext(row["context"]),
        is_shared_screen=row["is_shared_screen"],
        panels=tuple(row["panels"]),
        opened_at=row["opened_at"],
        duration_ms=row["duration_ms"],
    )


async def lengthen_view(connection: Connection, site_id: str, view: DashboardViewed) -> None:
    """Keep that somebody looked longer, and at what."""
    await connection.execute(
        "UPDATE view SET duration_ms = $3, panels = $4 WHERE site_id = $1 AND view_id = $2",
        site_id,
        view.view_id,
        view.duration_ms,
        list(view.panels),
    )


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


async def glass_to(connection: Connection, scope: SiteScope, patient_id: UUID, most: int) -> list[BrokenGlass]:
    """The glass that was broken to a patient, the latest first."""
    rows = await connection.fetch(
        "SELECT * FROM broken_glass WHERE site_id = ANY($1) AND patient_id = $2 ORDER BY broken_at DESC LIMIT $3",
        scope.ids,
        patient_id,
        most,
    )
    return [_glass(row) for row in rows]


async def glass_uses(connection: Connection, scope: SiteScope, before: datetime, most: int) -> list[GlassUse]:
    """The glass that was broken to patients of these sites, with the looks through it, the latest first."""
    rows = await connection.fetch(
        """
        SELECT broken_glass.*, coalesce(site.time_zone, 'UTC') AS time_zone,
               (SELECT count(*) FROM audit
                WHERE audit.site_id = broken_glass.site_id AND audit.patient_id = broken_glass.patient_id
                AND kind = 'read' AND 'glass_id=' || glass_id = ANY (asked)) AS looks
        FROM broken_glass LEFT JOIN site USING (site_id)
        WHERE broken_glass.site_id = ANY($1) AND broken_at < $2 ORDER BY broken_at DESC LIMIT $3
        """,
        scope.ids,
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
