"""Breaking the glass: a clinician opens one patient of another site for a while, with a stated reason.

The patient's site keeps the glass and alone says whether it is open; the clinician's own site keeps that it was tried.
Both are written in one transaction, bound to both. What is read through the glass is read in one that is bound to the
patient's site alone (`services.dashboard.api.seeing`).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.dashboard import store
from services.dashboard.api.standing import ClinicPeople, Coordinator, is_here
from services.dashboard.domain import BrokenGlass, GlassReason, GlassTry, GlassUse, wait_s
from services.dashboard.settings import DashboardAppSettings
from shared.audit import Entry, Kind, Purpose
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import KeyRingAway, Problem, conflict, unknown
from shared.events import SiteId
from shared.http.access import allow
from shared.http.commands import pool_of, ring_of
from shared.http.fields import Moment
from shared.http.problems import no_keys
from shared.http.record import kind_of, trail_of
from shared.http.sign_in import sessions_of
from shared.sealing import Patient, WordsState, in_record

router = APIRouter(tags=["break-glass"])
_AT_ONCE = 100
_SHOWN_FOR = timedelta(days=30)
Clinician = Annotated[Caller, Depends(allow(Role.CLINICIAN))]
Before = Annotated[Moment | None, Query(description="Only what was opened before: `next` of an answer")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=500)]


class GlassBody(BaseModel):
    """Whom to open, at which site, and why. The patient's site reads `words`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site_id: SiteId
    patient_id: UUID
    reason: GlassReason
    words: Words


class GlassAnswer(BaseModel):
    """The patient's page can be read until then, by who broke the glass."""

    id: UUID
    site_id: str
    patient_id: UUID
    broken_at: datetime
    until: datetime


class GlassUseAnswer(BaseModel):
    """One use of broken glass. `day` is the day at the site; `words` are why, where `words_state` is `readable`."""

    id: UUID
    site_id: str
    patient_id: UUID
    day: date
    time_zone: str
    broken_at: datetime
    until: datetime
    subject: str
    of_sites: list[str]
    reason: GlassReason
    words: str | None
    words_state: WordsState
    looks: int
    ended_at: datetime | None
    ended_by: str | None
    reviewed_at: datetime | None
    reviewed_by: str | None


class GlassUses(BaseModel):
    """The last 30 days, the latest first. `next` is null when there are no earlier ones."""

    items: list[GlassUseAnswer]
    next: datetime | None


class Broken(NamedTuple):
    """Open glass; not new when it was open already."""

    glass: BrokenGlass
    is_new: bool


@router.post(
    "/v1/break-glass",
    status_code=201,
    responses={200: {"model": GlassAnswer, "description": "It is open already, and stays open no longer than it was"}},
)
async def break_glass(request: Request, response: Response, body: GlassBody, caller: Clinician) -> GlassAnswer:
    """Open the page of a patient of another site in an emergency, for reading only. That site is told who did and why.

    A patient and a site that do not exist, or do not belong together, answer alike. Every try is on record, and counted
    unless it was answered with 503.
    """
    glass, is_new = await broken(request, caller, body)
    response.status_code = 201 if is_new else 200
    return GlassAnswer(
        id=glass.glass_id,
        site_id=glass.site_id,
        patient_id=glass.patient_id,
        broken_at=glass.broken_at,
        until=glass.until,
    )


@router.get("/v1/break-glass")
async def read_broken_glass(request: Request, caller: Coordinator, before: Before = None) -> GlassUses:
    """Who of other sites opened pages of this site's patients."""
    return await uses_of(request, caller, before)


@router.post("/v1/break-glass/{glass_id}/review", status_code=204)
async def review_broken_glass(request: Request, glass_id: UUID, caller: Coordinator) -> Response:
    """Say that somebody of the site has looked into it; again changes nothing."""
    await review(request, caller, glass_id)
    return Response(status_code=204)


