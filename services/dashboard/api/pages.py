"""A patient's page, as JSON for clinic front-ends and as HTML for people. The look is recorded before the answer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import HTMLResponse

from services.dashboard import store
from services.dashboard.api.glass import MOST_AT_ONCE, is_open_to
from services.dashboard.api.glass import through as through_glass
from services.dashboard.domain import BrokenGlass, context_of, has_words, is_readable, open_words
from services.dashboard.pages import present, say_unknown
from shared import outbox
from shared.audit import Kind, Purpose
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, lock, transaction
from shared.errors import Problem, unknown
from shared.events import DashboardViewed, ViewContext, ViewerRole
from shared.http.access import allow, only_own_page
from shared.http.commands import pool_of, ring_of
from shared.http.receipts import WaitFor, arrived
from shared.http.record import keep_read, trail_of
from shared.http.sign_in import sessions_of
from shared.sealing import NOT_READABLE_NOW, Opener, Patient

router = APIRouter(tags=["page"])
Viewer = Annotated[Caller, Depends(allow(Role.PATIENT, Role.CLINICIAN, Role.COORDINATOR))]
SharedScreen = Annotated[bool, Query(description="Patient and clinician look at one screen")]


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody asks for a page. `known` is the version that they have; people are shown glass that is broken now."""

    caller: Caller
    patient_id: UUID
    at: datetime
    is_shared: bool
    is_for_people: bool
    known: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A look that may be answered. `through` is the broken glass that it came by, `glass` all that is broken now."""

    stored: store.StoredPage
    view: DashboardViewed
    glass: Sequence[BrokenGlass]
    through: BrokenGlass | None

    @property
    def beacon(self) -> UUID | None:
        """The look that its length is reported of; who comes through glass may read and nothing else."""
        return self.view.view_id if self.through is None else None


@router.get("/v1/patients/{patient_id}/page")
async def read_page(
    request: Request,
    patient_id: UUID,
    caller: Viewer,
    shared: SharedScreen = False,
    wait_for: WaitFor = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The page with `as_of` and the freshness of each source.

    `Samepage-Waited` says whether the receipt in `wait_for` has arrived (`arrived`) or was given up on (`gave-up`).
    `Samepage-Glass-Until` says that it is open to this clinician in an emergency, and until when.
    """
    waited = await _wait(request, caller, wait_for)
    look = Look(caller, patient_id, sessions_of(request).clock(), shared, is_for_people=False, known=if_none_match)
    seen = await _seen(request, look)
    stored = seen.stored
    headers = {"etag": stored.etag, **waited}
    if seen.through is None:
        headers["samepage-view"] = str(seen.view.view_id)
    else:
        headers["samepage-glass-until"] = seen.through.until.isoformat()
    if if_none_match == stored.etag:
        return Response(status_code=304, headers=headers)
    page = orjson.loads(stored.content)
    opened = open_words(page, await _opener(request, stored.site_id, page))
    if not is_readable(opened):
        del headers["etag"]  # the same page will have more to say later
    return Response(orjson.dumps(opened), media_type="application/json", headers=headers)


@router.get("/patients/{patient_id}", include_in_schema=False)
async def show_page(
    request: Request, patient_id: UUID, caller: Viewer, shared: SharedScreen = False, wait_for: WaitFor = None
) -> Response:
    """The page for people."""
    waited = await _wait(request, caller, wait_for)
    look = Look(caller, patient_id, sessions_of(request).clock(), shared, is_for_people=True)
    is_synthetic = request.app.state.platform.is_synthetic
    try:
        seen = await _seen(request, look)
    except Problem as problem:
        if problem.status != 404:
            raise
        unknown_to = ViewerRole(caller.role)
        return HTMLResponse(say_unknown(patient_id, unknown_to, is_synthetic=is_synthetic), problem.status)
    page = orjson.loads(seen.stored.content)
    html = present(
        page,
        now=look.at,
        time_zone=seen.stored.time_zone,
        unseal=await _opener(request, seen.stored.site_id, page),
        viewer_role=seen.view.role,
        view_id=seen.beacon,
        glass=seen.glass,
        through=seen.through,
        is_synthetic=is_synthetic,
    )
    return HTMLResponse(html, headers=waited | _closing(seen.through, look.at))


