"""Links on their way to patients: what is planned, who has it in hand, and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg

from services.intake.domain import THE_WORKER, Channel, Delivery, DeliveryState, StopReason
from shared.db import Connection, SiteScope

# What the messages of a visit depend on, in one text: where it is another than when they were planned, plan again.
_BASIS = """
concat_ws('|', extract(epoch FROM visit.scheduled_at), visit.state, survey.visit_id IS NOT NULL, site.time_zone,
          extract(epoch FROM delivery_rule.changed_at), coalesce(extract(epoch FROM contact.changed_at), 0))
"""
AROUND_VISIT = """
JOIN site ON site.site_id = visit.site_id
LEFT JOIN delivery_rule ON delivery_rule.site_id = visit.site_id
LEFT JOIN contact ON (contact.site_id, contact.patient_id) = (visit.site_id, visit.patient_id)
LEFT JOIN survey ON (survey.site_id, survey.visit_id) = (visit.site_id, visit.visit_id)
     AND survey.change <> 'entered-in-error'
"""


async def deliveries_of(connection: Connection, scope: SiteScope, visit_id: UUID) -> list[Delivery]:
    """The messages about a visit, planned and past, the earliest first."""
    rows = await connection.fetch(
        "SELECT * FROM link_delivery WHERE site_id = ANY($1) AND visit_id = $2 ORDER BY due_at, delivery_id",
        scope.ids,
        visit_id,
    )
    return [_delivery(row) for row in rows]


async def delivery(connection: Connection, scope: SiteScope, delivery_id: UUID) -> Delivery | None:
    """A message as it stands."""
    row = await connection.fetchrow(
        "SELECT * FROM link_delivery WHERE site_id = ANY($1) AND delivery_id = $2", scope.ids, delivery_id
    )
    return None if row is None else _delivery(row)


class Unplanned(NamedTuple):
    """A visit whose messages are to be planned, and what they are planned from as it stood when it was found."""

    site_id: str
    patient_id: UUID
    visit_id: UUID
    basis: str


async def unplanned_visits_of_all_sites(connection: Connection, now: datetime, most: int) -> list[Unplanned]:
    """Visits that come within their site's rule, or have left it, since they were last planned; for the worker."""
    rows = await connection.fetch(
        f"""
        WITH near AS (
            SELECT visit.site_id, visit.visit_id FROM delivery_rule JOIN visit USING (site_id)
            WHERE is_on AND scheduled_at > $1 AND scheduled_at < $1 + (days_before + 2) * interval '1 day'
            UNION SELECT site_id, visit_id FROM link_delivery WHERE state = 'planned' AND kind <> 'by-hand'
        )
        SELECT visit.site_id, visit.patient_id, visit.visit_id, {_BASIS} AS basis
        FROM near JOIN visit ON (visit.site_id, visit.visit_id) = (near.site_id, near.visit_id) {AROUND_VISIT}
        LEFT JOIN delivery_plan AS plan ON (plan.site_id, plan.visit_id) = (visit.site_id, visit.visit_id)
        WHERE plan.basis IS DISTINCT FROM {_BASIS} ORDER BY visit.scheduled_at LIMIT $2
        """,
        now,
        most,
    )
    return [Unplanned(*row) for row in rows]


async def record_plan(
    connection: Connection,
    visit: Unplanned,
    visit_at: datetime,
    planned: Mapping[str, datetime],
    reason: StopReason,
) -> None:
    """Replace what is planned for a visit by `planned`, each kind with when it is due; what is no more gets `reason`.

    What is on its way, or has gone, stays as it is.
    """
    about = (visit.site_id, visit.visit_id)
    await connection.execute(
        """
        UPDATE link_delivery SET state = 'stopped', reason = $5
        WHERE site_id = $1 AND visit_id = $2 AND state = 'planned' AND kind <> 'by-hand'
        AND (visit_at <> $3 OR kind <> ALL($4))
        """,
        *about,
        visit_at,
        list(planned),
        reason,
    )
    await connection.execute(
        """
        INSERT INTO link_delivery AS known (site_id, visit_id, patient_id, visit_at, kind, due_at, held_until,
                                            delivery_id, state, attempts, repeats, made_by)
        SELECT $1, $2, $3, $4, kind, due_at, due_at, delivery_id, 'planned', 0, 0, $8
        FROM unnest($5::text[], $6::timestamptz[], $7::uuid[]) AS planned (kind, due_at, delivery_id)
        ON CONFLICT (site_id, visit_id, kind, visit_at) WHERE kind <> 'by-hand' DO UPDATE
        SET due_at = excluded.due_at, state = 'planned', reason = NULL, ended_at = NULL,
            attempts = CASE known.state WHEN 'planned' THEN known.attempts ELSE 0 END,
            held_until = CASE WHEN known.state = 'planned' AND known.attempts > 0 THEN known.held_until
                         ELSE excluded.due_at END
        WHERE known.state IN ('planned', 'stopped', 'came-back')
        """,
        *about,
        visit.patient_id,
        visit_at,
        list(planned),
        list(planned.values()),
        [uuid4() for _ in planned],
        THE_WORKER,
    )


