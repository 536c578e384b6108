"""The statements of the key ring that services run. Each is a transaction of its own."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import asyncpg

from shared.db import Pool
from shared.events import ErasureReason
from shared.keyring.root_keys import Wrapped
from shared.keyring.tombstones import Tombstone
from shared.sealing import Patient


async def keys_of(pool: Pool, patients: Collection[Patient]) -> list[asyncpg.Record]:
    """The rows of these patients that have one, each with the key of the site that its own is wrapped by."""
    return await pool.fetch(
        """
        SELECT wanted.*, own.generation, own.wrapped, site_key.root_id, site_key.wrapped AS site_wrapped
        FROM unnest($1::text[], $2::uuid[]) AS wanted (site_id, patient_id) CROSS JOIN LATERAL (
            SELECT generation, wrapped FROM patient_key AS own
            WHERE (own.site_id, own.patient_id) = (wanted.site_id, wanted.patient_id) LIMIT 1
        ) AS own LEFT JOIN site_key ON (site_key.site_id, site_key.generation) = (wanted.site_id, own.generation)
        """,
        *_columns(patients),
    )


async def newest_site_key(pool: Pool, site_id: str) -> asyncpg.Record | None:
    """The key that the site's patients are wrapped by from now on."""
    return await pool.fetchrow(
        "SELECT generation, root_id, wrapped FROM site_key WHERE site_id = $1 ORDER BY generation DESC LIMIT 1", site_id
    )


async def record_first_site_key(pool: Pool, site_id: str, wrapped: Wrapped) -> asyncpg.Record:
    """Keep the first key of a site, and give the newest: of two made at once the first stays."""
    await pool.execute(
        "INSERT INTO site_key (site_id, generation, root_id, wrapped) VALUES ($1, 1, $2, $3) ON CONFLICT DO NOTHING",
        site_id,
        *wrapped,
    )
    row = await newest_site_key(pool, site_id)
    if row is None:
        raise LookupError("a site without the key that was just made")
    return row


class NewKey(NamedTuple):
    """A key of a patient, wrapped by their site's key of this generation."""

    patient: Patient
    generation: int
    wrapped: bytes


async def record_patient_keys(pool: Pool, keys: Sequence[NewKey]) -> set[Patient]:
    """Keep new keys; whose they are. Where there is a key or a tombstone already, that stays."""
    ordered = sorted(keys)
    rows = await pool.fetch(
        """
        INSERT INTO patient_key (site_id, patient_id, generation, wrapped)
        SELECT * FROM unnest($1::text[], $2::uuid[], $3::integer[], $4::bytea[])
        ON CONFLICT DO NOTHING RETURNING site_id, patient_id
        """,
        *_columns([key.patient for key in ordered]),
        [key.generation for key in ordered],
        [key.wrapped for key in ordered],
    )
    return {Patient(row["site_id"], row["patient_id"]) for row in rows}


async def destroy_keys(pool: Pool, erased: Mapping[Patient, Tombstone]) -> int:
    """Put tombstones where the keys of these patients are, or would be; how many were not there yet."""
    if not erased:
        return 0
    erased = dict(sorted(erased.items()))
    rows = await pool.fetch(
        """
        INSERT INTO patient_key (site_id, patient_id, reason, erased_at)
        SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[])
        ON CONFLICT (site_id, patient_id) DO UPDATE
        SET generation = NULL, wrapped = NULL, reason = excluded.reason, erased_at = excluded.erased_at
        WHERE patient_key.erased_at IS NULL RETURNING 1
        """,
        *_columns(erased),
        [tombstone.reason for tombstone in erased.values()],
        [tombstone.erased_at for tombstone in erased.values()],
    )
    return len(rows)


async def tombstones(pool: Pool) -> dict[Patient, Tombstone]:
    """Everybody whose key was destroyed, as this database knows."""
    rows = await pool.fetch("SELECT site_id, patient_id, reason, erased_at FROM patient_key WHERE wrapped IS NULL")
    return {
        Patient(row["site_id"], row["patient_id"]): Tombstone(ErasureReason(row["reason"]), row["erased_at"])
        for row in rows
    }


def _columns(patients: Collection[Patient]) -> tuple[list[str], list[object]]:
    return [patient.site_id for patient in patients], [patient.patient_id for patient in patients]
