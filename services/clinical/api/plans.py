"""The shared plan: next steps that patient and clinician agreed on.

Words are sealed twice, for the record that is kept here and for the event that travels; neither opens as the other.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.clinical import store
from services.clinical.api.changes import ChangeBody, changed, enrolled, noon, patient_lock
from services.clinical.domain import done_on
from shared.db import Connection
from shared.errors import FieldError, Problem, unknown
from shared.events import PlanStep
from shared.http.access import CareTeam
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute, ring_of
from shared.http.fields import Day, Past, YesNo
from shared.http.receipts import AfterReceipt
from shared.keyring import KeyRing
from shared.outbox import Recorded
from shared.sealing import Patient, in_event, in_record

router = APIRouter(tags=["plans"])


class PlanStepBody(ChangeBody):
    """A new step, or with `step_id` how a recorded one stands from now on, such as done."""

    step_id: UUID | None = None
    visit_id: UUID | None = None
    what: Annotated[str, Field(min_length=1, max_length=500)]
    who: Literal["patient", "clinician", "nurse", "front-desk"]
    due_on: Day | None = None
    is_done: YesNo = False
    done_on: Day | None = Field(default=None, description="Today when not given and the step is newly done")
    agreed_at: Past | None = Field(default=None, description="Now when not given; a recorded step keeps its time")


@router.post("/v1/plans", status_code=201, response_model=Accepted, responses=MANY)
async def record_plan_steps(
    request: Request,
    body: Batch[PlanStepBody],
    caller: CareTeam,
    key: IdempotencyKey,
    site: NamedSite = None,
    _after: AfterReceipt = None,
) -> Response:
    """Record one agreed step or many."""
    ring, site_id = ring_of(request), caller.writing_site(site)
    await ring.warm([Patient(site_id, step.patient_id) for step in body.valid])
    command = Command[PlanStepBody](locks=patient_lock, record=partial(_record, ring))
    return await execute(request, command, body, site_id=site_id, key=key)


async def _record(ring: KeyRing, connection: Connection, site_id: str, body: PlanStepBody) -> Recorded:
    scope = await enrolled(connection, site_id, body.patient_id)
    known = None
    if body.step_id is not None:
        known = await store.step_dates(connection, scope, body.patient_id, body.step_id)
        if known is None:
            raise unknown("step")
    key = await ring.sealer(Patient(site_id, body.patient_id))
    event_id = uuid4()
    step = _step(body, known, key.seal(body.what, in_event(event_id, "change.what")))
    kept = key.seal(body.what, in_record(step.step_id, "what"))
    await store.record_plan_step(connection, site_id, body.patient_id, step, kept)
    since = step.agreed_at if step.done_on is None else noon(step.done_on)
    return changed(site_id, body.patient_id, since, step, step.step_id, event_id=event_id)


def _step(body: PlanStepBody, known: store.StepDates | None, sealed: str) -> PlanStep:
    now = datetime.now(UTC)
    recorded = known.done_on if known is not None and body.is_done else None
    done = done_on(is_done=body.is_done, given=body.done_on or recorded, today=now.date())
    if isinstance(done, FieldError):
        raise Problem(422, "invalid", "The step's dates do not fit.", errors=[done])
    return PlanStep(
        step_id=body.step_id or uuid4(),
        visit_id=body.visit_id,
        what=sealed,
        who=body.who,
        due_on=body.due_on,
        is_done=body.is_done,
        done_on=done,
        agreed_at=body.agreed_at or (known.agreed_at if known is not None else now),
    )
