"""A patient's page, as JSON for clinic front-ends and as HTML for people. The look is recorded before the answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response

from services.dashboard import store
from services.dashboard.domain import context_of, has_words, is_readable, open_words
from services.dashboard.pages import present
from shared import outbox
from shared.auth import Caller, Role
from shared.db import lock, transaction
from shared.errors import unknown
from shared.events import DashboardViewed, ViewerRole
from shared.http.access import allow, only_own_page
from shared.http.commands import pool_of, ring_of
from shared.http.receipts import WaitFor, arrived
from shared.http.record import keep_read
from shared.sealing import NOT_READABLE_NOW, Opener, Patient

router = APIRouter(tags=["page"])
Viewer = Annotated[Caller, Depends(allow(Role.PATIENT, Role.CLINICIAN, Role.COORDINATOR))]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {"Samepage-View": {"schema": {"type": "string", "format": "uuid"}, "description": "This look"}},
        "links": {
            "lengthen_view": {
                "operationId": "lengthen_view",
                "parameters": {"view_id": "$response.header.samepage-view"},
            }
        },
    },
    304: {"description": "As `If-None-Match` has it; the look is on record"},
}
SharedScreen = Annotated[bool, Query(description="Patient and clinician look at one screen")]


@router.get("/v1/patients/{patient_id}/page", responses=_ANSWERS)
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
    """
    waited = await _wait(request, caller, wait_for)
    stored, view = await _look(request, caller, patient_id, is_shared=shared, known=if_none_match)
    headers = {"etag": stored.etag, "samepage-view": str(view.view_id), **waited}
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
    stored, view = await _look(request, caller, patient_id, is_shared=shared)
    page = orjson.loads(stored.content)
    html = present(
        page,
        now=datetime.now(UTC),
        time_zone=stored.time_zone,
        unseal=await _opener(request, stored.site_id, page),
        viewer_role=view.role,
        view_id=view.view_id,
        is_synthetic=request.app.state.settings.platform.is_synthetic,
    )
    return Response(html, media_type="text/html; charset=utf-8", headers=waited)


async def _wait(request: Request, caller: Caller, receipt: UUID | None) -> dict[str, str]:
    if receipt is None:
        return {}
    has_arrived = await arrived(pool_of(request), caller.scope, receipt)
    return {"samepage-waited": "arrived" if has_arrived else "gave-up"}


async def _look(
    request: Request, caller: Caller, patient_id: UUID, *, is_shared: bool, known: str | None = None
) -> tuple[store.StoredPage, DashboardViewed]:
    """The stored page and the record of this look, durable before anything is shown."""
    only_own_page(caller, patient_id)
    now = datetime.now(UTC)
    async with transaction(pool_of(request), caller.scope) as connection:
        await lock(connection, [str(patient_id)])
        stored = await store.page(connection, caller.scope, patient_id)
        if stored is None:
            raise unknown("patient")
        context, visit_id = context_of(_visits(stored), now)
        view = DashboardViewed(
            view_id=uuid4(),
            patient_id=patient_id,
            visit_id=visit_id,
            role=ViewerRole(caller.role),
            context=context,
            is_shared_screen=is_shared,
            opened_at=now,
        )
        await store.record_view(connection, stored.site_id, caller.subject, view)
        await outbox.add(connection, [outbox.Draft(stored.site_id, str(patient_id), view)])
        status = 304 if known == stored.etag else 200
        await keep_read(request, connection, stored.site_id, patient_id, status=status)
    return stored, view


def _visits(stored: store.StoredPage) -> list[dict[str, Any]]:
    visits: list[dict[str, Any]] = orjson.loads(stored.content)["visits"]
    return visits


async def _opener(request: Request, site_id: str, page: Mapping[str, Any]) -> Opener:
    """Opens the words on a page; a page without words asks the key ring nothing."""
    if not has_words(page):
        return lambda _sealed, _place: NOT_READABLE_NOW
    return await ring_of(request).opener(Patient(site_id, UUID(page["patient"]["patient_id"])))
