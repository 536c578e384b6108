"""How patients are reached; their addresses are sealed here and stay so."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.intake.domain import Channel, Contact
from shared.db import Connection, SiteScope
from shared.events import Language


class ContactRow(NamedTuple):
    """A contact as it is kept: what may be read, and the addresses sealed; none where there are none any more."""

    contact: Contact
    addresses: str | None
    changed_at: datetime


async def record_contact(connection: Connection, site_id: str, patient_id: UUID, row: ContactRow) -> None:
    """Insert how a patient is reached, or replace it whole."""
    contact = row.contact
    await connection.execute(
        """
        INSERT INTO contact (site_id, patient_id, addresses, has_email, has_phone, preferred, language, wants_messages,
                             changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (site_id, patient_id) DO UPDATE
        SET addresses = $3, has_email = $4, has_phone = $5, preferred = $6, language = $7, wants_messages = $8,
            changed_at = $9
        """,
        site_id,
        patient_id,
        row.addresses,
        contact.has_email,
        contact.has_phone,
        contact.preferred,
        contact.language,
        contact.wants_messages,
        row.changed_at,
    )


async def contact(connection: Connection, scope: SiteScope, patient_id: UUID) -> ContactRow | None:
    """How a patient is reached; None where nobody has ever said."""
    row = await connection.fetchrow(
        "SELECT * FROM contact WHERE site_id = ANY($1) AND patient_id = $2", scope.ids, patient_id
    )
    return None if row is None else ContactRow(contact_in(row), row["addresses"], row["changed_at"])


def contact_in(row: asyncpg.Record) -> Contact:
    """The part of a row that may be read."""
    return Contact(
        has_email=row["has_email"],
        has_phone=row["has_phone"],
        preferred=None if row["preferred"] is None else Channel(row["preferred"]),
        language=None if row["language"] is None else Language(row["language"]),
        wants_messages=row["wants_messages"],
    )
