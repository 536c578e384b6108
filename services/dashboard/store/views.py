"""Who looked: as the audit says it, and as it is published."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.db import Connection, SiteScope, as_columns
from shared.events import DashboardViewed, ViewContext, ViewerRole


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
        )
        for site_id, subject, view in looks
    ]
    await connection.execute(
        """
        INSERT INTO view (site_id, view_id, patient_id, visit_id, subject, role, context, is_shared_screen, opened_at,
                          duration_ms, panels)
        SELECT site_id, view_id, patient_id, visit_id, subject, role, context, is_shared_screen, opened_at,
               duration_ms, string_to_array(panels, ' ')
        FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::boolean[],
                    $9::timestamptz[], $10::integer[], $11::text[])
            AS look (site_id, view_id, patient_id, visit_id, subject, role, context, is_shared_screen, opened_at,
                     duration_ms, panels)
        """,
        *as_columns(rows),
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
