"""Visits: the join key of survey, clinical data, page and feedback."""

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from services.intake import store
from services.intake.api.standing import enrolled, visit_at
from services.intake.domain import (
    NOT_SAID,
    Cancellation,
    CancelledBy,
    CancelReason,
    Eligibility,
    VisitStatus,
    advance,
    eligibility,
    why_cancelled,
)
from shared.db import Connection, SiteScope, transaction
from shared.errors import unknown
from shared.events import ClinicianId, VisitState, VisitUpdated
from shared.http.access import CareTeam
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute, pool_of
from shared.http.fields import Moment, Past
from shared.http.record import keep_read
from shared.outbox import Draft, Recorded

router = APIRouter(tags=["visits"])


class Booking(BaseModel):
    """Whom a patient sees, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clinician_id: ClinicianId
    scheduled_at: Moment


class VisitBody(Booking):
    patient_id: UUID


class VisitChange(BaseModel):
    """What changed; a member that is left out stays as it is.

    `cancel_reason` and `cancelled_by` may say why a visit is cancelled. `no-show`: the patient did not come, which is
    said after the time of the visit. Who called it off is said without a reason, or with `cancelled`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: VisitState | None = None
    clinician_id: ClinicianId | None = None
    scheduled_at: Moment | None = None
    checked_in_at: Past | None = None
    completed_at: Past | None = None
    cancel_reason: CancelReason | None = None
    cancelled_by: CancelledBy | None = None


class SurveyStanding(BaseModel):
    """`counts`: submitted at most 14 days before the visit and not after it, as the visit stands now."""

    submitted_at: datetime
    standing: Eligibility


class VisitAnswer(BaseModel):
    visit_id: UUID
    patient_id: UUID
    clinician_id: str
    scheduled_at: datetime
    state: VisitState
    checked_in_at: datetime | None
    completed_at: datetime | None
    cancel_reason: CancelReason | None
    cancelled_by: CancelledBy | None
    survey: SurveyStanding | None


@router.post("/v1/visits", status_code=201, response_model=Accepted, responses=MANY)
async def schedule_visits(
    request: Request, body: Batch[VisitBody], caller: CareTeam, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Schedule one visit or many."""
    command = Command[VisitBody](locks=lambda _site, visit: [str(visit.patient_id)], record=schedule)
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


@router.get("/v1/visits/{visit_id}")
async def read_visit(request: Request, visit_id: UUID, caller: CareTeam, site: NamedSite = None) -> VisitAnswer:
    """A visit, and whether its survey counts; a survey that counted may not any more when the visit has moved."""
    site_id = caller.writing_site(site)
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        found = await store.visit_in_full(connection, scope, visit_id)
        if found is None:
            raise unknown("visit")
        await keep_read(request, connection, site_id, found.visit.patient_id)
    reason, by = found.cancelled
    return VisitAnswer(**found.visit.model_dump(), cancel_reason=reason, cancelled_by=by, survey=_survey_of(found))


def _survey_of(found: store.FullVisit) -> SurveyStanding | None:
    """The survey of a visit, and whether it counts as the visit stands now; None where there is none."""
    if found.survey_at is None:
        return None
    standing = eligibility(found.survey_at, found.visit.scheduled_at, found.visit.completed_at)
    return SurveyStanding(submitted_at=found.survey_at, standing=standing)


@router.patch("/v1/visits/{visit_id}", response_model=Accepted)
async def change_visit(
    request: Request, visit_id: UUID, body: VisitChange, caller: CareTeam, site: NamedSite = None
) -> Response:
    """Check in, complete, cancel, re-book or move a visit, or give it to another clinician.

    A time of check-in or completion that is not given is now.
    """
    return await record_change(request, caller.writing_site(site), visit_id, body)


async def record_change(
    request: Request, site_id: str, visit_id: UUID, body: VisitChange, *, key: str | None = None
) -> Response:
    """Change a visit; under the same key once.

    Raises:
        Problem: 404, or 409 with why it cannot go on so.
    """
    visit = await visit_at(request, site_id, visit_id)
    command = Command[VisitChange](
        locks=lambda _site, _body: [str(visit.patient_id)],
        record=partial(_change, visit_id),
        status=200,
        about=visit.patient_id,
    )
    return await execute(request, command, Batch([body], is_single=True), site_id=site_id, key=key)


async def schedule(connection: Connection, site_id: str, body: VisitBody) -> Recorded:
    """Record a new visit of a patient; the patient is locked, or has just been enrolled.

    Raises:
        Problem: 404, or 410 for who is erased.
    """
    await enrolled(connection, site_id, body.patient_id)
    visit = VisitUpdated(
        visit_id=uuid4(),
        patient_id=body.patient_id,
        clinician_id=body.clinician_id,
        scheduled_at=body.scheduled_at,
        state=VisitState.SCHEDULED,
    )
    return await _recorded(connection, site_id, visit)


async def _change(visit_id: UUID, connection: Connection, site_id: str, change: VisitChange) -> Recorded:
    visit = await store.visit(connection, SiteScope.of(site_id), visit_id)
    if visit is None:
        raise unknown("visit")
    now = datetime.now(UTC)
    new = VisitStatus(
        state=change.state or visit.state,
        scheduled_at=change.scheduled_at or visit.scheduled_at,
        checked_in_at=change.checked_in_at or (now if change.state is VisitState.CHECKED_IN else None),
        completed_at=change.completed_at or (now if change.state is VisitState.COMPLETED else None),
    )
    clinician_id = change.clinician_id or visit.clinician_id
    current = VisitStatus(visit.state, visit.scheduled_at, visit.checked_in_at, visit.completed_at)
    status = advance(current, new, has_other_clinician=clinician_id != visit.clinician_id)
    cancelled = why_cancelled(status, Cancellation(change.cancel_reason, change.cancelled_by), now)
    changed = visit.model_copy(update=asdict(status) | {"clinician_id": clinician_id})
    return await _recorded(connection, site_id, changed, cancelled)


async def _recorded(
    connection: Connection, site_id: str, visit: VisitUpdated, cancelled: Cancellation = NOT_SAID
) -> Recorded:
    await store.record_visit(connection, site_id, visit, datetime.now(UTC), cancelled)
    return Recorded(str(visit.visit_id), [Draft(site_id, str(visit.patient_id), visit)])
