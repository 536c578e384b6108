"""Imports for people, without a script: a form that takes a file and tries it, and the page of what came of it."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.intake import store
from services.intake.api.imports import Desk, ImportAnswer
from services.intake.api.uploads import file_of
from services.intake.domain.imports import COLUMNS, FileReader, ImportKind
from services.intake.pages.imports import show_import, show_imports
from shared.auth import Caller
from shared.db import SiteScope, transaction
from shared.errors import Problem
from shared.http.access import SiteStaff
from shared.http.commands import NamedSite, pool_of

router = APIRouter(include_in_schema=False)
At = Annotated[str | None, Query(alias="site", max_length=40, description="Where somebody is of several sites")]


@router.get("/imports")
async def imports_page(request: Request, caller: SiteStaff, site: NamedSite = None, at: At = None) -> Response:
    """The form, and the newest imports."""
    return await _form(request, caller, site or at, 200)


@router.post("/imports")
async def import_by_form(request: Request, caller: SiteStaff, site: NamedSite = None, at: At = None) -> Response:
    """Take the file of the form and try it; or the form again, with what is wrong."""
    site_id = caller.writing_site(site or at)
    try:
        sent = await file_of(request.headers.get("content-type", ""), request.stream())
        kind = ImportKind(sent.fields.get("kind", ""))
        reader = FileReader(kind, is_csv=not sent.name.lower().endswith((".ndjson", ".jsonl")))
        tried = await Desk(request, caller, site_id).take_in(reader, sent.name[-120:], sent.pieces)
    except ValueError:
        return await _form(request, caller, site_id, 422, wrong="Say what the file holds.")
    except Problem as problem:
        if problem.status != 422:
            raise
        return await _form(request, caller, site_id, 422, wrong=problem.detail)
    return _lead_to(tried.id, at)


@router.get("/imports/{import_id}")
async def import_page(
    request: Request, import_id: UUID, caller: SiteStaff, site: NamedSite = None, at: At = None
) -> Response:
    """How far an import is, and what is wrong with the rows that were refused."""
    site_id = caller.writing_site(site or at)
    answer = await Desk(request, caller, site_id).look_up(import_id)
    return HTMLResponse(
        show_import(
            await _by_the_clock(request, site_id, answer),
            at=at,
            is_synthetic=request.app.state.platform.is_synthetic,
        )
    )


@router.post("/imports/{import_id}/run")
async def run_import_by_form(
    request: Request, import_id: UUID, caller: SiteStaff, site: NamedSite = None, at: At = None
) -> Response:
    """Bring in what was tried, or go on where it stopped."""
    await Desk(request, caller, caller.writing_site(site or at)).run(import_id)
    return _lead_to(import_id, at)


async def _form(
    request: Request, caller: Caller, site: str | None, status: int, *, wrong: str | None = None
) -> Response:
    site_id = caller.writing_site(site)
    newest = await Desk(request, caller, site_id).newest()
    html = show_imports(
        [await _by_the_clock(request, site_id, one) for one in newest],
        columns={kind: [(one.name, one.what, one.is_needed) for one in COLUMNS[kind]] for kind in ImportKind},
        wrong=wrong,
        at=site if len(caller.sites) > 1 else None,
        is_synthetic=request.app.state.platform.is_synthetic,
    )
    return HTMLResponse(html, status)


async def _by_the_clock(request: Request, site_id: str, answer: ImportAnswer) -> dict[str, object]:
    """The answer with its time as the site's clocks show it."""
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        zone = await store.time_zone(connection, SiteScope.of(site_id), site_id)
    return answer.model_dump() | {"made_at": answer.made_at.astimezone(ZoneInfo(zone or "UTC"))}


def _lead_to(import_id: UUID, at: str | None) -> Response:
    return RedirectResponse(f"/imports/{import_id}" + (f"?site={at}" if at else ""), status_code=303)