async def _wait(request: Request, caller: Caller, receipt: UUID | None) -> dict[str, str]:
    if receipt is None:
        return {}
    has_arrived = await arrived(pool_of(request), caller.scope, receipt)
    return {"samepage-waited": "arrived" if has_arrived else "gave-up"}


async def _seen(request: Request, look: Look) -> Seen:
    """The stored page and the record of this look, durable before anything is shown.

    A page that is not of the caller's sites may be one that this clinician broke the glass to.

    Raises:
        Problem: 404.
    """
    only_own_page(look.caller, look.patient_id)
    caller = look.caller
    seen = await _seen_under(request, look, caller.scope)
    if seen is None and caller.role is Role.CLINICIAN:
        async with transaction(pool_of(request), caller.scope) as connection:
            elsewhere = await store.site_behind_glass(connection, caller.scope, caller.subject, look.patient_id)
        if elsewhere is not None:
            seen = await _seen_under(request, look, SiteScope.of(elsewhere))
    if seen is None:
        raise unknown("patient")
    return seen


async def _seen_under(request: Request, look: Look, scope: SiteScope) -> Seen | None:
    async with transaction(pool_of(request), scope) as connection:
        await lock(connection, [str(look.patient_id)])
        stored = await store.page(connection, scope, look.patient_id)
        if stored is None:
            return None
        is_own = stored.site_id in look.caller.sites
        broken: list[BrokenGlass] = []
        if look.is_for_people or not is_own:
            broken = await store.glass_to(connection, scope, look.patient_id, MOST_AT_ONCE)
        through = None if is_own else is_open_to(look.caller, broken, look.at)
        if not is_own and through is None:
            return None
        view = _view(look, stored, through)
        await store.record_view(connection, stored.site_id, look.caller.subject, view)
        await outbox.add(connection, [outbox.Draft(stored.site_id, str(look.patient_id), view)])
        await _keep(request, connection, look, stored, through)
    return Seen(stored, view, [glass for glass in broken if glass.is_open(look.at)], through)


def _view(look: Look, stored: store.StoredPage, through: BrokenGlass | None) -> DashboardViewed:
    """What is published of a look: one through glass is outside whatever visit takes place at the patient's site."""
    context, visit_id = (ViewContext.OUTSIDE, None) if through else context_of(_visits(stored), look.at)
    return DashboardViewed(
        view_id=uuid4(),
        patient_id=look.patient_id,
        visit_id=visit_id,
        role=ViewerRole(look.caller.role),
        context=context,
        is_shared_screen=look.is_shared,
        opened_at=look.at,
    )


async def _keep(
    request: Request, connection: Connection, look: Look, stored: store.StoredPage, through: BrokenGlass | None
) -> None:
    status = 304 if look.known == stored.etag else 200
    if through is None:
        await keep_read(request, connection, stored.site_id, look.patient_id, status=status)
        return
    trail = trail_of(request)
    trail.purpose = Purpose.BREAK_GLASS
    await trail.keep(connection, [through_glass(through, Kind.READ, status)])


def _closing(through: BrokenGlass | None, now: datetime) -> dict[str, str]:
    """Let the browser leave a page when its glass closes, though nobody touches it."""
    if through is None:
        return {}
    seconds = math.ceil((through.until - now).total_seconds())
    return {"refresh": f"{seconds}; url=/break-glass/new?patient_id={through.patient_id}"}


def _visits(stored: store.StoredPage) -> list[dict[str, Any]]:
    visits: list[dict[str, Any]] = orjson.loads(stored.content)["visits"]
    return visits


async def _opener(request: Request, site_id: str, page: Mapping[str, Any]) -> Opener:
    """Opens the words on a page; a page without words asks the key ring nothing."""
    if not has_words(page):
        return lambda _sealed, _place: NOT_READABLE_NOW
    return await ring_of(request).opener(Patient(site_id, UUID(page["patient"]["patient_id"])))
