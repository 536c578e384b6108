"""What should never have been recorded: a fact that was entered in error counts nowhere, and how it stood stays.

Nothing corrects it any more: what is right is recorded anew. The event has the fact as it stood, with a mark; of a plan
step without its words.
"""

from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response

from services.clinical import store
from services.clinical.api.assessments import Assessor
from services.clinical.api.changes import ChangeBody, changed, enrolled, patient_lock, standing
from shared.db import Connection
from shared.events import Assessment, CorrectionReason, EnteredInError, Lab, Medication, PlanStep
from shared.http.access import CareTeam
from shared.http.batch import Batch
from shared.http.commands import Accepted, Command, IdempotencyKey, NamedSite, caller_of, execute, ring_of
from shared.outbox import Recorded
from shared.sealing import Patient, in_event

router = APIRouter()
Kind = type[Assessment] | type[Lab] | type[Medication] | type[PlanStep]


class ErrorBody(ChangeBody):
    """Whose record it stands in, and why it should not."""

    reason: CorrectionReason


class Mark(ErrorBody):
    """The fact with it, for the record."""

    fact_id: UUID


@router.post(
    "/v1/assessments/{assessment_id}/entered-in-error", status_code=201, response_model=Accepted, tags=["assessments"]
)
async def mark_assessment(
    request: Request,
    assessment_id: UUID,
    body: ErrorBody,
    caller: Assessor,
    key: IdempotencyKey,
    site: NamedSite = None,
) -> Response:
    """Record that an assessment should never have been: it counts nowhere."""
    return await _mark(request, Assessment, assessment_id, body, site_id=caller.writing_site(site), key=key)


@router.post("/v1/labs/{lab_id}/entered-in-error", status_code=201, response_model=Accepted, tags=["labs"])
async def mark_lab(
    request: Request, lab_id: UUID, body: ErrorBody, caller: CareTeam, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Record that a laboratory result should never have been: it counts nowhere."""
    return await _mark(request, Lab, lab_id, body, site_id=caller.writing_site(site), key=key)


@router.post(
    "/v1/medications/{medication_id}/entered-in-error", status_code=201, response_model=Accepted, tags=["medications"]
)
async def mark_medication(
    request: Request,
    medication_id: UUID,
    body: ErrorBody,
    caller: CareTeam,
    key: IdempotencyKey,
    site: NamedSite = None,
) -> Response:
    """Record that a medicine should never have been on the list: it counts nowhere."""
    return await _mark(request, Medication, medication_id, body, site_id=caller.writing_site(site), key=key)


@router.post("/v1/plans/{step_id}/entered-in-error", status_code=201, response_model=Accepted, tags=["plans"])
async def mark_plan_step(
    request: Request, step_id: UUID, body: ErrorBody, caller: CareTeam, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Record that a step should never have been in the plan: it counts nowhere."""
    site_id = caller.writing_site(site)
    await ring_of(request).warm([Patient(site_id, body.patient_id)])
    return await _mark(request, PlanStep, step_id, body, site_id=site_id, key=key)


async def _mark(request: Request, kind: Kind, fact_id: UUID, body: ErrorBody, *, site_id: str, key: str) -> Response:
    """Put a mark on a fact, whatever its kind.

    Raises:
        Problem: as `standing`.
    """
    author = caller_of(request).subject

    async def record(connection: Connection, site_id: str, mark: Mark) -> Recorded:
        patient, event_id = Patient(site_id, mark.patient_id), uuid4()
        scope = await enrolled(connection, *patient)
        fact = await standing(connection, scope, mark.patient_id, kind, mark.fact_id)
        await store.record_error(connection, patient, mark.fact_id, mark.reason, author)
        told = fact.model_copy(update={"entered_in_error": EnteredInError(reason=mark.reason)})
        if isinstance(told, PlanStep):
            sealer = await ring_of(request).sealer(patient)
            told = told.model_copy(update={"what": sealer.seal("", in_event(event_id, "change.what"))})
        return changed(*patient, told, mark.fact_id, event_id=event_id)

    mark = Mark(fact_id=fact_id, patient_id=body.patient_id, reason=body.reason)
    command = Command[Mark](locks=patient_lock, record=record)
    return await execute(request, command, Batch([mark], is_single=True), site_id=site_id, key=key)
