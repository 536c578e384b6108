"""Physician global assessment (PGA): disease activity in one of four words, as a clinician judges it."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.clinical import store
from services.clinical.api.changes import ChangeBody, changed, enrolled, patient_lock, standing
from shared.auth import Caller, Role
from shared.db import Connection
from shared.events import Activity, Assessment, ClinicianId
from shared.http.access import allow
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute
from shared.http.fields import Past
from shared.http.receipts import AfterReceipt
from shared.outbox import Recorded

router = APIRouter(tags=["assessments"])
Assessor = Annotated[Caller, Depends(allow(Role.CLINICIAN, Role.SYSTEM))]


class AssessmentBody(ChangeBody):
    """A new assessment, or with `assessment_id` how a recorded one stands from now on."""

    assessment_id: UUID | None = None
    visit_id: UUID | None = None
    clinician_id: ClinicianId
    activity: Activity
    assessed_at: Past | None = Field(
        default=None, description="Now when not given; a recorded assessment keeps its time"
    )


@router.post("/v1/assessments", status_code=201, response_model=Accepted, responses=MANY)
async def record_assessments(
    request: Request,
    body: Batch[AssessmentBody],
    caller: Assessor,
    key: IdempotencyKey,
    site: NamedSite = None,
    _after: AfterReceipt = None,
) -> Response:
    """Record one assessment or many."""
    command = Command[AssessmentBody](locks=patient_lock, record=_record)
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


async def _record(connection: Connection, site_id: str, body: AssessmentBody) -> Recorded:
    scope = await enrolled(connection, site_id, body.patient_id)
    known = None
    if body.assessment_id is not None:
        known = await standing(connection, scope, body.patient_id, Assessment, body.assessment_id)
    assessment = Assessment(
        assessment_id=body.assessment_id or uuid4(),
        visit_id=body.visit_id,
        clinician_id=body.clinician_id,
        activity=body.activity,
        assessed_at=body.assessed_at or (known.assessed_at if known is not None else datetime.now(UTC)),
    )
    await store.record_assessment(connection, site_id, body.patient_id, assessment)
    return changed(site_id, body.patient_id, assessment, assessment.assessment_id)
