"""The list of coming visits, each with how far its link has come."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.intake.domain import DeliveryState
from shared.db import Connection, SiteScope
from shared.events import VisitState


class VisitWithLink(NamedTuple):
    """A visit of the list, with what its link has come to. `delivery` is the latest message that was not stopped."""

    site_id: str
    visit_id: UUID
    patient_id: UUID
    clinician_id: str
    scheduled_at: datetime
    state: VisitState
    has_survey: bool
    has_link: bool
    opened_at: datetime | None
    delivery: DeliveryState | None
    wants_messages: bool


async def visits_with_links(
    connection: Connection, scope: SiteScope, begins: datetime, ends: datetime | None
) -> list[VisitWithLink]:
    """The visits from `begins` up to `ends`, or all that come, in their order, each with how its link stands."""
    rows = await connection.fetch(
        """
        SELECT visit.site_id, visit.visit_id, visit.patient_id, clinician_id, scheduled_at, visit.state,
               survey.visit_id IS NOT NULL AS has_survey, coalesce(has_link, false), opened_at,
               latest.state AS delivery, coalesce(wants_messages, true)
        FROM visit
        LEFT JOIN survey ON (survey.site_id, survey.visit_id) = (visit.site_id, visit.visit_id)
             AND survey.change <> 'entered-in-error'
        LEFT JOIN contact ON (contact.site_id, contact.patient_id) = (visit.site_id, visit.patient_id)
        LEFT JOIN LATERAL (
            SELECT true AS has_link, max(opened_at) AS opened_at FROM visit_link
            WHERE (visit_link.site_id, visit_link.visit_id) = (visit.site_id, visit.visit_id) AND revoked_at IS NULL
            HAVING count(*) > 0
        ) AS links ON true
        LEFT JOIN LATERAL (
            SELECT link_delivery.state FROM link_delivery
            WHERE (link_delivery.site_id, link_delivery.visit_id) = (visit.site_id, visit.visit_id)
            AND link_delivery.state <> 'stopped'
            ORDER BY ended_at DESC NULLS LAST, due_at LIMIT 1
        ) AS latest ON true
        WHERE visit.site_id = ANY($1) AND scheduled_at >= $2 AND ($3::timestamptz IS NULL OR scheduled_at < $3)
        ORDER BY scheduled_at, visit.visit_id
        """,
        scope.ids,
        begins,
        ends,
    )
    return [
        VisitWithLink(*row)._replace(
            state=VisitState(row["state"]),
            delivery=None if row["delivery"] is None else DeliveryState(row["delivery"]),
        )
        for row in rows
    ]
