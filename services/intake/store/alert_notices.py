"""Notices that an alert waits: whom a site tells, what is to be told, who has one in hand, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.intake.domain import DeliveryState, Notice, NoticeRule
from shared.db import Connection, SiteScope, as_columns
from shared.events import Language


async def record_notice_rule(connection: Connection, site_id: str, rule: NoticeRule, changed_at: datetime) -> None:
    """Set whom a site tells of alerts."""
    await connection.execute(
        """
        INSERT INTO alert_notice_rule (site_id, addresses, language, quiet_minutes, changed_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (site_id) DO UPDATE SET addresses = $2, language = $3, quiet_minutes = $4, changed_at = $5
        """,
        site_id,
        rule.addresses,
        rule.language,
        rule.quiet_minutes,
        changed_at,
    )


async def notice_rule(connection: Connection, scope: SiteScope, site_id: str) -> NoticeRule | None:
    """Whom a site tells of alerts; None where it has never said."""
    row = await connection.fetchrow(
        "SELECT * FROM alert_notice_rule WHERE site_id = $1 AND site_id = ANY($2)", site_id, scope.ids
    )
    if row is None:
        return None
    return NoticeRule(tuple(row["addresses"]), Language(row["language"]), row["quiet_minutes"])


async def sites_that_tell_nobody(connection: Connection, scope: SiteScope) -> list[str]:
    """Those of these sites that have set no address."""
    rows = await connection.fetch(
        """
        SELECT site_id FROM site LEFT JOIN alert_notice_rule USING (site_id)
        WHERE site_id = ANY($1) AND coalesce(cardinality(addresses), 0) = 0 ORDER BY site_id
        """,
        scope.ids,
    )
    return [row["site_id"] for row in rows]


async def record_untold(connection: Connection, site_id: str) -> None:
    """Keep that nobody was told of the open alerts of whose last notices none was sent."""
    await connection.execute(
        """
        UPDATE alert SET told_level = NULL
        WHERE site_id = $1 AND state = 'open' AND told_level IS NOT NULL AND NOT EXISTS (
            SELECT FROM alert_notice AS notice
            WHERE (notice.site_id, notice.made_at) = (alert.site_id, alert.told_at) AND notice.state = 'sent'
        )
        """,
        site_id,
    )


async def hold_sites_to_tell(connection: Connection, now: datetime, most: int) -> dict[str, Sequence[str]]:
    """Sites with something to tell of and no notice made lately, held, with their addresses; for the worker.

    Notices that reached nobody before the site changed whom it tells do not count. Two workers never have the same
    site: what somebody else holds is passed over.
    """
    rows = await connection.fetch(
        """
        SELECT site_id, addresses FROM alert_notice_rule AS rule
        WHERE cardinality(addresses) > 0
        AND (told_at IS NULL OR told_at + quiet_minutes * interval '1 minute' <= $1 OR (
            changed_at > told_at AND NOT EXISTS (
                SELECT FROM alert_notice AS notice
                WHERE (notice.site_id, notice.made_at) = (rule.site_id, rule.told_at) AND notice.state = 'sent'
            )
        ))
        AND EXISTS (
            SELECT FROM alert WHERE alert.site_id = rule.site_id AND state = 'open'
            AND coalesce(told_level, -1) < escalation
        )
        ORDER BY told_at NULLS FIRST LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        now,
        most,
    )
    return {row["site_id"]: row["addresses"] for row in rows}


class Claimed(NamedTuple):
    """An alert that nobody has taken, at a level of which nobody was told."""

    site_id: str
    patient_id: UUID
    escalation: int


async def record_told(connection: Connection, sites: Sequence[str], now: datetime) -> list[Claimed]:
    """Keep that these sites, which are held, are told now of what they were not told of; what that is."""
    rows = await connection.fetch(
        """
        UPDATE alert SET told_level = escalation, told_at = $2
        WHERE site_id = ANY($1) AND state = 'open' AND coalesce(told_level, -1) < escalation
        RETURNING site_id, patient_id, escalation
        """,
        sites,
        now,
    )
    return [Claimed(*row) for row in rows]


async def record_notices(connection: Connection, notices: Sequence[Notice]) -> None:
    """Insert notices of one moment, of sites that are held."""
    await connection.execute(
        """
        INSERT INTO alert_notice (site_id, notice_id, address, is_escalated, made_at, held_until, state, attempts,
                                  repeats)
        SELECT *, 0, 0 FROM unnest($1::text[], $2::uuid[], $3::text[], $4::boolean[], $5::timestamptz[],
                                   $6::timestamptz[], $7::text[])
        """,
        *as_columns(
            (one.site_id, one.notice_id, one.address, one.is_escalated, one.made_at, one.held_until, one.state)
            for one in notices
        ),
    )
    await connection.execute(
        """
        UPDATE alert_notice_rule AS rule SET told_at = made_at
        FROM unnest($1::text[], $2::timestamptz[]) AS made (site_id, made_at) WHERE rule.site_id = made.site_id
        """,
        *as_columns({(one.site_id, one.made_at) for one in notices}),
    )


class DueNotice(NamedTuple):
    """A notice that is due, with what it takes to word it and whether it is wanted still."""

    notice: Notice
    site_name: str
    language: Language
    is_wanted: bool


async def hold_due_notices(connection: Connection, now: datetime, most: int) -> list[DueNotice]:
    """Notices that are due, held, and those whose worker did not come back in time; the earliest first."""
    rows = await connection.fetch(
        """
        SELECT notice.*, name, language,
               address = ANY (addresses) AND EXISTS (
                   SELECT FROM alert WHERE (alert.site_id, alert.told_at) = (notice.site_id, notice.made_at)
                   AND alert.state = 'open'
               ) AS is_wanted
        FROM alert_notice AS notice JOIN alert_notice_rule USING (site_id) JOIN site USING (site_id)
        WHERE notice.state IN ('planned', 'sending') AND held_until <= $1
        ORDER BY made_at, notice_id LIMIT $2 FOR UPDATE OF notice SKIP LOCKED
        """,
        now,
        most,
    )
    return [DueNotice(_notice(row), row["name"], Language(row["language"]), row["is_wanted"]) for row in rows]


async def record_notice_progress(connection: Connection, before: Notice, after: Notice) -> None:
    """Keep how a notice has come on, where it stands as `before` still."""
    await connection.execute(
        """
        UPDATE alert_notice SET held_until = $6, state = $7, reason = $8, attempts = $9, repeats = $10, ended_at = $11
        WHERE site_id = $1 AND notice_id = $2 AND state = $3 AND attempts = $4 AND held_until = $5
        """,
        before.site_id,
        before.notice_id,
        before.state,
        before.attempts,
        before.held_until,
        after.held_until,
        after.state,
        after.reason,
        after.attempts,
        after.repeats,
        after.ended_at,
    )


def _notice(row: asyncpg.Record) -> Notice:
    return Notice(
        site_id=row["site_id"],
        notice_id=row["notice_id"],
        address=row["address"],
        is_escalated=row["is_escalated"],
        made_at=row["made_at"],
        held_until=row["held_until"],
        state=DeliveryState(row["state"]),
        reason=row["reason"],
        attempts=row["attempts"],
        repeats=row["repeats"],
        ended_at=row["ended_at"],
    )
