"""How long somebody looked (the page's beacon), and views of the past brought in by a site's system."""

import re
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from services.dashboard import store
from services.dashboard.api.pages import Viewer
from shared import outbox
from shared.audit import Entry, Kind
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import unknown
from shared.events import DashboardViewed, ViewContext, ViewEnd, ViewerRole
from shared.http.access import allow
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute, pool_of
from shared.http.fields import Past, YesNo
from shared.http.problems import invalid
from shared.http.record import trail_of
from shared.http.sign_in import sessions_of
from shared.http.sound_json import check

router = APIRouter(tags=["views"])
_MOST_PANELS = 20
_DAY_MS = 24 * 60 * 60 * 1000
_PANEL = re.compile(r"^[a-z]+(-[a-z]+)*$")


def _known_panel(name: str) -> str:
    """Panels travel in clear, so they are names and nothing else."""
    if not _PANEL.match(name):
        raise ValueError("the name of a panel: lower case words joined by hyphens")
    return name


Panel = Annotated[str, Field(max_length=40), AfterValidator(_known_panel)]
Panels = Annotated[tuple[Panel, ...], Field(max_length=_MOST_PANELS)]


class Beacon(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    duration_ms: int = Field(ge=0, le=_DAY_MS, strict=True)
    panels: Panels = ()


# Browsers name it text/plain; what it is called makes no difference.
_BEACON = {"requestBody": {"content": {"application/json": {"schema": Beacon.model_json_schema()}}}}


class ViewBody(BaseModel):
    """A look at a page that happened elsewhere or before, with what is known of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patient_id: UUID
    visit_id: UUID | None = None
    role: ViewerRole
    context: ViewContext
    is_shared_screen: YesNo
    opened_at: Past
    duration_ms: int | None = Field(default=None, ge=0, le=_DAY_MS, strict=True)
    panels: Panels = ()


@router.post("/v1/views/{view_id}/beacon", status_code=204, openapi_extra=_BEACON)
async def lengthen_view(request: Request, view_id: UUID, caller: Viewer) -> Response:
    """Say how long the page has been in view so far, loaded anew or not. Only more than was known changes anything;
    panels are added to those known.

    Browsers send it as plain text whenever a tab is hidden, and a tab can be shown again.
    """
    beacon = _beacon(await request.body())
    async with transaction(pool_of(request), caller.scope) as connection:
        patient_id = (await _view(connection, caller, view_id)).patient_id
    async with transaction(
        pool_of(request), caller.scope, locks=[(site_id, patient_id) for site_id in caller.sites]
    ) as connection:
        view = await _view(connection, caller, view_id)
        home = await store.home_of(connection, caller.scope, patient_id)
        if home is None:
            raise unknown("patient")
        event_id = None
        if beacon.duration_ms > (view.duration_ms or -1):
            longer = _lengthened(view, beacon)
            await store.lengthen_view(connection, home.site_id, longer, sessions_of(request).clock())
            draft = outbox.Draft(home.site_id, str(patient_id), longer)
            await outbox.add(connection, [draft])
            event_id = draft.event_id
        await trail_of(request).keep(connection, [Entry(home.site_id, Kind.WRITE, 204, patient_id, event_id)])
    return Response(status_code=204)


def _lengthened(view: DashboardViewed, beacon: Beacon) -> DashboardViewed:
    """A page that is loaded anew counts panels from none, and time from where it was."""
    panels = tuple(dict.fromkeys((*view.panels, *beacon.panels)))[:_MOST_PANELS]
    return view.model_copy(update={"duration_ms": beacon.duration_ms, "panels": panels, "closed_by": ViewEnd.BEACON})


async def _view(connection: Connection, caller: Caller, view_id: UUID) -> DashboardViewed:
    view = await store.view_of(connection, caller.scope, caller.subject, view_id)
    if view is None:
        raise unknown("view")
    return view


@router.post("/v1/views", status_code=201, response_model=Accepted, responses=MANY)
async def record_views(
    request: Request,
    body: Batch[ViewBody],
    caller: Annotated[Caller, Depends(allow(Role.SYSTEM))],
    key: IdempotencyKey,
    site: NamedSite = None,
) -> Response:
    """Bring in views that were recorded elsewhere, one or many."""

    async def record(connection: Connection, site_id: str, body: ViewBody) -> outbox.Recorded:
        if await store.home_of(connection, SiteScope.of(site_id), body.patient_id) is None:
            raise unknown("patient")
        view = DashboardViewed(view_id=uuid4(), **body.model_dump(), closed_by=ViewEnd.REPORTED)
        await store.record_views(connection, [(site_id, caller.subject, view)])
        return outbox.Recorded(str(view.view_id), [outbox.Draft(site_id, str(view.patient_id), view)])

    command = Command[ViewBody](locks=lambda _site, view: [str(view.patient_id)], record=record)
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


def _beacon(body: bytes) -> Beacon:
    check(body)
    try:
        return Beacon.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error.errors(include_input=False, include_url=False, include_context=False)) from None