@router.delete("/v1/break-glass/{glass_id}", status_code=204)
async def end_broken_glass(request: Request, glass_id: UUID, caller: ClinicPeople) -> Response:
    """Close it before its time: who broke it, or the patient's site. Again changes nothing."""
    await end(request, caller, glass_id)
    return Response(status_code=204)


async def broken(request: Request, caller: Caller, body: GlassBody) -> Broken:
    """Break the glass, or find it broken; either is on record at both sites, and a refusal at the caller's own.

    Raises:
        Problem: 404, 409 for a patient of the caller's own sites, 429, or 503 while words cannot be sealed.
    """
    trail = trail_of(request)
    trail.purpose = Purpose.BREAK_GLASS
    async with transaction(
        pool_of(request),
        SiteScope(caller.sites | {body.site_id}),
        locks=[(site_id, f"break-glass:{caller.subject}") for site_id in caller.sites],
    ) as connection:
        outcome = await _tried(request, connection, caller, body)
        await trail.keep(connection, _entries(caller, body, outcome))
    if isinstance(outcome, Problem):
        raise trail.kept(outcome)
    return outcome


async def uses_of(request: Request, caller: Caller, before: datetime | None) -> GlassUses:
    """The uses of the last 30 days, each patient's on record as read."""
    since = sessions_of(request).clock() - _SHOWN_FOR
    async with transaction(pool_of(request), caller.scope) as connection:
        found = await store.glass_uses(connection, caller.scope, since, before, _AT_ONCE + 1)
        shown = found[:_AT_ONCE]
        patients = {Patient(use.glass.site_id, use.glass.patient_id) for use in shown}
        read = [Entry(patient.site_id, Kind.READ, 200, patient.patient_id) for patient in sorted(patients)]
        await trail_of(request).keep(connection, read or [Entry(own, Kind.READ, 200) for own in caller.scope.ids])
    await ring_of(request).warm(patients)
    items = [await _described(request, use) for use in shown]
    return GlassUses(items=items, next=items[-1].broken_at if len(found) > len(shown) else None)


async def review(request: Request, caller: Caller, glass_id: UUID) -> None:
    """Keep that this coordinator has looked into it.

    Raises:
        Problem: 404, no such glass at the caller's sites.
    """
    async with transaction(pool_of(request), caller.scope) as connection:
        glass = await store.glass(connection, caller.scope, glass_id)
        if glass is None:
            raise unknown("emergency opening")
        await trail_of(request).keep(connection, [_entry(glass, Kind.WRITE, 204)])
        await store.record_glass_reviewed(connection, glass, caller.subject, sessions_of(request).clock())


async def end(request: Request, caller: Caller, glass_id: UUID) -> None:
    """Close glass before its time.

    Raises:
        Problem: 404, no such glass at the coordinator's sites, or none that this clinician broke.
    """
    scope = caller.scope
    if caller.role is Role.CLINICIAN:
        async with transaction(pool_of(request), scope) as connection:
            site_id = await store.site_of_glass(connection, scope, caller.subject, glass_id)
        scope = SiteScope.of(*filter(None, [site_id]))
    async with transaction(pool_of(request), scope) as connection:
        glass = await store.glass(connection, scope, glass_id)
        is_own = glass is not None and glass.is_of(caller.subject, caller.sites)
        if glass is None or (caller.role is Role.CLINICIAN and not is_own):
            raise unknown("emergency opening")
        await trail_of(request).keep(connection, [_entry(glass, Kind.WRITE, 204)])
        await store.record_glass_ended(connection, glass, caller.subject, sessions_of(request).clock())


def broken_by(caller: Caller, glass: Sequence[BrokenGlass]) -> BrokenGlass | None:
    """The glass among these that this clinician broke."""
    return next((one for one in glass if one.is_of(caller.subject, caller.sites)), None)


