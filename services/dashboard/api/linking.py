"""Linking a patient of two sites: one site makes a code for its patient, the other gives it for its own.

Both say that the patient agreed. Each side is a row of its own site, and either side ends it for both. Without a valid
code nobody learns whether somebody is a patient elsewhere: whatever is wrong with one, the answer is the same. Nothing
of it travels on Kafka: there it would tie the two numbers of a person together, also after one of them was erased.
"""

import secrets
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.dashboard import store
from services.dashboard.api.standing import ClinicPeople, Coordinator, is_here, other_side
from services.dashboard.domain import (
    CODE_LIVES_FOR,
    SECRET_BYTES,
    LinkCode,
    LinkConsent,
    LinkedPatient,
    code_of,
    read_code,
    wait_s,
)
from shared.audit import Entry, Kind
from shared.db import Connection, SiteScope, transaction
from shared.errors import Problem, unknown
from shared.http.commands import NamedSite, pool_of
from shared.http.record import keep_read, kind_of, trail_of
from shared.http.sign_in import sessions_of

router = APIRouter(tags=["links"])
MOST_TRIES = 20


class CodeBody(BaseModel):
    """`agreed`: how the patient said yes to the link."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agreed: LinkConsent


class MadeCode(BaseModel):
    """`code` is for the other site, by the patient or by telephone. It is shown once and opens once."""

    code: str
    expires_at: datetime


class LinkBody(BaseModel):
    """The code that the other site made, and how the patient said yes here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(max_length=100)
    agreed: LinkConsent


class LinkAnswer(BaseModel):
    """This site's side of a link."""

    id: UUID
    other_site: str
    other_name: str
    since: datetime
    agreed: LinkConsent
    agreed_with: str
    ended_at: datetime | None
    ended_by: str | None


class Links(BaseModel):
    patient_id: UUID
    items: list[LinkAnswer]


class Given(NamedTuple):
    """A coordinator gives a code for a patient of their site."""

    subject: str
    site_id: str
    patient_id: UUID
    agreed: LinkConsent
    at: datetime


class Linked(NamedTuple):
    """Both sides of a link; not new when the two were linked already."""

    own: LinkedPatient
    other: LinkedPatient
    is_new: bool


@router.post("/v1/patients/{patient_id}/link-codes", status_code=201)
async def make_link_code(
    request: Request, patient_id: UUID, body: CodeBody, caller: Coordinator, site: NamedSite = None
) -> MadeCode:
    """Make the code that another site links this patient by, for a week. It takes the place of the one before."""
    site_id, now = caller.writing_site(site), sessions_of(request).clock()
    code, scope = code_of(site_id, secrets.token_bytes(SECRET_BYTES)), SiteScope.of(site_id)
    expires_at = now + CODE_LIVES_FOR
    async with transaction(pool_of(request), scope, locks=[(site_id, patient_id)]) as connection:
        if not await is_here(connection, scope, patient_id):
            raise unknown("patient")
        await trail_of(request).keep(connection, [Entry(site_id, Kind.WRITE, 201, patient_id)])
        await store.record_link_code(
            connection, LinkCode(site_id, patient_id, code.hash, body.agreed, caller.subject, now, expires_at)
        )
    return MadeCode(code=str(code), expires_at=expires_at)


@router.post(
    "/v1/patients/{patient_id}/links",
    status_code=201,
    responses={200: {"model": LinkAnswer, "description": "They are linked already"}},
)
async def link_patients(
    request: Request,
    response: Response,
    patient_id: UUID,
    body: LinkBody,
    caller: Coordinator,
    site: NamedSite = None,
) -> LinkAnswer:
    """Link this site's patient with the one of the site that made the code."""
    trail = trail_of(request)
    given = Given(caller.subject, caller.writing_site(site), patient_id, body.agreed, sessions_of(request).clock())
    behind = await _behind(request, given, body.code)
    patients = {given.site_id: patient_id} | ({} if behind is None else {behind.site_id: behind.patient_id})
    async with transaction(
        pool_of(request), SiteScope.of(*patients), locks=[(given.site_id, f"link:{given.subject}"), *patients.items()]
    ) as connection:
        outcome = await _tried(connection, given, behind)
        await trail.keep(connection, _entries(given, outcome))
    if isinstance(outcome, Problem):
        raise trail.kept(outcome)
    response.status_code = 201 if outcome.is_new else 200
    return _described(outcome.own)


@router.get("/v1/patients/{patient_id}/links")
async def list_links(request: Request, patient_id: UUID, caller: ClinicPeople) -> Links:
    """At which other sites the same person is a patient, and was; the newest first."""
    async with transaction(pool_of(request), caller.scope) as connection:
        home = await store.home_of(connection, caller.scope, patient_id)
        if home is None:
            raise unknown("patient")
        links = await store.links_of(connection, caller.scope, [patient_id])
        await keep_read(request, connection, home.site_id, patient_id)
    return Links(patient_id=patient_id, items=[_described(link) for link in links])


