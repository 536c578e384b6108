"""The consent texts of sites, and every step of a patient's consent."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.intake.domain import ConsentReason, ConsentStep, ConsentText
from shared.db import Connection, SiteScope
from shared.events import ConsentState, EntryMode, Language


class KeptText(NamedTuple):
    """A consent text of a site: what it is, the SHA-256 of what it says, and from when it is shown."""

    text: ConsentText
    sha256: bytes
    valid_from: date


async def record_consent_text(
    connection: Connection, site_id: str, kept: KeptText, added_at: datetime, added_by: str
) -> None:
    """Add a text; one of this version and language that the site has stays as it is."""
    await connection.execute(
        """
        INSERT INTO consent_text (site_id, version, language, sha256, valid_from, added_at, added_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        """,
        site_id,
        *kept.text,
        kept.sha256,
        kept.valid_from,
        added_at,
        added_by,
    )


async def consent_texts(connection: Connection, scope: SiteScope) -> list[KeptText]:
    """The texts of a site, the newest first."""
    rows = await connection.fetch(
        """
        SELECT version, language, sha256, valid_from FROM consent_text WHERE site_id = ANY($1)
        ORDER BY valid_from DESC, version DESC, language
        """,
        scope.ids,
    )
    return [
        KeptText(ConsentText(row["version"], Language(row["language"])), row["sha256"], row["valid_from"])
        for row in rows
    ]


async def record_consent_step(connection: Connection, site_id: str, patient_id: UUID, step: ConsentStep) -> None:
    """Add a step after those that there are. The caller holds the patient's lock."""
    version, language = step.text or (None, None)
    await connection.execute(
        """
        INSERT INTO consent_step (site_id, patient_id, number, state, decided_on, reason, mode, text_version,
                                  text_language, recorded_at, recorded_by)
        SELECT $1::text, $2::uuid, 1 + count(*), $3::text, $4::date, $5::text, $6::text, $7::text, $8::text,
               $9::timestamptz, $10::text
        FROM consent_step WHERE site_id = $1 AND patient_id = $2
        """,
        site_id,
        patient_id,
        step.state,
        step.decided_on,
        step.reason,
        step.mode,
        version,
        language,
        step.recorded_at,
        step.recorded_by,
    )


async def consent_steps(connection: Connection, scope: SiteScope, patient_id: UUID) -> list[ConsentStep]:
    """How a patient's consent came to stand as it does, the first step first."""
    rows = await connection.fetch(
        "SELECT * FROM consent_step WHERE site_id = ANY($1) AND patient_id = $2 ORDER BY number",
        scope.ids,
        patient_id,
    )
    return [_step(row) for row in rows]


def _step(row: asyncpg.Record) -> ConsentStep:
    named = None if row["text_version"] is None else ConsentText(row["text_version"], Language(row["text_language"]))
    return ConsentStep(
        state=ConsentState(row["state"]),
        decided_on=row["decided_on"],
        reason=None if row["reason"] is None else ConsentReason(row["reason"]),
        mode=None if row["mode"] is None else EntryMode(row["mode"]),
        text=named,
        recorded_at=row["recorded_at"],
        recorded_by=row["recorded_by"],
    )
