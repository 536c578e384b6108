"""Consent to network use: invitations and decisions as steps with a date, and the texts that patients are shown.

Every step says how it came in (`mode`), which text the patient saw, when it was recorded and by whom; none is changed.
"""

from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.standing import day_of, enrolled, today_at
from services.intake.domain import (
    ConsentReason,
    ConsentStep,
    ConsentText,
    check_invitation,
    check_text,
    decide,
    next_invitation,
)
from shared.db import Connection, SiteScope, transaction
from shared.errors import conflict, unknown
from shared.events import ConsentState, EntryMode, Language
from shared.http.access import CareTeam, SiteStaff
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute, pool_of
from shared.http.fields import Day
from shared.http.record import keep_read
from shared.outbox import Draft, Recorded

router = APIRouter(tags=["consent"])
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]


class ShownText(BaseModel):
    """One of the site's consent texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Version
    language: Language

    @property
    def text(self) -> ConsentText:
        return ConsentText(self.version, self.language)


class ConsentBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    state: ConsentState
    reason: ConsentReason | None = Field(default=None, description="Needed to withdraw")
    decided_on: Day | None = Field(default=None, description="The site's today when not given; not a day after it")
    mode: EntryMode | None = Field(default=None, description="How the decision came in")
    text: ShownText | None = Field(default=None, description="Needed to consent where the site has texts")


class InvitationBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: EntryMode | None = Field(default=None, description="How the patient was asked")
    text: ShownText | None = None


class ConsentTextBody(ShownText):
    """`sha256` is that of the text as it was approved, in hexadecimal; the text itself stays with the site."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    valid_from: Day


class StepAnswer(BaseModel):
    """`invited` again and again, until the patient decides."""

    state: ConsentState
    decided_on: date
    reason: ConsentReason | None
    mode: EntryMode | None
    text: ShownText | None
    recorded_at: datetime
    recorded_by: str


class ConsentAnswer(BaseModel):
    """`next_invitation_on`: the first day for another invitation; null when there is to be none."""

    patient_id: UUID
    state: ConsentState
    decided_on: date
    next_invitation_on: date | None
    steps: list[StepAnswer]


class ConsentTexts(BaseModel):
    items: list[ConsentTextBody]


@router.post("/v1/patients/{patient_id}/consent", status_code=201, response_model=Accepted, responses=MANY)
async def decide_consent(
    request: Request,
    patient_id: UUID,
    body: Batch[ConsentBody],
    caller: SiteStaff,
    key: IdempotencyKey,
    site: NamedSite = None,
) -> Response:
    """Record a decision about network use. Care does not depend on it."""
    command = Command[ConsentBody](
        locks=lambda _site, _body: [str(patient_id)],
        record=partial(_decide, patient_id, caller.subject),
        about=patient_id,
    )
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


@router.post("/v1/patients/{patient_id}/invitations", status_code=201, response_model=Accepted)
async def invite_again(
    request: Request,
    patient_id: UUID,
    body: InvitationBody,
    caller: SiteStaff,
    key: IdempotencyKey,
    site: NamedSite = None,
) -> Response:
    """Record that a patient who has not decided was invited again: three times at most, 14 days apart."""
    command = Command[InvitationBody](
        locks=lambda _site, _body: [str(patient_id)],
        record=partial(_invite, patient_id, caller.subject),
        about=patient_id,
    )
    batch = Batch([body], is_single=True)
    return await execute(request, command, batch, site_id=caller.writing_site(site), key=key)


@router.get("/v1/patients/{patient_id}/consent")
async def read_consent(request: Request, patient_id: UUID, caller: CareTeam, site: NamedSite = None) -> ConsentAnswer:
    """How a patient's consent stands and how it came to that, the first step first."""
    site_id = caller.writing_site(site)
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        enrolment = await store.enrolment(connection, scope, patient_id)
        if enrolment is None:
            raise unknown("patient")
        steps = await store.consent_steps(connection, scope, patient_id)
        await keep_read(request, connection, site_id, patient_id)
    return ConsentAnswer(
        patient_id=patient_id,
        state=enrolment.consent,
        decided_on=enrolment.consent_decided_on,
        next_invitation_on=next_invitation(enrolment.consent, _invited_on(steps)),
        steps=[_described(step) for step in steps],
    )


