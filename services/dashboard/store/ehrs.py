"""EHRs of the sites. Who calls or launches is looked up before it is known whose EHR it is, so among all of them."""

from datetime import datetime

import asyncpg

from services.dashboard.domain import Ehr
from shared.db import Connection, SiteScope


async def record_ehr(connection: Connection, ehr: Ehr, at: datetime) -> None:
    """Add an EHR, or replace what is known of it; one that was revoked counts again.

    Raises:
        UniqueViolationError: another one that counts has its issuer or FHIR server.
    """
    await connection.execute(
        """
        INSERT INTO ehr (site_id, name, issuer, key_set, fhir_server, client_id, origins, added_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (site_id, name) DO UPDATE
        SET issuer = $3, key_set = $4, fhir_server = $5, client_id = $6, origins = $7, added_at = $8, revoked_at = NULL
        """,
        ehr.site_id,
        ehr.name,
        ehr.issuer,
        ehr.key_set,
        ehr.fhir_server,
        ehr.client_id,
        list(ehr.origins),
        at,
    )


async def record_ehr_revoked(connection: Connection, site_id: str, name: str, at: datetime) -> Ehr | None:
    """Revoke an EHR; None when the site has none of this name."""
    row = await connection.fetchrow(
        "UPDATE ehr SET revoked_at = coalesce(revoked_at, $3) WHERE site_id = $1 AND name = $2 RETURNING *",
        site_id,
        name,
        at,
    )
    return None if row is None else _ehr(row)


async def record_sessions_ended(connection: Connection, ehr: Ehr) -> None:
    """End every session that an EHR opened."""
    await connection.execute("DELETE FROM session WHERE provider_session = $1", ehr.at_provider)


async def ehrs(connection: Connection, scope: SiteScope) -> list[Ehr]:
    """The EHRs of these sites, revoked ones too."""
    rows = await connection.fetch("SELECT * FROM ehr WHERE site_id = ANY($1) ORDER BY site_id, name", scope.ids)
    return [_ehr(row) for row in rows]


async def caller_of_all_sites(connection: Connection, issuer: str) -> Ehr | None:
    """The EHR that signs with this name; None when there is none."""
    row = await connection.fetchrow("SELECT * FROM ehr WHERE issuer = $1 AND revoked_at IS NULL", issuer)
    return None if row is None else _ehr(row)


async def launcher_of_all_sites(connection: Connection, fhir_server: str) -> Ehr | None:
    """The EHR whose FHIR server this is; None when there is none."""
    row = await connection.fetchrow("SELECT * FROM ehr WHERE fhir_server = $1 AND revoked_at IS NULL", fhir_server)
    return None if row is None else _ehr(row)


async def is_origin_of_all_sites(connection: Connection, origin: str) -> bool:
    """Whether pages of some EHR are of this origin."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM ehr WHERE $1 = ANY (origins) AND revoked_at IS NULL)", origin
        )
    )


async def framers_of_all_sites(connection: Connection, session_hash: bytes) -> tuple[str, ...] | None:
    """The origins of the EHR that a session was opened from; None when it was not, or when that EHR was revoked."""
    origins = await connection.fetchval(
        """
        SELECT origins FROM session JOIN ehr ON provider_session = 'ehr ' || site_id || '.' || name
        WHERE session_hash = $1 AND revoked_at IS NULL
        """,
        session_hash,
    )
    return None if origins is None else tuple(origins)


def _ehr(row: asyncpg.Record) -> Ehr:
    return Ehr(
        row["site_id"],
        row["name"],
        row["issuer"],
        row["key_set"],
        row["fhir_server"],
        row["client_id"],
        tuple(row["origins"]),
        row["revoked_at"],
    )