@router.delete("/v1/patients/{patient_id}/links/{link_id}", status_code=204)
async def end_link(request: Request, patient_id: UUID, link_id: UUID, caller: Coordinator) -> Response:
    """End a link for both sites; again changes nothing."""
    async with transaction(pool_of(request), caller.scope) as connection:
        own = await store.link(connection, caller.scope, link_id)
    if own is None or own.patient_id != patient_id:
        raise unknown("link")
    async with transaction(
        pool_of(request),
        SiteScope.of(own.site_id, own.other_site),
        locks=[(own.site_id, patient_id), (own.other_site, own.other_patient_id)],
    ) as connection:
        # Read again, now that both patients are held: it may have been ended, or forgotten, a moment ago.
        own = await store.link(connection, caller.scope, link_id)
        if own is None:
            raise unknown("link")
        other = await other_side(connection, own)
        sides = [own] if other is None else [own, other]
        await trail_of(request).keep(connection, [_entry(side, Kind.WRITE, 204) for side in sides])
        await store.record_links_ended(connection, sides, caller.subject, sessions_of(request).clock())
    return Response(status_code=204)


async def _behind(request: Request, given: Given, text: str) -> LinkCode | None:
    """What the site that made the code keeps of it. It is looked up there alone."""
    code = read_code(text)
    if code is None or code.site_id == given.site_id:
        return None
    scope = SiteScope.of(code.site_id)
    async with transaction(pool_of(request), scope) as connection:
        return await store.link_code(connection, scope, code.hash)


async def _tried(connection: Connection, given: Given, behind: LinkCode | None) -> Linked | Problem:
    """What giving a code comes to; it counts against the next ones, unless it is one too many."""
    here = SiteScope.of(given.site_id)
    if not await is_here(connection, here, given.patient_id):
        return unknown("patient")
    tries = await store.link_tries(connection, here, given.subject, MOST_TRIES)
    if wait := wait_s(tries, MOST_TRIES, given.at):
        why = f"There are {MOST_TRIES} tries an hour. Ask the other clinic for the code once more."
        return Problem(429, "too-many-tries", why, headers={"retry-after": str(wait)})
    await store.record_link_try(connection, given.site_id, given.subject, given.at)
    # Read again, now that both patients are held: it may have been used, or replaced, a moment ago.
    code = None if behind is None else await store.link_code(connection, SiteScope.of(behind.site_id), behind.code_hash)
    if code is not None and (linked := await _linked_already(connection, given, code)) is not None:
        if code.is_live(given.at):
            await store.record_link_code_used(connection, code, given.at)
        return linked
    if code is None or not code.is_live(given.at):
        return _no_such_code()
    there = SiteScope.of(code.site_id)
    if not await is_here(connection, there, code.patient_id):
        return _no_such_code()
    linked = _made(
        given,
        code,
        here_is=await store.site_name(connection, here, given.site_id) or given.site_id,
        there_is=await store.site_name(connection, there, code.site_id) or code.site_id,
    )
    await store.record_links(connection, [linked.own, linked.other])
    await store.record_link_code_used(connection, code, given.at)
    return linked


async def _linked_already(connection: Connection, given: Given, code: LinkCode) -> Linked | None:
    for own in await store.links_of(connection, SiteScope.of(given.site_id), [given.patient_id]):
        if own.is_live and (own.other_site, own.other_patient_id) == (code.site_id, code.patient_id):
            other = await other_side(connection, own)
            return None if other is None else Linked(own, other, is_new=False)
    return None


def _made(given: Given, code: LinkCode, *, here_is: str, there_is: str) -> Linked:
    own = LinkedPatient(
        link_id=uuid4(),
        site_id=given.site_id,
        patient_id=given.patient_id,
        other_site=code.site_id,
        other_name=there_is,
        other_patient_id=code.patient_id,
        since=given.at,
        agreed=given.agreed,
        agreed_with=given.subject,
    )
    other = LinkedPatient(
        link_id=uuid4(),
        site_id=code.site_id,
        patient_id=code.patient_id,
        other_site=given.site_id,
        other_name=here_is,
        other_patient_id=given.patient_id,
        since=given.at,
        agreed=code.agreed,
        agreed_with=code.made_by,
    )
    return Linked(own, other, is_new=True)


def _entries(given: Given, outcome: Linked | Problem) -> list[Entry]:
    """At the site of who gave the code what it came to; at the other's that they were linked."""
    if isinstance(outcome, Problem):
        return [Entry(given.site_id, kind_of(outcome), outcome.status, given.patient_id)]
    kind, status = (Kind.WRITE, 201) if outcome.is_new else (Kind.REPEATED, 200)
    return [_entry(side, kind, status) for side in (outcome.own, outcome.other)]


def _entry(side: LinkedPatient, kind: Kind, status: int) -> Entry:
    return Entry(side.site_id, kind, status, side.patient_id, asked=[side.on_record])


def _no_such_code() -> Problem:
    return Problem(404, "not-found", "The code does not open: it is wrong, old or used. Ask for a new one.")


def _described(link: LinkedPatient) -> LinkAnswer:
    return LinkAnswer(
        id=link.link_id,
        other_site=link.other_site,
        other_name=link.other_name,
        since=link.since,
        agreed=link.agreed,
        agreed_with=link.agreed_with,
        ended_at=link.ended_at,
        ended_by=link.ended_by,
    )
