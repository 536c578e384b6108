"""What arrives from Kafka: enrolments, visits and surveys. Any order, any number of times, ends in the same rows."""

from collections.abc import Sequence

from services.feedback import store
from shared.db import Connection
from shared.events import EnrollmentUpdated, Event, SurveyCompleted, VisitUpdated


async def apply(connection: Connection, events: Sequence[Event]) -> None:
    """Make the effect of a batch."""
    enrolments, visits, surveys = [], [], []
    for event in events:
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
