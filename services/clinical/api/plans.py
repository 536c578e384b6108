"""The shared plan: next steps that patient and clinician agreed on.

Words are sealed twice, for the record that is kept here and for the event that travels; neither opens as the other.
"""

from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.clinical import store
from services.clinical.api.changes import ChangeBody, changed, enrolled, patient_lock, standing
from services.clinical.domain import done_on
from shared.clinic_day import clinic_day
from shared.db import Connection
from shared.errors import FieldError, Problem, conflict
from shared.events import PlanStep, StepOwner
from shared.http.access import CareTeam
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute, ring_of
from shared.http.fields import Day, Past, YesNo
from shared.http.receipts import AfterReceipt
from shared.keyring import KeyRing
from shared.outbox import Recorded
from shared.sealing import Patient, WordKey, in_event, in_record

router = APIRouter(tags=["plans"])
_DONE_ON = "When not given and the step is newly done: today, as it is six hours behind UTC"
What = Annotated[str, Field(min_length=1, max_length=500)]


class PlanStepBody(ChangeBody):
    """A new step, or with `step_id` how a recorded one stands from now on, such as done."""

    step_id: UUID | None = None
    visit_id: UUID | None = None
    what: What
    who: StepOwner
    due_on: Day | None = None
    is_done: YesNo = False
    done_on: Day | None = Field(default=None, description=_DONE_ON)
    agreed_at: Past | None = Field(default=None, description="Now when not given; a recorded step keeps its time")


class PlanStepChange(ChangeBody):
    """What changed of a step; a member that is left out stays as it is, but for the words: they are never read here."""

    what: What
    words_of: UUID | None = Field(
        default=None,
        description="The event that `what` is repeated from, so that newer words stay: 409 `stale` after another one",
    )
    who: StepOwner | None = None
    due_on: Day | None = Field(default=None, description="Null takes the day away")
    is_done: YesNo | None = None
    done_on: Day | None = Field(default=None, description=_DONE_ON)


class NamedChange(PlanStepChange):
    """The step with it, for the record."""

    step_id: UUID


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


@router.patch("/v1/plans/{step_id}", response_model=Accepted)
async def change_plan_step(
    request: Request,
    step_id: UUID,
    body: PlanStepChange,
    caller: CareTeam,
    key: IdempotencyKey,
    site: NamedSite = None,
) -> Response:
    """Change, re-assign, tick or carry over a recorded step."""
    ring, site_id = ring_of(request), caller.writing_site(site)
    await ring.warm([Patient(site_id, body.patient_id)])
    command = Command[NamedChange](locks=patient_lock, record=partial(_change, ring), status=200)
    named = NamedChange.model_validate({"step_id": step_id} | body.model_dump(mode="json", exclude_unset=True))
    return await execute(request, command, Batch([named], is_single=True), site_id=site_id, key=key)


async def _record(ring: KeyRing, connection: Connection, site_id: str, body: PlanStepBody) -> Recorded:
    scope = await enrolled(connection, site_id, body.patient_id)
    known = None
    if body.step_id is not None:
        known = await standing(connection, scope, body.patient_id, PlanStep, body.step_id)
    now = datetime.now(UTC)
    step = PlanStep(
        step_id=body.step_id or uuid4(),
        visit_id=body.visit_id,
        what="",
        who=body.who,
        due_on=body.due_on,
        is_done=body.is_done,
        done_on=_day_done(known, is_done=body.is_done, given=body.done_on),
        agreed_at=body.agreed_at or (known.agreed_at if known is not None else now),
    )
    patient = Patient(site_id, body.patient_id)
    return await _kept(connection, patient, step, body.what, await ring.sealer(patient))


async def _change(ring: KeyRing, connection: Connection, site_id: str, change: NamedChange) -> Recorded:
    scope = await enrolled(connection, site_id, change.patient_id)
    known = await standing(connection, scope, change.patient_id, PlanStep, change.step_id)
    event_id = await store.told_by(connection, scope, change.step_id)
    if None not in (change.words_of, event_id) and change.words_of != event_id:
        raise conflict("stale", "The step has changed since these words were read. Look at it again.")
    is_done = known.is_done if change.is_done is None else change.is_done
    step = known.model_copy(
        update={
            "who": change.who or known.who,
            "due_on": change.due_on if "due_on" in change.model_fields_set else known.due_on,
            "is_done": is_done,
            "done_on": _day_done(known, is_done=is_done, given=change.done_on),
        }
    )
    patient = Patient(site_id, change.patient_id)
    return await _kept(connection, patient, step, change.what, await ring.sealer(patient))


def _day_done(known: PlanStep | None, *, is_done: bool, given: date | None) -> date | None:
    recorded = known.done_on if known is not None and is_done else None
    done = done_on(is_done=is_done, given=given or recorded, today=clinic_day(datetime.now(UTC)))
    if isinstance(done, FieldError):
        raise Problem(422, "invalid", "The step's dates do not fit.", errors=[done])
    return done


async def _kept(connection: Connection, patient: Patient, step: PlanStep, what: str, key: WordKey) -> Recorded:
    """Seal the words for the record and for the event, and keep both."""
    event_id = uuid4()
    told = step.model_copy(update={"what": key.seal(what, in_event(event_id, "change.what"))})
    sealed = key.seal(what, in_record(step.step_id, "what"))
    await store.record_plan_step(connection, *patient, told, sealed, event_id)
    return changed(*patient, told, step.step_id, event_id=event_id)
