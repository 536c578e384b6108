"""What arrives from Kafka: who is enrolled where, who was erased. Any order, any repetition, ends in the same rows."""

from collections.abc import Sequence

from services.clinical import store
from shared.db import Connection, lock
from shared.erasures import erased_among
from shared.events import EnrollmentUpdated, Event, PatientErased
from shared.sealing import Patient


async def apply(connection: Connection, events: Sequence[Event]) -> None:
    """Make the effect of a batch."""
    await lock(connection, {(event.site_id, event.key) for event in events})
    enrolments: list[tuple[Patient, int]] = []
    for event in events:
        match event.body:
            case PatientErased() as erasure:
                await store.record_erasure(connection, Patient(event.site_id, erasure.patient_id), erasure.erased_at)
            case EnrollmentUpdated() as enrolment:
                enrolments.append((Patient(event.site_id, enrolment.patient_id), event.sequence))
    gone = await erased_among(connection, {patient for patient, _ in enrolments})
    await store.record_enrolments(
        connection, [(*patient, sequence) for patient, sequence in enrolments if patient not in gone]
    )
