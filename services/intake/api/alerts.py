"""Alerts for the people of a site: the list, one with what was done, and the steps until it is closed.

A step names the version that its author has seen: of two who take an alert at once one does, and the other is told.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Literal, NamedTuple, TypeVar
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.alert_answers import AlertAnswer, described, of_sites
from services.intake.api.alert_paging import After, after_of, place_of
from services.intake.api.own_forms import own_forms_of
from services.intake.api.withholding import is_withheld
from services.intake.domain import (
    Alert,
    Outcome,
    RiskReason,
    StepKind,
    alert_closed,
    alert_handed_over,
    alert_reopened,
    alert_taken,
)
from shared.audit import Entry, Kind
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import conflict, unknown
from shared.events import ClinicianId, Language
from shared.http.access import allow
from shared.http.batch import Batch
from shared.http.commands import Accepted, Command, IdempotencyKey, execute, pool_of, ring_of
from shared.http.record import keep_read, scope_on_record, trail_of
from shared.http.sign_in import sessions_of
from shared.keyring import KeyRing
from shared.outbox import Recorded
from shared.sealing import NOT_READABLE_NOW, Patient, WordsState, in_record

router = APIRouter(tags=["alerts"])
ClinicPeople = Annotated[Caller, Depends(allow(Role.CLINICIAN, Role.COORDINATOR))]
Note = Annotated[str, Field(min_length=1, max_length=500)]
AT_ONCE = 50


class StepBody(BaseModel):
    """`version` is that of the alert as it was shown; 409 `stale` when it has moved on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1, le=1_000_000, strict=True)


class HandOverBody(StepBody):
    to: ClinicianId


class CloseBody(StepBody):
    """`note` is sealed: only who may read the patient's words reads it."""

    outcome: Literal[Outcome.CALLED, Outcome.APPOINTMENT, Outcome.SENT_TO_EMERGENCY, Outcome.NO_ACTION]
    note: Note | None = None


class StepAnswer(BaseModel):
    """What was done with an alert, by whom, and how it stood then; `note` where `note_state` is `readable`."""

    step: StepKind
    done_at: datetime
    done_by: str
    owner: str | None
    outcome: Outcome | None
    escalation: int
    note: str | None
    note_state: WordsState | None
    is_withheld: bool = Field(description="From a coordinator, the note of somebody else")


class AlertHistory(AlertAnswer):
    is_at_high_risk: bool = Field(description="Whether the patient is on the site's high-risk list")
    risk: RiskReason | None = Field(description="Why they are")
    call_due_on: date | None
    steps: list[StepAnswer]


class Alerts(BaseModel):
    """The alerts that are not closed: those without an owner first, then the oldest. `next` is null at the end.

    `told_nobody`: the caller's sites that have set no address, so that somebody has to look here.
    """

    items: list[AlertAnswer]
    next: str | None
    told_nobody: list[str]


class Step(NamedTuple):
    """What somebody wants to do with an alert."""

    kind: StepKind
    to: Callable[[Alert], Alert]
    note: str | None = None


B = TypeVar("B", bound=StepBody)


@router.get("/v1/alerts")
async def list_alerts(request: Request, caller: ClinicPeople, after: After = None) -> Alerts:
    """The alerts of the caller's sites that are not closed."""
    return await alerts_of(request, caller, after)


@router.get("/v1/alerts/{alert_id}")
async def read_alert(request: Request, alert_id: UUID, caller: ClinicPeople) -> AlertHistory:
    """One alert, with what was done with it."""
    return await alert_of(request, caller, alert_id)


@router.post("/v1/alerts/{alert_id}/take", response_model=Accepted)
async def take_alert(
    request: Request, alert_id: UUID, body: StepBody, caller: ClinicPeople, key: IdempotencyKey
) -> Response:
    """Take an open alert: from now on it is the caller's, and it does not escalate any more."""
    return await step_on(request, caller, alert_id, body, taking(caller, body), key=key)


@router.post("/v1/alerts/{alert_id}/hand-over", response_model=Accepted)
async def hand_over_alert(
    request: Request, alert_id: UUID, body: HandOverBody, caller: ClinicPeople, key: IdempotencyKey
) -> Response:
    """Give an alert to somebody of the site."""
    return await step_on(request, caller, alert_id, body, handing_over(body), key=key)


@router.post("/v1/alerts/{alert_id}/close", response_model=Accepted)
async def close_alert(
    request: Request, alert_id: UUID, body: CloseBody, caller: ClinicPeople, key: IdempotencyKey
) -> Response:
    """Say what was done about it."""
    return await step_on(request, caller, alert_id, body, closing(request, caller, body), key=key)


@router.post("/v1/alerts/{alert_id}/reopen", response_model=Accepted)
async def reopen_alert(
    request: Request, alert_id: UUID, body: StepBody, caller: ClinicPeople, key: IdempotencyKey
) -> Response:
    """Open a closed alert again, also one that only repeated another: nobody has it, and it waits from now on."""
    return await step_on(request, caller, alert_id, body, reopening(request, body), key=key)


def taking(caller: Caller, body: StepBody) -> Step:
    return Step(StepKind.TAKEN, partial(alert_taken, by=caller.subject, version=body.version))


def handing_over(body: HandOverBody) -> Step:
    return Step(StepKind.HANDED_OVER, partial(alert_handed_over, to=body.to, version=body.version))