async def _tried(request: Request, connection: Connection, caller: Caller, body: GlassBody) -> Broken | Problem:
    """What a try comes to; it counts against the next ones, unless it is one too many or the key ring is away."""
    if body.site_id in caller.sites:
        return conflict("own-site", "A patient of your own site needs no emergency: open the page itself.")
    now, most = sessions_of(request).clock(), _settings(request).glass_tries_per_hour
    tries = await store.glass_tries(connection, caller.scope, caller.subject, most)
    if wait := wait_s(tries, most, now):
        why = f"There are {most} tries an hour. Call the other clinic, or try again later."
        return Problem(429, "too-many-tries", why, headers={"retry-after": str(wait)})
    outcome = await _broken(request, connection, caller, body, now)
    if isinstance(outcome, Problem) and outcome.status == 503:
        return outcome
    glass_id = None if isinstance(outcome, Problem) else outcome.glass.glass_id
    at_own_site = caller.scope.ids[0]
    await store.record_glass_try(
        connection, GlassTry(at_own_site, caller.subject, now, body.site_id, body.patient_id, glass_id)
    )
    return outcome


async def _broken(
    request: Request, connection: Connection, caller: Caller, body: GlassBody, now: datetime
) -> Broken | Problem:
    there = SiteScope.of(body.site_id)
    if not await is_here(connection, there, body.patient_id):
        return unknown("patient")
    glass = broken_by(caller, await store.open_glass_to(connection, there, [body.patient_id], now))
    if glass is not None:
        return Broken(glass, is_new=False)
    try:
        key = await ring_of(request).sealer(Patient(body.site_id, body.patient_id))
    except KeyRingAway:
        return no_keys()
    except Problem:  # erased, which the page does not know yet
        return unknown("patient")
    glass_id = uuid4()
    glass = BrokenGlass(
        glass_id=glass_id,
        site_id=body.site_id,
        patient_id=body.patient_id,
        subject=caller.subject,
        of_sites=tuple(caller.scope.ids),
        reason=body.reason,
        words=key.seal(body.words, in_record(glass_id, "words")),
        broken_at=now,
        until=now + timedelta(seconds=_settings(request).glass_open_s),
    )
    await store.record_glass(connection, glass)
    return Broken(glass, is_new=True)


def _entries(caller: Caller, body: GlassBody, outcome: Broken | Problem) -> list[Entry]:
    """At each of the caller's sites what was asked for; at the patient's that its glass was broken."""
    asked = [f"site_id={body.site_id}"]
    if isinstance(outcome, Problem):
        return [Entry(own, kind_of(outcome), outcome.status, body.patient_id, asked=asked) for own in caller.scope.ids]
    kind, status = (Kind.WRITE, 201) if outcome.is_new else (Kind.REPEATED, 200)
    own_entries = [Entry(own, kind, status, body.patient_id, asked=asked) for own in caller.scope.ids]
    return [*own_entries, _entry(outcome.glass, kind, status)]


def _entry(glass: BrokenGlass, kind: Kind, status: int) -> Entry:
    """At the patient's site."""
    return Entry(glass.site_id, kind, status, glass.patient_id, asked=[glass.on_record])


async def _described(request: Request, use: GlassUse) -> GlassUseAnswer:
    glass = use.glass
    unseal = await ring_of(request).opener(Patient(glass.site_id, glass.patient_id))
    words = unseal(glass.words, in_record(glass.glass_id, "words"))
    return GlassUseAnswer(
        id=glass.glass_id,
        site_id=glass.site_id,
        patient_id=glass.patient_id,
        day=glass.broken_at.astimezone(ZoneInfo(use.time_zone)).date(),
        time_zone=use.time_zone,
        broken_at=glass.broken_at,
        until=glass.until,
        subject=glass.subject,
        of_sites=list(glass.of_sites),
        reason=glass.reason,
        words=words.text,
        words_state=words.state,
        looks=use.looks,
        ended_at=glass.ended_at,
        ended_by=glass.ended_by,
        reviewed_at=glass.reviewed_at,
        reviewed_by=glass.reviewed_by,
    )


def _settings(request: Request) -> DashboardAppSettings:
    settings: DashboardAppSettings = request.app.state.settings
    return settings
