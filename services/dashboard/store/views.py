"""Who looked, and until when: as the audit says it, and as it is published."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from shared.db import Connection, SiteScope, as_columns
from shared.events import DashboardViewed, ViewContext, ViewEnd, ViewerRole
from shared.sealing import Patient


async def looks(
    connection: Connection, scope: SiteScope, patient_id: UUID, before: datetime | None, most: int
) -> list[asyncpg.Record]:
    """What the audit says of readers of this patient's data and of exports about them, the newest first."""
    return await connection.fetch(
        """
        SELECT recorded_at, role, subject, purpose, route FROM audit
        WHERE site_id = ANY($1) AND patient_id = $2 AND kind IN ('read', 'export')
        AND recorded_at < coalesce($3, 'infinity'::timestamptz)
        ORDER BY recorded_at DESC LIMIT $4
        """,
        scope.ids,
        patient_id,
        before,
        most,
    )


async def record_views(connection: Connection, looks: Sequence[tuple[str, str, DashboardViewed]]) -> None:
    """Keep that somebody looked: each look with the site of the page and the subject who did."""
    rows = [
        (
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
            " ".join(view.panels),
            view.closed_by,
        )
        for site_id, subject, view in looks
    ]
    await connection.execute(
        """
        INSERT INTO view (site_id, view_id, patient_id, visit_id, subject, role, context, is_shared_screen, opened_at,
                          duration_ms, panels, closed_by)
        SELECT site_id, view_id, patient_id, visit_id, subject, role, context, is_shared_screen, opened_at,
               duration_ms, string_to_array(panels, ' '), closed_by
        FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::boolean[],
                    $9::timestamptz[], $10::integer[], $11::text[], $12::text[])
            AS look (site_id, view_id, patient_id, visit_id, subject, role, context, is_shared_screen, opened_at,
                     duration_ms, panels, closed_by)
        """,
        *as_columns(rows),
    )


async def view_of(connection: Connection, scope: SiteScope, subject: str, view_id: UUID) -> DashboardViewed | None:
    """A look of this person, as far as its length is known."""
    row = await connection.fetchrow(
        "SELECT * FROM view WHERE site_id = ANY($1) AND view_id = $2 AND subject = $3", scope.ids, view_id, subject
    )
    return None if row is None else _viewed(row)


class Same(NamedTuple):
    """What makes a look the same as one before, opened since then: it is the one on the screen; or it is the one just
    left, or was heard of since `heard_since`, and is of the same place in care. Of what `is_unchanged` nothing is
    shown, whatever the place.
    """

    site_id: str
    subject: str
    view: DashboardViewed
    opened_since: datetime
    on_screen: UUID | None = None
    just_left: UUID | None = None
    heard_since: datetime | None = None
    is_unchanged: bool = False


_GO_ON = """
    WITH found AS (
        SELECT look.number, look.asked_at, before.*
        FROM unnest($1::integer[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[],
                    $8::boolean[], $9::timestamptz[], $10::timestamptz[], $11::uuid[], $12::uuid[],
                    $13::timestamptz[], $14::boolean[])
            AS look (number, site_id, patient_id, subject, role, context, visit_id, is_shared_screen, asked_at,
                     opened_since, on_screen, just_left, heard_since, is_unchanged)
        CROSS JOIN LATERAL (
            SELECT * FROM view
            WHERE view.site_id = look.site_id AND view.site_id = ANY($15) AND view.patient_id = look.patient_id
            AND view.subject = look.subject AND view.role = look.role AND view.opened_at > look.opened_since
            AND (
                view.view_id = look.on_screen
                OR (
                    (view.view_id = look.just_left OR coalesce(heard_at, view.opened_at) > look.heard_since)
                    AND view.is_shared_screen = look.is_shared_screen
                    AND (
                        look.is_unchanged
                        OR (view.context = look.context AND view.visit_id IS NOT DISTINCT FROM look.visit_id)
                    )
                )
            )
            ORDER BY view.view_id = look.on_screen DESC NULLS LAST, view.view_id = look.just_left DESC NULLS LAST,
                     view.opened_at DESC
            LIMIT 1
        ) AS before
    ), heard AS (
        UPDATE view SET heard_at = found.asked_at FROM found
        WHERE view.site_id = found.site_id AND view.view_id = found.view_id
    )
    SELECT * FROM found
"""


async def record_views_gone_on(
    connection: Connection, scope: SiteScope, looks: Sequence[Same]
) -> dict[int, DashboardViewed]:
    """The earlier look that one of these is part of, by its place among them, is heard of; a new one has none."""
    rows = [
        (
            number,
            one.site_id,
            one.view.patient_id,
            one.subject,
            one.view.role,
            one.view.context,
            one.view.visit_id,
            one.view.is_shared_screen,
            one.view.opened_at,
            one.opened_since,
            one.on_screen,
            one.just_left,
            one.heard_since,
            one.is_unchanged,
        )
        for number, one in enumerate(looks)
    ]
    found = await connection.fetch(_GO_ON, *as_columns(rows), scope.ids)
    return {row["number"]: _viewed(row) for row in found}


async def silent_views_of_all_sites(connection: Connection, before: datetime, most: int) -> list[Patient]:
    """Whose pages were heard of before then, the longest open first, without a word of when that ended."""
    rows = await connection.fetch(
        """
        SELECT site_id, patient_id FROM view
        WHERE closed_by IS NULL AND opened_at < $1 AND coalesce(heard_at, opened_at) < $1
        ORDER BY opened_at LIMIT $2
        """,
        before,
        most,
    )
    return [Patient(row["site_id"], row["patient_id"]) for row in rows]


async def record_views_timed_out(
    connection: Connection, patients: Collection[Patient], before: datetime
) -> list[tuple[str, DashboardViewed]]:
    """Close the silent views of these patients, who are held; each with its site."""
    rows = await connection.fetch(
        """
        UPDATE view SET closed_by = $4
        FROM unnest($1::text[], $2::uuid[]) AS held (site_id, patient_id)
        WHERE view.site_id = held.site_id AND view.patient_id = held.patient_id
        AND closed_by IS NULL AND coalesce(heard_at, opened_at) < $3
        RETURNING view.site_id, view_id, view.patient_id, visit_id, role, context, is_shared_screen, panels, opened_at,
                  duration_ms, closed_by
        """,
        *as_columns(patients),
        before,
        ViewEnd.TIMEOUT,
    )
    return [(row["site_id"], _viewed(row)) for row in rows]


def _viewed(row: asyncpg.Record) -> DashboardViewed:
    return DashboardViewed(
        view_id=row["view_id"],
        patient_id=row["patient_id"],
        visit_id=row["visit_id"],
        role=ViewerRole(row["role"]),
        context=ViewContext(row["context"]),
        is_shared_screen=row["is_shared_screen"],
        panels=tuple(row["panels"]),
        opened_at=row["opened_at"],
        duration_ms=row["duration_ms"],
        closed_by=None if row["closed_by"] is None else ViewEnd(row["closed_by"]),
    )


async def lengthen_view(connection: Connection, site_id: str, view: DashboardViewed, heard_at: datetime) -> None:
    """Keep that somebody looked longer, and at what."""
    await connection.execute(
        """
        UPDATE view SET duration_ms = $3, panels = $4, closed_by = $5, heard_at = $6
        WHERE site_id = $1 AND view_id = $2
        """,
        site_id,
        view.view_id,
        view.duration_ms,
        list(view.panels),
        view.closed_by,
        heard_at,
    )