def closing(request: Request, caller: Caller, body: CloseBody) -> Step:
    now = sessions_of(request).clock()
    to = partial(alert_closed, by=caller.subject, outcome=body.outcome, at=now, version=body.version)
    return Step(StepKind.CLOSED, to, body.note)


def reopening(request: Request, body: StepBody) -> Step:
    now = sessions_of(request).clock()
    return Step(StepKind.REOPENED, partial(alert_reopened, at=now, version=body.version))


async def step_on(
    request: Request, caller: Caller, alert_id: UUID, body: B, step: Step, *, key: str | None = None
) -> Response:
    """Take a step with an alert of the caller's sites, on record.

    Raises:
        Problem: 404, or 409 where the alert does not stand so.
        KeyRingAway: a note cannot be sealed now.
    """
    async with transaction(pool_of(request), caller.scope) as connection:
        found = await store.alert(connection, caller.scope, alert_id)
    if found is None:
        raise unknown("alert")
    patient_id, now = found.alert.patient_id, sessions_of(request).clock()

    async def record(connection: Connection, site_id: str, _body: B) -> Recorded:
        return await _stepped(ring_of(request), connection, site_id, alert_id, (step, caller.subject, now))

    command = Command[B](locks=lambda _site, _body: [str(patient_id)], record=record, status=200, about=patient_id)
    return await execute(request, command, Batch([body], is_single=True), site_id=found.alert.site_id, key=key)


async def _stepped(
    ring: KeyRing, connection: Connection, site_id: str, alert_id: UUID, done: tuple[Step, str, datetime]
) -> Recorded:
    step, by, at = done
    found = await store.alert(connection, SiteScope.of(site_id), alert_id)
    if found is None:
        raise unknown("alert")
    step_id, note = uuid4(), step.note
    if note is not None:
        key = await ring.sealer(Patient(site_id, found.alert.patient_id))
        note = key.seal(note, in_record(step_id, "note"))
    after = step.to(found.alert)
    if not await store.record_alert_step(connection, after, store.AlertStep(step_id, step.kind, at, by, note)):
        raise conflict("stale", "Somebody was faster: the alert stands differently now. Look at it again.")
    return Recorded(str(alert_id), [])


async def alerts_of(
    request: Request,
    caller: Caller,
    after: str | None,
    *,
    shown: int = AT_ONCE,
    language: Language = Language.ENGLISH,
) -> Alerts:
    """A page of the alerts of the caller's sites that are not closed; the first `shown` are on record as read."""
    place = None if after is None else place_of(after)
    async with transaction(pool_of(request), caller.scope) as connection:
        found = await store.waiting_alerts(connection, caller.scope, place, AT_ONCE + 1)
        told_nobody = await store.sites_that_tell_nobody(connection, caller.scope)
        page = found[:AT_ONCE]
        made = await of_sites(connection, caller.scope, own_forms_of(request), page)
        patients = sorted({Patient(one.alert.site_id, one.alert.patient_id) for one in page[:shown]})
        read = [Entry(patient.site_id, Kind.READ, 200, patient.patient_id) for patient in patients]
        own = [Entry(site_id, Kind.READ, 200) for site_id in scope_on_record(caller).ids]
        await trail_of(request).keep(connection, read or own)
    now = sessions_of(request).clock()
    items = [AlertAnswer(**described(one, made, now, language)) for one in page]
    after = after_of(page[-1].alert) if len(found) > len(page) else None
    return Alerts(items=items, next=after, told_nobody=told_nobody)


async def alert_of(
    request: Request, caller: Caller, alert_id: UUID, language: Language = Language.ENGLISH
) -> AlertHistory:
    """An alert of the caller's sites with what was done with it, on record as read.

    Raises:
        Problem: 404
    """
    async with transaction(pool_of(request), caller.scope) as connection:
        found = await store.alert(connection, caller.scope, alert_id)
        if found is None:
            raise unknown("alert")
        steps = await store.alert_steps(connection, caller.scope, alert_id)
        made = await of_sites(connection, caller.scope, own_forms_of(request), [found])
        withheld = await is_withheld(connection, caller, found.alert.site_id)
        flag = await store.flag_of(connection, SiteScope.of(found.alert.site_id), found.alert.patient_id)
        await keep_read(request, connection, found.alert.site_id, found.alert.patient_id)
    patient = Patient(found.alert.site_id, found.alert.patient_id)
    now = sessions_of(request).clock()
    history = await _steps(ring_of(request), patient, steps, only_by=caller.subject if withheld else None)
    return AlertHistory(
        **described(found, made, now, language),
        is_at_high_risk=flag is not None,
        risk=flag.reason if flag else None,
        call_due_on=flag.call_due_on if flag else None,
        steps=history,
    )


async def _steps(
    ring: KeyRing, patient: Patient, steps: Sequence[store.KeptStep], *, only_by: str | None
) -> list[StepAnswer]:
    unseal = await ring.opener(patient)
    answers = []
    for kept in steps:
        note = None if kept.step.note is None else unseal(kept.step.note, in_record(kept.step.step_id, "note"))
        is_hidden = note is not None and only_by not in (None, kept.step.done_by)
        note = NOT_READABLE_NOW if is_hidden else note
        answers.append(
            StepAnswer(
                step=kept.step.kind,
                done_at=kept.step.done_at,
                done_by=kept.step.done_by,
                owner=kept.owner,
                outcome=kept.outcome,
                escalation=kept.escalation,
                note=note and note.text,
                note_state=note and note.state,
                is_withheld=is_hidden,
            )
        )
    return answers
