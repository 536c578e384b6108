"""What arrives from Kafka: enrolments, visits, surveys, erasures. Any order, any repetition, ends in the same rows."""

from collections.abc import Sequence
from uuid import UUID

from services.feedback import store
from shared.db import Connection, lock
from shared.erasures import erased_among
from shared.events import EnrollmentUpdated, Event, PatientErased, SurveyCompleted, VisitUpdated
from shared.sealing import Patient


async def apply(connection: Connection, events: Sequence[Event]) -> None:
    """Make the effect of a batch."""
    await lock(connection, {event.key for event in events})
    for event in events:
        if isinstance(event.body, PatientErased):
            await store.record_erasure(connection, _patient(event), event.body.erased_at)
    gone = await erased_among(connection, {_patient(event) for event in events})
    enrolments, visits, surveys = [], [], []
    for event in events:
        if _patient(event) in gone:
            continue
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


def _patient(event: Event) -> Patient:
    return Patient(event.site_id, UUID(event.key))
