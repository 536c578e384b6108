"""The list of patients at high risk: anybody who cares for a patient may put them there, one person keeps the list."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.intake import store
from services.intake.api.alerts import ClinicPeople
from services.intake.api.standing import about_site, enrolled
from services.intake.domain import RiskReason
from shared.audit import Entry, Kind
from shared.auth import Caller
from shared.db import Connection, SiteScope, transaction
from shared.errors import Problem
from shared.events import ClinicianId, SiteId
from shared.http.commands import NamedSite, pool_of
from shared.http.fields import Day, Moment
from shared.http.record import scope_on_record, trail_of
from shared.http.sign_in import sessions_of
from shared.sealing import Patient

router = APIRouter(tags=["high risk"])
MOST_FLAGGED = 200


class FlagBody(BaseModel):
    """Why, as a code, and by when somebody calls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: RiskReason
    call_due_on: Day | None = None


class FlaggedAnswer(BaseModel):
    site_id: str
    patient_id: UUID
    birth_year: int
    diagnosis: str
    reason: RiskReason
    call_due_on: date | None
    flagged_by: str
    flagged_at: datetime
    next_visit_at: datetime | None
    time_zone: str


class HuddleBody(BaseModel):
    """Who keeps the list of a site, and when the team next meets over it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    list_manager: ClinicianId
    next_at: Moment | None = None


class HuddleAnswer(BaseModel):
    site_id: str
    list_manager: str
    next_at: datetime | None
    time_zone: str


class HighRisk(BaseModel):
    """At most 200 patients: those whose call is due first at the top."""

    items: list[FlaggedAnswer] = Field(max_length=MOST_FLAGGED)
    huddles: list[HuddleAnswer]


@router.put("/v1/patients/{patient_id}/high-risk")
async def flag_patient(
    request: Request, patient_id: UUID, body: FlagBody, caller: ClinicPeople, site: NamedSite = None
) -> FlagBody:
    """Put a patient on the list, or change why they are there and when the call is due."""
    await flag(request, caller, caller.writing_site(site), patient_id, body)
    return body


@router.delete("/v1/patients/{patient_id}/high-risk", status_code=204)
async def unflag_patient(request: Request, patient_id: UUID, caller: ClinicPeople, site: NamedSite = None) -> Response:
    """Take a patient off the list; again changes nothing."""
    await unflag(request, caller, caller.writing_site(site), patient_id)
    return Response(status_code=204)


@router.get("/v1/high-risk")
async def list_high_risk(request: Request, caller: ClinicPeople) -> HighRisk:
    """The patients of the caller's sites who are on the list, and who keeps it."""
    return await high_risk_of(request, caller)


@router.put("/v1/sites/{site_id}/huddle")
async def put_huddle(
    request: Request, site_id: Annotated[SiteId, Path()], body: HuddleBody, caller: ClinicPeople
) -> HuddleBody:
    """Name who keeps a site's list, and say when the team next meets over it."""
    async with about_site(request, caller, site_id, Kind.WRITE) as connection:
        await store.record_huddle(connection, store.Huddle(site_id, body.list_manager, body.next_at))
    return body


async def flag(request: Request, caller: Caller, site_id: str, patient_id: UUID, body: FlagBody) -> None:
    """Put a patient of a site on its list, on record.

    Raises:
        Problem: 404, or 410 for who is erased.
    """
    now = sessions_of(request).clock()
    async with _about_patient(request, site_id, patient_id, status=200) as connection:
        said = store.Flag(site_id, patient_id, body.reason, body.call_due_on, caller.subject, now)
        await store.record_flag(connection, said)


def read_flag(given: Mapping[str, str]) -> FlagBody:
    """Why and by when, as a form says it; other fields are no matter.

    Raises:
        Problem: 422
    """
    said = {name: value for name in FlagBody.model_fields if (value := given.get(name))}
    try:
        return FlagBody.model_validate(said)
    except ValidationError:
        raise Problem(422, "invalid", "Choose a reason, and a day such as 2026-10-13 or none.") from None


async def unflag(request: Request, caller: Caller, site_id: str, patient_id: UUID) -> None:
    """Take a patient of a site off its list, on record.

    Raises:
        Problem: as `flag`.
    """
    now = sessions_of(request).clock()
    async with _about_patient(request, site_id, patient_id, status=204) as connection:
        await store.record_flag_ended(connection, site_id, patient_id, caller.subject, now)


@asynccontextmanager
async def _about_patient(request: Request, site_id: str, patient_id: UUID, *, status: int) -> AsyncIterator[Connection]:
    async with transaction(pool_of(request), SiteScope.of(site_id), locks=[(site_id, patient_id)]) as connection:
        await enrolled(connection, site_id, patient_id)
        await trail_of(request).keep(connection, [Entry(site_id, Kind.WRITE, status, patient_id)])
        yield connection


async def high_risk_of(request: Request, caller: Caller, *, shown: int = MOST_FLAGGED) -> HighRisk:
    """The list of the caller's sites; the first `shown` patients are on record as read."""
    now = sessions_of(request).clock()
    async with transaction(pool_of(request), caller.scope) as connection:
        flagged = await store.flagged_patients(connection, caller.scope, now, MOST_FLAGGED)
        huddles = await store.huddles(connection, caller.scope)
        patients = sorted(Patient(one.flag.site_id, one.flag.patient_id) for one in flagged[:shown])
        read = [Entry(patient.site_id, Kind.READ, 200, patient.patient_id) for patient in patients]
        own = [Entry(site_id, Kind.READ, 200) for site_id in scope_on_record(caller).ids]
        await trail_of(request).keep(connection, read or own)
    items = [
        FlaggedAnswer(
            **one.flag._asdict(),
            birth_year=one.birth_year,
            diagnosis=one.diagnosis,
            next_visit_at=one.next_visit_at,
            time_zone=one.time_zone,
        )
        for one in flagged
    ]
    return HighRisk(items=items, huddles=[HuddleAnswer(**huddle._asdict(), time_zone=zone) for huddle, zone in huddles])
