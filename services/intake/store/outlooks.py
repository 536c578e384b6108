"""What sending a link depends on: the site's rule, the visit, the contact, and what was sent before."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from services.intake.domain import OFF, Channel, DeliveryRule, Outlook, QuietHours
from services.intake.store.contacts import contact_in
from services.intake.store.deliveries import AROUND_VISIT, deliveries_of
from services.intake.store.links import link
from shared.db import Connection, SiteScope
from shared.events import Language, VisitState


async def record_delivery_rule(connection: Connection, site_id: str, rule: DeliveryRule, changed_at: datetime) -> None:
    """Set how a site sends links."""
    await connection.execute(
        """
        INSERT INTO delivery_rule (site_id, is_on, days_before, send_at, reminders, quiet_begins, quiet_ends, channels,
                                   sender_name, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (site_id) DO UPDATE
        SET is_on = $2, days_before = $3, send_at = $4, reminders = $5, quiet_begins = $6, quiet_ends = $7,
            channels = $8, sender_name = $9, changed_at = $10
        """,
        site_id,
        rule.is_on,
        rule.days_before,
        rule.send_at,
        rule.reminders,
        None if rule.quiet is None else rule.quiet.begins,
        None if rule.quiet is None else rule.quiet.ends,
        rule.channels,
        rule.sender_name,
        changed_at,
    )


async def delivery_rule(connection: Connection, scope: SiteScope, site_id: str) -> DeliveryRule | None:
    """How a site sends links; None where it has never said."""
    row = await connection.fetchrow(
        "SELECT * FROM delivery_rule WHERE site_id = $1 AND site_id = ANY($2)", site_id, scope.ids
    )
    return None if row is None else _rule(row)


async def outlook(connection: Connection, scope: SiteScope, visit_id: UUID) -> Outlook | None:
    """All that sending the link of a visit depends on."""
    row = await connection.fetchrow(
        f"""
        SELECT visit.scheduled_at, visit.state, site.time_zone, survey.visit_id IS NOT NULL AS has_survey,
               is_on, days_before, send_at, reminders, quiet_begins, quiet_ends, channels, sender_name,
               has_email, has_phone, preferred, contact.language, wants_messages, contact.changed_at
        FROM visit {AROUND_VISIT} WHERE visit.site_id = ANY($1) AND visit.visit_id = $2
        """,
        scope.ids,
        visit_id,
    )
    if row is None:
        return None
    deliveries = await deliveries_of(connection, scope, visit_id)
    sent = [one for one in deliveries if one.link_id is not None]
    newest = max(sent, key=lambda one: one.ended_at or one.due_at, default=None)
    return Outlook(
        visit_at=row["scheduled_at"],
        visit_state=VisitState(row["state"]),
        zone=ZoneInfo(row["time_zone"]),
        has_survey=row["has_survey"],
        rule=OFF if row["is_on"] is None else _rule(row),
        contact=None if row["wants_messages"] is None else contact_in(row),
        contact_changed_at=row["changed_at"],
        deliveries=deliveries,
        link=None if newest is None or newest.link_id is None else await link(connection, scope, newest.link_id),
    )


class Addressed(NamedTuple):
    """What a message needs beside its link: who it is from, in which language, and where it goes, sealed."""

    site_name: str
    language: Language
    addresses: str | None


async def addressed(connection: Connection, scope: SiteScope, patient_id: UUID) -> Addressed | None:
    """How a message to a patient is addressed; None where nobody has said how they are reached."""
    row = await connection.fetchrow(
        """
        SELECT site.name, coalesce(contact.language, patient.language) AS language, addresses
        FROM contact JOIN patient USING (site_id, patient_id) JOIN site USING (site_id)
        WHERE site_id = ANY($1) AND patient_id = $2
        """,
        scope.ids,
        patient_id,
    )
    return None if row is None else Addressed(row["name"], Language(row["language"]), row["addresses"])


def _rule(row: asyncpg.Record) -> DeliveryRule:
    is_quiet = row["quiet_begins"] is not None and row["quiet_ends"] is not None
    return DeliveryRule(
        is_on=row["is_on"],
        days_before=row["days_before"],
        send_at=row["send_at"],
        reminders=tuple(row["reminders"]),
        quiet=QuietHours(row["quiet_begins"], row["quiet_ends"]) if is_quiet else None,
        channels=tuple(map(Channel, row["channels"])),
        sender_name=row["sender_name"],
    )
