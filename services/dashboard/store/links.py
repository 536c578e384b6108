"""Patients of two sites: each side's row of a link, and the codes that links are made by."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import asyncpg

from services.dashboard.domain import LinkCode, LinkConsent, LinkedPatient
from shared.db import Connection, SiteScope
from shared.sealing import Patient


async def record_link_code(connection: Connection, code: LinkCode) -> None:
    """Keep the code of a patient; it takes the place of the one before."""
    await connection.execute(
        """
        INSERT INTO link_code (site_id, patient_id, code_hash, agreed, made_by, made_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (site_id, patient_id) DO UPDATE
        SET code_hash = $3, agreed = $4, made_by = $5, made_at = $6, expires_at = $7, used_at = NULL
        """,
        code.site_id,
        code.patient_id,
        code.code_hash,
        code.agreed,
        code.made_by,
        code.made_at,
        code.expires_at,
    )


async def link_code(connection: Connection, scope: SiteScope, code_hash: bytes) -> LinkCode | None:
    """A code by its hash."""
    row = await connection.fetchrow(
        "SELECT * FROM link_code WHERE site_id = ANY($1) AND code_hash = $2", scope.ids, code_hash
    )
    if row is None:
        return None
    return LinkCode(
        site_id=row["site_id"],
        patient_id=row["patient_id"],
        code_hash=row["code_hash"],
        agreed=LinkConsent(row["agreed"]),
        made_by=row["made_by"],
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
    )


async def record_link_code_used(connection: Connection, code: LinkCode, at: datetime) -> None:
    """Use a code up."""
    await connection.execute(
        "UPDATE link_code SET used_at = $3 WHERE site_id = $1 AND patient_id = $2", code.site_id, code.patient_id, at
    )


async def record_link_try(connection: Connection, site_id: str, subject: str, at: datetime) -> None:
    """Keep that somebody gave a code."""
    await connection.execute(
        "INSERT INTO link_try (site_id, try_id, subject, tried_at) VALUES ($1, gen_random_uuid(), $2, $3)",
        site_id,
        subject,
        at,
    )


async def link_tries(connection: Connection, scope: SiteScope, subject: str, most: int) -> list[datetime]:
    """When somebody of these sites last gave a code, the newest first."""
    rows = await connection.fetch(
        "SELECT tried_at FROM link_try WHERE site_id = ANY($1) AND subject = $2 ORDER BY tried_at DESC LIMIT $3",
        scope.ids,
        subject,
        most,
    )
    return [row["tried_at"] for row in rows]


async def record_links(connection: Connection, sides: Collection[LinkedPatient]) -> None:
    """Keep both sides of a link, each at its own site."""
    await connection.executemany(
        """
        INSERT INTO linked_patient
            (site_id, link_id, patient_id, other_site, other_name, other_patient_id, since, agreed, agreed_with)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        [
            (
                side.site_id,
                side.link_id,
                side.patient_id,
                side.other_site,
                side.other_name,
                side.other_patient_id,
                side.since,
                side.agreed,
                side.agreed_with,
            )
            for side in sides
        ],
    )


async def record_links_ended(connection: Connection, sides: Collection[LinkedPatient], by: str, at: datetime) -> None:
    """End these sides of a link; one that is ended stays as it is. Whoever writes both sides does so in one order."""
    await connection.executemany(
        """
        UPDATE linked_patient SET ended_at = $3, ended_by = $4
        WHERE site_id = $1 AND link_id = $2 AND ended_at IS NULL
        """,
        [(side.site_id, side.link_id, at, by) for side in sorted(sides, key=lambda side: side.site_id)],
    )


async def record_links_forgotten(connection: Connection, patient: Patient, at: datetime) -> None:
    """End the links of an erased patient at both sites, and forget who the other was; again changes nothing."""
    sides = "((site_id, patient_id) = ($1, $2) OR (other_site, other_patient_id) = ($1, $2))"
    # Held in the order of their sites first, as `record_links_ended` writes them.
    await connection.execute(
        f"SELECT FROM linked_patient WHERE {sides} ORDER BY site_id, patient_id FOR UPDATE", *patient
    )
    await connection.execute(
        f"""
        UPDATE linked_patient
        SET other_patient_id = NULL, ended_at = coalesce(ended_at, $3), ended_by = coalesce(ended_by, 'erasure')
        WHERE other_patient_id IS NOT NULL AND {sides}
        """,
        *patient,
        at,
    )


async def link(connection: Connection, scope: SiteScope, link_id: UUID) -> LinkedPatient | None:
    """A side of a link, by its id."""
    row = await connection.fetchrow(
        "SELECT * FROM linked_patient WHERE site_id = ANY($1) AND link_id = $2", scope.ids, link_id
    )
    return None if row is None else _linked(row)


async def links_of(connection: Connection, scope: SiteScope, patients: Collection[UUID]) -> list[LinkedPatient]:
    """The links of these patients, the newest first."""
    rows = await connection.fetch(
        "SELECT * FROM linked_patient WHERE site_id = ANY($1) AND patient_id = ANY($2) ORDER BY since DESC, link_id",
        scope.ids,
        list(patients),
    )
    return [_linked(row) for row in rows]


def _linked(row: asyncpg.Record) -> LinkedPatient:
    return LinkedPatient(
        link_id=row["link_id"],
        site_id=row["site_id"],
        patient_id=row["patient_id"],
        other_site=row["other_site"],
        other_name=row["other_name"],
        other_patient_id=row["other_patient_id"],
        since=row["since"],
        agreed=LinkConsent(row["agreed"]),
        agreed_with=row["agreed_with"],
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
    )