@router.post("/v1/consent-texts", status_code=201, response_model=Accepted, responses=MANY)
async def add_consent_texts(
    request: Request, body: Batch[ConsentTextBody], caller: SiteStaff, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Register a consent text that the site shows. A version is never changed; a new wording is a new version."""
    command = Command[ConsentTextBody](
        locks=lambda _site, text: [f"consent-text:{text.text}"], record=partial(_add, caller.subject)
    )
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


@router.get("/v1/consent-texts")
async def list_consent_texts(request: Request, caller: CareTeam, site: NamedSite = None) -> ConsentTexts:
    """The site's consent texts, the newest first."""
    site_id = caller.writing_site(site)
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        texts = await store.consent_texts(connection, SiteScope.of(site_id))
        await keep_read(request, connection, site_id, None)
    items = [
        ConsentTextBody(
            version=kept.text.version,
            language=kept.text.language,
            sha256=kept.sha256.hex(),
            valid_from=kept.valid_from.isoformat(),
        )
        for kept in texts
    ]
    return ConsentTexts(items=items)


def read_shown(said: str) -> dict[str, str] | None:
    """The text that a form names, as `2|en`; None where it names none."""
    version, _, language = said.partition("|")
    return {"version": version, "language": language} if said else None


def named(shown: ShownText | None) -> ConsentText | None:
    """The text of a request that may name one."""
    return None if shown is None else shown.text


async def check_shown(
    connection: Connection, site_id: str, shown: ShownText | None, day: date, state: ConsentState
) -> None:
    """Whether the site had this text on the day.

    Raises:
        Problem: 409, see `check_text`.
    """
    if shown is None and state is not ConsentState.CONSENTED:
        return
    texts = await store.consent_texts(connection, SiteScope.of(site_id))
    check_text(named(shown), [kept.text for kept in texts if kept.valid_from <= day], state)


async def _decide(patient_id: UUID, by: str, connection: Connection, site_id: str, body: ConsentBody) -> Recorded:
    enrolment = await enrolled(connection, site_id, patient_id)
    decided_on = day_of("decided_on", body.decided_on, await today_at(connection, site_id))
    decide(enrolment.consent, body.state, body.reason, decided_on, enrolment.consent_decided_on)
    await check_shown(connection, site_id, body.text, decided_on, body.state)
    step = ConsentStep(body.state, decided_on, body.reason, body.mode, named(body.text), datetime.now(UTC), by)
    changed = enrolment.model_copy(
        update={"consent": body.state, "consent_decided_on": decided_on, "consent_reason": body.reason}
    )
    await store.record_consent(connection, site_id, changed)
    await store.record_consent_step(connection, site_id, patient_id, step)
    return Recorded(str(patient_id), [Draft(site_id, str(patient_id), changed)])


async def _invite(patient_id: UUID, by: str, connection: Connection, site_id: str, body: InvitationBody) -> Recorded:
    """Nobody outside needs to hear of it: the patient's consent stands as it stood."""
    enrolment = await enrolled(connection, site_id, patient_id)
    today = await today_at(connection, site_id)
    steps = await store.consent_steps(connection, SiteScope.of(site_id), patient_id)
    check_invitation(enrolment.consent, _invited_on(steps), today)
    await check_shown(connection, site_id, body.text, today, ConsentState.INVITED)
    step = ConsentStep(ConsentState.INVITED, today, None, body.mode, named(body.text), datetime.now(UTC), by)
    await store.record_consent_step(connection, site_id, patient_id, step)
    return Recorded(str(patient_id), [])


async def _add(by: str, connection: Connection, site_id: str, body: ConsentTextBody) -> Recorded:
    scope, kept = SiteScope.of(site_id), store.KeptText(body.text, bytes.fromhex(body.sha256), body.valid_from)
    if not await store.has_site(connection, scope, site_id):
        raise unknown("site")
    await store.record_consent_text(connection, site_id, kept, datetime.now(UTC), by)
    if kept not in await store.consent_texts(connection, scope):
        raise conflict(
            "consent-text-kept", "The site has another text of this version and language. Take a new version."
        )
    return Recorded(str(body.text), [])


def _invited_on(steps: list[ConsentStep]) -> list[date]:
    return [step.decided_on for step in steps if step.state is ConsentState.INVITED]


def _described(step: ConsentStep) -> StepAnswer:
    return StepAnswer(
        state=step.state,
        decided_on=step.decided_on,
        reason=step.reason,
        mode=step.mode,
        text=None if step.text is None else ShownText(version=step.text.version, language=step.text.language),
        recorded_at=step.recorded_at,
        recorded_by=step.recorded_by,
    )