async def record_basis(connection: Connection, visit: Unplanned) -> None:
    """Keep what the messages of a visit are planned from, so that nobody plans them again before that changes."""
    await connection.execute(
        """
        INSERT INTO delivery_plan (site_id, visit_id, patient_id, basis) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site_id, visit_id) DO UPDATE SET basis = $4
        """,
        visit.site_id,
        visit.visit_id,
        visit.patient_id,
        visit.basis,
    )


async def record_delivery(connection: Connection, site_id: str, new: Delivery) -> None:
    """Insert a message that a person wants to have sent."""
    await connection.execute(
        """
        INSERT INTO link_delivery (site_id, delivery_id, visit_id, patient_id, kind, visit_at, due_at, held_until,
                                   made_by, state, channel, attempts, repeats)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """,
        site_id,
        new.delivery_id,
        new.visit_id,
        new.patient_id,
        new.kind,
        new.visit_at,
        new.due_at,
        new.held_until,
        new.made_by,
        new.state,
        new.channel,
        new.attempts,
        new.repeats,
    )


class Held(NamedTuple):
    """A message that is due, held for one worker until its time is over."""

    site_id: str
    patient_id: UUID
    visit_id: UUID
    delivery_id: UUID


async def hold_due_deliveries(connection: Connection, now: datetime, until: datetime, most: int) -> list[Held]:
    """Take messages that are due, the earliest first, and those whose worker did not come back in time.

    Two workers never take the same one: what somebody else is taking is passed over.
    """
    rows = await connection.fetch(
        """
        UPDATE link_delivery SET held_until = $2 WHERE (site_id, delivery_id) IN (
            SELECT site_id, delivery_id FROM link_delivery
            WHERE state IN ('planned', 'sending') AND due_at <= $1 AND held_until <= $1
            ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
        ) RETURNING site_id, patient_id, visit_id, delivery_id
        """,
        now,
        until,
        most,
    )
    return [Held(*row) for row in rows]


async def record_progress(connection: Connection, site_id: str, before: Delivery, after: Delivery) -> bool:
    """Keep how a message has come on; False when it does not stand as `before` any more, which then stays."""
    status = await connection.execute(
        """
        UPDATE link_delivery
        SET due_at = $6, held_until = $7, state = $8, reason = $9, channel = $10, link_id = $11, attempts = $12,
            repeats = $13, ended_at = $14
        WHERE site_id = $1 AND delivery_id = $2 AND state = $3 AND attempts = $4 AND held_until = $5
        """,
        site_id,
        before.delivery_id,
        before.state,
        before.attempts,
        before.held_until,
        after.due_at,
        after.held_until,
        after.state,
        after.reason,
        after.channel,
        after.link_id,
        after.attempts,
        after.repeats,
        after.ended_at,
    )
    return status == "UPDATE 1"


async def oldest_due_of_all_sites(connection: Connection, now: datetime) -> float:
    """For how many seconds the oldest message has been due that is not sent; 0 where none is."""
    due_at: datetime | None = await connection.fetchval(
        "SELECT min(due_at) FROM link_delivery WHERE state IN ('planned', 'sending') AND due_at <= $1", now
    )
    return 0.0 if due_at is None else (now - due_at).total_seconds()


def _delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(
        delivery_id=row["delivery_id"],
        visit_id=row["visit_id"],
        patient_id=row["patient_id"],
        kind=row["kind"],
        visit_at=row["visit_at"],
        due_at=row["due_at"],
        held_until=row["held_until"],
        made_by=row["made_by"],
        state=DeliveryState(row["state"]),
        reason=row["reason"],
        channel=None if row["channel"] is None else Channel(row["channel"]),
        link_id=row["link_id"],
        attempts=row["attempts"],
        repeats=row["repeats"],
        ended_at=row["ended_at"],
    )
