"""Events into facts: one row a thing, pseudonymised before it is written; the newest sequence wins.

Of an erased person nothing is kept but a tombstone, whatever comes later or again.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from services.analytics import store
from services.analytics.domain.pseudonyms import Pseudonyms
from shared.db import Connection, SiteScope, lock
from shared.delivery import Apply
from shared.events import (
    Assessment,
    Body,
    ClinicianDataUpdated,
    DashboardViewed,
    EnrollmentUpdated,
    Event,
    FeedbackReceived,
    Lab,
    Medication,
    PatientErased,
    PlanStep,
    RecordChange,
    SiteUpdated,
    SurveyCompleted,
    VisitUpdated,
)

Row = dict[str, Any]


def applier(pseudonyms: Pseudonyms) -> Apply:
    """The effect of a batch, under these pseudonyms."""

    async def apply(connection: Connection, events: Sequence[Event]) -> None:
        await lock(connection, {(event.site_id, event.key) for event in events})
        people = [store.Person(event.site_id, pseudonyms.of(event.key)) for event in events]
        about = list(zip(events, people, strict=True))
        await store.record_erasures(
            connection, {person for event, person in about if isinstance(event.body, PatientErased)}
        )
        sites = SiteScope(frozenset(site_id for site_id, _ in people))
        gone = await store.erased_among(connection, sites, {person for _, person in people})
        facts: dict[str, list[Row]] = defaultdict(list)
        for event, person in about:
            if person not in gone:
                table, row = _fact(event.body, pseudonyms)
                facts[table].append({"site_id": event.site_id, "sequence": event.sequence, **row})
        for table, rows in facts.items():
            await store.record_facts(connection, table, rows)

    return apply


@singledispatch
def _fact(body: Body, _: Pseudonyms) -> tuple[str, Row]:
    raise TypeError(f"no fact is kept of {type(body).__name__}")


@_fact.register
def _(body: SiteUpdated, _: Pseudonyms) -> tuple[str, Row]:
    return "site", {"name": body.name, "site_type": body.site_type}


@_fact.register
def _(body: EnrollmentUpdated, pseudonyms: Pseudonyms) -> tuple[str, Row]:
    return "enrolment", {
        "person": pseudonyms.of(body.patient_id),
        "enrolled_on": body.enrolled_on,
        "birth_year": body.birth_year,
        "sex": body.sex,
        "education": body.education,
        "language": body.language,
        "diagnosis": body.diagnosis,
        "clinician": None if body.clinician_id is None else pseudonyms.of(body.clinician_id),
        "consent": body.consent,
    }


@_fact.register
def _(body: VisitUpdated, pseudonyms: Pseudonyms) -> tuple[str, Row]:
    return "visit", {
        "visit": pseudonyms.of(body.visit_id),
        "person": pseudonyms.of(body.patient_id),
        "clinician": pseudonyms.of(body.clinician_id),
        "scheduled_at": body.scheduled_at,
        "state": body.state,
        "completed_at": body.completed_at,
    }


@_fact.register
def _(body: SurveyCompleted, pseudonyms: Pseudonyms) -> tuple[str, Row]:
    return "survey", {
        "survey": pseudonyms.of(body.survey_id),
        "visit": pseudonyms.of(body.visit_id),
        "person": pseudonyms.of(body.patient_id),
        "submitted_at": body.submitted_at,
        "answered": len(body.answers),
        "skipped": len(body.skipped),
        "counts": body.change is not RecordChange.ENTERED_IN_ERROR,
    }


@_fact.register
def _(body: ClinicianDataUpdated, pseudonyms: Pseudonyms) -> tuple[str, Row]:
    return "clinical_fact", {
        "fact": pseudonyms.of(_id_of(body.change)),
        "person": pseudonyms.of(body.patient_id),
        "kind": body.change.kind,
        "effective_at": body.effective_at,
        "counts": body.change.entered_in_error is None,
    }


@_fact.register
def _(body: DashboardViewed, pseudonyms: Pseudonyms) -> tuple[str, Row]:
    return "view", {
        "view": pseudonyms.of(body.view_id),
        "visit": None if body.visit_id is None else pseudonyms.of(body.visit_id),
        "person": pseudonyms.of(body.patient_id),
        "role": body.role,
        "context": body.context,
        "is_shared_screen": body.is_shared_screen,
        "opened_at": body.opened_at,
        "duration_ms": body.duration_ms,
    }


@_fact.register
def _(body: FeedbackReceived, pseudonyms: Pseudonyms) -> tuple[str, Row]:
    answers = body.model_dump(exclude={"feedback_id", "visit_id", "patient_id"})
    return "feedback", {
        "feedback": pseudonyms.of(body.feedback_id),
        "visit": pseudonyms.of(body.visit_id),
        "person": pseudonyms.of(body.patient_id),
        **answers,
    }


def _id_of(change: Assessment | Lab | Medication | PlanStep) -> object:
    match change:
        case Assessment():
            return change.assessment_id
        case Lab():
            return change.lab_id
        case Medication():
            return change.medication_id
        case PlanStep():
            return change.step_id
