"""A patient's page, as JSON for clinic front-ends and as HTML for people. The look is recorded before the answer."""

import math
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import HTMLResponse

from services.dashboard.api.page_document import PAGE_ANSWER
from services.dashboard.api.seeing import Look, Seen, seen, seen_by_link
from services.dashboard.api.standing import ClinicPeople
from services.dashboard.domain import BrokenGlass, has_words, is_readable, open_words
from services.dashboard.pages import present, say_not_linked, say_unknown
from services.dashboard.pages.addresses import survey_at
from services.dashboard.pages.charts.frame import Span
from services.dashboard.pages.live import Live
from services.dashboard.pages.plan import PlanForms
from shared.auth import Caller, Role
from shared.errors import Problem, conflict
from shared.events import ViewerRole
from shared.http.access import allow
from shared.http.commands import ring_of
from shared.http.direct import DirectRoute
from shared.http.language import choice_of
from shared.http.receipts import WaitFor, has_arrived
from shared.http.sign_in import session_of, sessions_of
from shared.on_behalf import ROLES
from shared.sealing import NOT_READABLE_NOW, Opener, Patient

router = APIRouter(tags=["page"], route_class=DirectRoute)
Viewer = Annotated[Caller, Depends(allow(Role.PATIENT, Role.CLINICIAN, Role.COORDINATOR))]
# Looks that a page's scripts name: one that its reader leaves for this one, as what else says so comes after this; and
# one that is brought up to date by loading it anew.
_JUST_LEFT, _ON_SCREEN = "samepage-just-left", "samepage-on-screen"
_THIS_LOOK = {"schema": {"type": "string", "format": "uuid"}, "description": "This look"}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        **PAGE_ANSWER,
        "headers": {
            "ETag": {"schema": {"type": "string"}, "description": "Of the page's content"},
            "Samepage-View": _THIS_LOOK,
        },
        "links": {
            "lengthen_view": {
                "operationId": "lengthen_view",
                "parameters": {"view_id": "$response.header.samepage-view"},
            }
        },
    },
    304: {
        "description": "As `If-None-Match` has it. That somebody asked is on record; it is a look of its own only "
        "where nothing was heard of this person's last one for half an hour. `Samepage-View` names the look that it is "
        "part of: sent back while the page stays on the screen, what is new (200) is part of that look too",
        "headers": {"Samepage-View": _THIS_LOOK},
    },
}
GoesOn = Annotated[
    UUID | None,
    Header(
        alias="Samepage-View",
        description="`Samepage-View` of an earlier answer that is still on the screen: this is part of that look",
    ),
]


class Held(NamedTuple):
    """What the caller has of a page already."""

    if_none_match: str | None
    goes_on: UUID | None


async def _held(if_none_match: Annotated[str | None, Header()] = None, goes_on: GoesOn = None) -> Held:
    return Held(if_none_match, goes_on)


SharedScreen = Annotated[bool, Query(description="Patient and clinician look at one screen")]


class Shown(NamedTuple):
    """How people want the page."""

    shared: bool
    span: Span


async def _shown(
    shared: SharedScreen = False,
    span: Annotated[Span, Query(description="How much time the charts show")] = Span.YEAR,
) -> Shown:
    return Shown(shared, span)


HowShown = Annotated[Shown, Depends(_shown)]


