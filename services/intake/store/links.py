"""Links to visits, and what a site asks of who opens one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.intake.domain import Link, secret_hash, secret_of
from shared.db import Connection, SiteScope


async def record_link_rule(connection: Connection, site_id: str, *, asks_birth_year: bool) -> None:
    """Set what a site's links ask of who opens them."""
    await connection.execute(
        """
        INSERT INTO link_rule (site_id, asks_birth_year) VALUES ($1, $2)
        ON CONFLICT (site_id) DO UPDATE SET asks_birth_year = $2
        """,
        site_id,
        asks_birth_year,
    )


async def asks_birth_year(connection: Connection, scope: SiteScope, site_id: str) -> bool:
    """Whether a site's links ask for the birth year."""
    found = await connection.fetchval(
        "SELECT asks_birth_year FROM link_rule WHERE site_id = $1 AND site_id = ANY($2)", site_id, scope.ids
    )
    return bool(found)


async def record_link(connection: Connection, site_id: str, link: Link, hashed: bytes) -> None:
    """Insert a link."""
    await connection.execute(
        """
        INSERT INTO visit_link
            (site_id, link_id, secret_hash, visit_id, patient_id, made_by, made_at, expires_at, wrong_answers)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)
        """,
        site_id,
        link.link_id,
        hashed,
        link.visit_id,
        link.patient_id,
        link.made_by,
        link.made_at,
        link.expires_at,
    )


async def links_of(connection: Connection, scope: SiteScope, visit_id: UUID) -> list[Link]:
    """The links of a visit, the newest first."""
    rows = await connection.fetch(
        "SELECT * FROM visit_link WHERE site_id = ANY($1) AND visit_id = $2 ORDER BY made_at DESC, link_id",
        scope.ids,
        visit_id,
    )
    return [_link(row) for row in rows]


async def link(connection: Connection, scope: SiteScope, link_id: UUID) -> Link | None:
    """A link by its id."""
    row = await connection.fetchrow(
        "SELECT * FROM visit_link WHERE site_id = ANY($1) AND link_id = $2", scope.ids, link_id
    )
    return None if row is None else _link(row)


async def link_with_secret(connection: Connection, scope: SiteScope, hashed: bytes) -> Link | None:
    """The link of this secret."""
    row = await connection.fetchrow(
        "SELECT * FROM visit_link WHERE site_id = ANY($1) AND secret_hash = $2", scope.ids, hashed
    )
    return None if row is None else _link(row)


async def known_secret(
    connection: Connection, scope: SiteScope, site_id: str, link_id: UUID, keys: Sequence[bytes]
) -> str | None:
    """The secret that a link has, whichever of the keys made it; None when none of them did."""
    for secret in (secret_of(key, site_id, link_id) for key in keys):
        if await link_with_secret(connection, scope, secret_hash(secret)) is not None:
            return secret
    return None


async def record_wrong_answer(connection: Connection, site_id: str, link_id: UUID) -> None:
    """Count a wrong birth year."""
    await connection.execute(
        "UPDATE visit_link SET wrong_answers = wrong_answers + 1 WHERE site_id = $1 AND link_id = $2", site_id, link_id
    )


async def record_opening(connection: Connection, site_id: str, link_id: UUID, at: datetime) -> bool:
    """Keep that a link was opened, and forget the wrong answers before it; False when it was revoked meanwhile.

    Whoever revokes it waits until this is committed, so that no session outlives its link.
    """
    status = await connection.execute(
        """
        UPDATE visit_link SET opened_at = $3, wrong_answers = 0
        WHERE site_id = $1 AND link_id = $2 AND revoked_at IS NULL
        """,
        site_id,
        link_id,
        at,
    )
    return status == "UPDATE 1"


async def record_link_revoked(connection: Connection, site_id: str, link_id: UUID, at: datetime) -> bool:
    """Revoke a link; False when it was revoked before, which stays as it is."""
    status = await connection.execute(
        "UPDATE visit_link SET revoked_at = $3 WHERE site_id = $1 AND link_id = $2 AND revoked_at IS NULL",
        site_id,
        link_id,
        at,
    )
    return status == "UPDATE 1"


def _link(row: asyncpg.Record) -> Link:
    return Link(
        link_id=row["link_id"],
        visit_id=row["visit_id"],
        patient_id=row["patient_id"],
        made_by=row["made_by"],
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        opened_at=row["opened_at"],
        wrong_answers=row["wrong_answers"],
    )
