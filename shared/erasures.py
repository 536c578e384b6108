"""Who was erased, in the database of a service that keeps patients: what comes about them later finds a tombstone.

Guarantee, together with the patient's lock that every writer takes first (`shared.db.lock`): when a tombstone is
committed, no row of that patient is left, and none comes after it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from shared.db import Connection
from shared.sealing import Patient


async def record(connection: Connection, patient: Patient, erased_at: datetime, *, tables: Sequence[str]) -> None:
    """Put up a tombstone and delete the patient's rows from these tables, in this order; again changes nothing."""
    await connection.execute(
        "INSERT INTO erasure (site_id, patient_id, erased_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        *patient,
        erased_at,
    )
    for table in tables:
        await connection.execute(f"DELETE FROM {table} WHERE site_id = $1 AND patient_id = $2", *patient)


async def erased_among(connection: Connection, patients: Collection[Patient]) -> set[Patient]:
    """Those of these patients who were erased."""
    rows = await connection.fetch(
        """
        SELECT wanted.*
        FROM unnest($1::text[], $2::uuid[]) AS wanted (site_id, patient_id) CROSS JOIN LATERAL (
            SELECT 1 FROM erasure
            WHERE (erasure.site_id, erasure.patient_id) = (wanted.site_id, wanted.patient_id) LIMIT 1
        ) AS erased
        """,
        [patient.site_id for patient in patients],
        [patient.patient_id for patient in patients],
    )
    return {Patient(row["site_id"], row["patient_id"]) for row in rows}