async def _only_looked_at(request: Request) -> None:
    """What a browser fetches before anybody asks for it nobody looks at: it gets nothing, and asks again in time.

    Raises:
        Problem: 409.
    """
    said = " ".join(request.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz")).lower()
    if "prefetch" in said or "prerender" in said:
        raise conflict("ahead-of-time", "A page is shown when somebody asks for it, and not ahead of that.")


LOOKED_AT = [Depends(_only_looked_at)]


@router.get("/v1/patients/{patient_id}/page", responses=_ANSWERS, dependencies=LOOKED_AT)
async def read_page(
    request: Request,
    patient_id: UUID,
    caller: Viewer,
    held: Annotated[Held, Depends(_held)],
    shared: SharedScreen = False,
    wait_for: WaitFor = None,
) -> Response:
    """The page with `as_of` and the freshness of each source.

    `Samepage-Waited` says whether the receipt in `wait_for` has arrived (`arrived`) or was given up on (`gave-up`).
    `Samepage-Glass-Until` says that it is open to this clinician in an emergency, and until when.
    """
    waited = await _wait(request, wait_for)
    look = Look(
        caller, patient_id, _now(request), shared, is_for_people=False, known=held.if_none_match, goes_on=held.goes_on
    )
    return await _as_json(request, await seen(request, look), waited)


@router.get("/v1/patients/{patient_id}/links/{link_id}/page", responses={200: PAGE_ANSWER})
async def read_linked_page(
    request: Request,
    patient_id: UUID,
    link_id: UUID,
    caller: ClinicPeople,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The page that the other site of a link has of the same person, for reading. That site has it on record."""
    look = Look(caller, patient_id, _now(request), is_shared=False, is_for_people=False, known=if_none_match)
    return await _as_json(request, await seen_by_link(request, look, link_id), {})


@router.get("/patients/{patient_id}", include_in_schema=False, dependencies=LOOKED_AT)
async def show_page(
    request: Request,
    patient_id: UUID,
    caller: Viewer,
    shown: HowShown,
    wait_for: WaitFor = None,
    goes_on: GoesOn = None,
) -> Response:
    """The page for people."""
    waited = await _wait(request, wait_for)
    look = look_of_people(request, caller, patient_id, is_shared=shown.shared)
    if goes_on is not None:
        look = replace(look, goes_on=goes_on)
    forms = None
    if _may_write_plan(request, caller):
        forms = PlanForms(waited=waited.get("samepage-waited"))
    page = await for_people(request, look, seen(request, look), shown.span, plan_forms=forms)
    page.headers.update(waited)
    return page


@router.get("/patients/{patient_id}/links/{link_id}", include_in_schema=False, dependencies=LOOKED_AT)
async def show_linked_page(
    request: Request, patient_id: UUID, link_id: UUID, caller: ClinicPeople, shown: HowShown
) -> Response:
    """The other site's page for people."""
    look = look_of_people(request, caller, patient_id, is_shared=shown.shared)
    return await for_people(request, look, seen_by_link(request, look, link_id), shown.span, is_linked=True)


def _may_write_plan(request: Request, caller: Caller) -> bool:
    """Whether clinical would let them, and we are told how to ask it."""
    return caller.role in ROLES and request.app.state.clinical is not None


def look_of_people(request: Request, caller: Caller, patient_id: UUID, *, is_shared: bool) -> Look:
    """Somebody looks at the page as people see it."""
    is_from_browser = session_of(request) is not None
    return Look(
        caller,
        patient_id,
        _now(request),
        is_shared,
        is_for_people=True,
        goes_on=_named(request, _ON_SCREEN) if is_from_browser else None,
        just_left=_named(request, _JUST_LEFT) if is_from_browser else None,
        is_from_browser=is_from_browser,
    )


def _named(request: Request, cookie: str) -> UUID | None:
    try:
        return UUID(request.cookies.get(cookie, ""))
    except ValueError:
        return None


async def _as_json(request: Request, found: Seen, headers: Mapping[str, str]) -> Response:
    stored, through = found.stored, found.around.through
    headers = {"etag": stored.etag, **headers}
    if found.beacon is not None:
        headers["samepage-view"] = str(found.beacon.view_id)
    if through is not None:
        headers["samepage-glass-until"] = through.until.isoformat()
    if found.is_unchanged:
        return Response(status_code=304, headers=headers)
    opened = open_words(found.page, await opener_of(request, stored.site_id, found.page))
    if not is_readable(opened):
        del headers["etag"]  # the same page will have more to say later
    return Response(orjson.dumps(opened), media_type="application/json", headers=headers)


async def for_people(
    request: Request,
    look: Look,
    finding: Awaitable[Seen],
    span: Span,
    *,
    is_linked: bool = False,
    plan_forms: PlanForms | None = None,
) -> Response:
    """The page as people see it; `plan_forms` stand on one of their own sites only."""
    is_synthetic, choice = request.app.state.platform.is_synthetic, choice_of(request)
    try:
        found = await finding
    except Problem as problem:
        if problem.status != 404:
            raise
        if is_linked:
            html = say_not_linked(look.patient_id, is_synthetic=is_synthetic, spoken=choice.spoken())
        else:
            role = ViewerRole(look.caller.role)
            spoken = choice.if_any if role is ViewerRole.PATIENT else choice.spoken()
            html = say_unknown(look.patient_id, role, is_synthetic=is_synthetic, spoken=spoken)
        return HTMLResponse(html, problem.status)
    own = found.page["patient"]["language"] if found.view.role is ViewerRole.PATIENT else None
    html = present(
        found.page,
        now=look.at,
        time_zone=found.stored.time_zone,
        unseal=await opener_of(request, found.stored.site_id, found.page),
        viewer_role=found.view.role,
        view=found.beacon,
        around=found.around,
        live=None if is_linked else Live(look.patient_id, found.view.view_id, found.stored.version),
        plan_forms=None if found.around.is_elsewhere else plan_forms,
        survey_at=_survey_at(request, found),
        care_line=found.stored.care_line,
        span=span,
        is_shared=look.is_shared,
        is_synthetic=is_synthetic,
        spoken=choice.spoken(own),
    )
    return HTMLResponse(html, headers=_closing(found.around.through, look.at))


def _survey_at(request: Request, found: Seen) -> str | None:
    """Where the reader gets on with the survey of the visit at hand, on pages of their own sites."""
    intake, visit = request.app.state.platform.public_urls.get("intake"), found.page["visit"]
    if intake is None or visit is None or found.around.is_elsewhere:
        return None
    return survey_at(intake, found.view.role, found.stored.site_id, visit["visit_id"])


async def _wait(request: Request, receipt: UUID | None) -> dict[str, str]:
    if receipt is None:
        return {}
    is_there = await has_arrived(request, receipt)
    return {"samepage-waited": "arrived" if is_there else "gave-up"}


async def opener_of(request: Request, site_id: str, page: Mapping[str, Any]) -> Opener:
    """Opens the words on a page; a page without words asks the key ring nothing."""
    if not has_words(page):
        return lambda _sealed, _place: NOT_READABLE_NOW
    return await ring_of(request).opener(Patient(site_id, UUID(page["patient"]["patient_id"])))


def _closing(through: BrokenGlass | None, now: datetime) -> dict[str, str]:
    """Let the browser leave a page when its glass closes, though nobody touches it."""
    if through is None:
        return {}
    seconds = math.ceil((through.until - now).total_seconds())
    return {"refresh": f"{seconds}; url=/break-glass/new?patient_id={through.patient_id}"}


def _now(request: Request) -> datetime:
    return sessions_of(request).clock()
