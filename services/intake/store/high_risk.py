"""The patients whom a site keeps an eye on, and when it next talks about them."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.intake.domain import RiskReason
from shared.db import Connection, SiteScope


class Flag(NamedTuple):
    """Why somebody is on the list, who put them there, and by when they are called."""

    site_id: str
    patient_id: UUID
    reason: RiskReason
    call_due_on: date | None
    flagged_by: str
    flagged_at: datetime


class FlaggedPatient(NamedTuple):
    """A patient on the list, with the next visit that is scheduled."""

    flag: Flag
    birth_year: int
    diagnosis: str
    next_visit_at: datetime | None
    time_zone: str


class Huddle(NamedTuple):
    """Who keeps a site's list, and when the team next meets over it."""

    site_id: str
    list_manager: str
    next_at: datetime | None


async def record_flag(connection: Connection, flag: Flag) -> None:
    """Put a patient on the list, or change why they are there; the audit keeps who did it before."""
    await connection.execute(
        """
        INSERT INTO high_risk (site_id, patient_id, risk, call_due_on, flagged_by, flagged_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (site_id, patient_id) DO UPDATE
        SET risk = $3, call_due_on = $4, flagged_by = $5, flagged_at = $6, ended_by = NULL, ended_at = NULL
        """,
        *flag,
    )


async def record_flag_ended(connection: Connection, site_id: str, patient_id: UUID, by: str, at: datetime) -> None:
    """Take a patient off the list; who is not on it stays off."""
    await connection.execute(
        """
        UPDATE high_risk SET ended_by = $3, ended_at = $4 WHERE site_id = $1 AND patient_id = $2 AND ended_at IS NULL
        """,
        site_id,
        patient_id,
        by,
        at,
    )


async def flag_of(connection: Connection, scope: SiteScope, patient_id: UUID) -> Flag | None:
    """Why a patient is on the list of one of these sites; None where they are not."""
    row = await connection.fetchrow(
        "SELECT * FROM high_risk WHERE site_id = ANY($1) AND patient_id = $2 AND ended_at IS NULL",
        scope.ids,
        patient_id,
    )
    return None if row is None else _flag(row)


async def flagged_patients(connection: Connection, scope: SiteScope, now: datetime, most: int) -> list[FlaggedPatient]:
    """The patients on the list, those whose call is due first at the top."""
    rows = await connection.fetch(
        """
        SELECT high_risk.*, birth_year, diagnosis, time_zone,
               (SELECT min(scheduled_at) FROM visit
                WHERE (visit.site_id, visit.patient_id) = (high_risk.site_id, high_risk.patient_id)
                AND state = 'scheduled' AND scheduled_at > $2) AS next_visit_at
        FROM high_risk JOIN patient USING (site_id, patient_id) JOIN site USING (site_id)
        WHERE high_risk.site_id = ANY($1) AND ended_at IS NULL
        ORDER BY call_due_on NULLS LAST, flagged_at, patient_id LIMIT $3
        """,
        scope.ids,
        now,
        most,
    )
    return [
        FlaggedPatient(
            _flag(row),
            row["birth_year"],
            row["diagnosis"],
            row["next_visit_at"],
            row["time_zone"],
        )
        for row in rows
    ]


async def record_huddle(connection: Connection, huddle: Huddle) -> None:
    """Set who keeps a site's list and when the team next meets."""
    await connection.execute(
        """
        INSERT INTO huddle (site_id, list_manager, next_at) VALUES ($1, $2, $3)
        ON CONFLICT (site_id) DO UPDATE SET list_manager = $2, next_at = $3
        """,
        *huddle,
    )


async def huddles(connection: Connection, scope: SiteScope) -> list[tuple[Huddle, str]]:
    """Who keeps the lists of these sites, each with the zone of the site's clocks."""
    rows = await connection.fetch(
        "SELECT * FROM huddle JOIN site USING (site_id) WHERE huddle.site_id = ANY($1) ORDER BY site_id", scope.ids
    )
    return [(Huddle(row["site_id"], row["list_manager"], row["next_at"]), row["time_zone"]) for row in rows]


def _flag(row: asyncpg.Record) -> Flag:
    return Flag(
        row["site_id"],
        row["patient_id"],
        RiskReason(row["risk"]),
        row["call_due_on"],
        row["flagged_by"],
        row["flagged_at"],
    )
