"""What arrives from Kafka: enrolments, visits, surveys, revoked links, erasures.

Any order, any repetition, ends in the same rows.
"""

from collections.abc import Sequence
from uuid import UUID

from services.feedback import CONSUMES, store
from shared import revocations
from shared.db import Connection, lock
from shared.erasures import erased_among
from shared.events import EnrollmentUpdated, Event, PatientErased, SurveyCompleted, VisitUpdated
from shared.sealing import Patient

_TOPICS = {topic.name for topic in CONSUMES}


async def apply(connection: Connection, events: Sequence[Event]) -> None:
    """Make the effect of a batch."""
    about = [(event, Patient(event.site_id, UUID(event.key))) for event in events if event.topic in _TOPICS]
    await lock(connection, {patient for _, patient in about})
    for event, patient in about:
        if isinstance(event.body, PatientErased):
            await store.record_erasure(connection, patient, event.body.erased_at)
    await revocations.record(connection, [event for event, _ in about])
    gone = await erased_among(connection, {patient for _, patient in about})
    enrolments, visits, surveys = [], [], []
    for event in (event for event, patient in about if patient not in gone):
        match event.body:
            case EnrollmentUpdated() as enrolment:
                enrolments.append((event.site_id, enrolment.patient_id, event.sequence))
            case VisitUpdated() as visit:
                visits.append(store.VisitRow(event.site_id, event.sequence, visit))
            case SurveyCompleted() as survey:
                surveys.append(store.SurveyRow(event.site_id, event.sequence, survey))
    await store.record_enrolments(connection, enrolments)
    await store.record_visits(connection, visits)
    await store.record_surveys(connection, surveys)
