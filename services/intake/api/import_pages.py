"""Imports for people, without a script: a form that takes a file and tries it, and the page of what came of it."""

from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.intake.api.imports import Desk, ImportAnswer
from services.intake.api.staff import AtSite, bar_of, in_address, site_and_zone, site_shown_to
from services.intake.api.uploads import file_of
from services.intake.domain.imports import COLUMNS, FileReader, ImportKind
from services.intake.pages.bar import Bar
from services.intake.pages.imports import show_import, show_imports
from shared.auth import Caller
from shared.db import SiteScope, transaction
from shared.errors import Problem
from shared.http.access import SiteStaff
from shared.http.commands import pool_of

router = APIRouter(include_in_schema=False)


@router.get("/imports")
async def imports_page(request: Request, caller: SiteStaff, site: AtSite = None) -> Response:
    """The form, and the newest imports."""
    return await _form(request, caller, site_shown_to(caller, site), 200)


@router.post("/imports")
async def import_by_form(request: Request, caller: SiteStaff, site: AtSite = None) -> Response:
    """Take the file of the form and try it; or the form again, with what is wrong."""
    site_id = caller.writing_site(site)
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
    return _lead_to(tried.id, in_address(caller, site_id))


@router.get("/imports/{import_id}")
async def import_page(request: Request, import_id: UUID, caller: SiteStaff, site: AtSite = None) -> Response:
    """How far an import is, and what is wrong with the rows that were refused."""
    site_id = caller.writing_site(site)
    answer = await Desk(request, caller, site_id).look_up(import_id)
    bar, zone = await _around(request, caller, site_id)
    return HTMLResponse(show_import(by_the_clock(answer, zone), bar=bar))


@router.post("/imports/{import_id}/run")
async def run_import_by_form(request: Request, import_id: UUID, caller: SiteStaff, site: AtSite = None) -> Response:
    """Bring in what was tried, or go on where it stopped."""
    site_id = caller.writing_site(site)
    await Desk(request, caller, site_id).run(import_id)
    return _lead_to(import_id, in_address(caller, site_id))


@router.post("/imports/{import_id}/forget")
async def forget_import_by_form(request: Request, import_id: UUID, caller: SiteStaff, site: AtSite = None) -> Response:
    """Stop with a file and forget it."""
    site_id = caller.writing_site(site)
    await Desk(request, caller, site_id).forget(import_id)
    return RedirectResponse(f"/imports{in_address(caller, site_id)}", status_code=303)


def by_the_clock(answer: ImportAnswer, zone: ZoneInfo) -> dict[str, object]:
    """The answer with its time as the site's clocks show it."""
    return answer.model_dump() | {"made_at": answer.made_at.astimezone(zone)}


async def _form(request: Request, caller: Caller, site_id: str, status: int, *, wrong: str | None = None) -> Response:
    newest = await Desk(request, caller, site_id).newest()
    bar, zone = await _around(request, caller, site_id)
    html = show_imports(
        [by_the_clock(one, zone) for one in newest],
        columns={kind: [(one.name, one.what, one.is_needed) for one in COLUMNS[kind]] for kind in ImportKind},
        wrong=wrong,
        bar=bar,
    )
    return HTMLResponse(html, status)


async def _around(request: Request, caller: Caller, site_id: str) -> tuple[Bar, ZoneInfo]:
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        site, zone = await site_and_zone(connection, site_id)
    return bar_of(request, caller, "imports", site_id, site.name), zone


def _lead_to(import_id: UUID, query: str) -> Response:
    return RedirectResponse(f"/imports/{import_id}{query}", status_code=303)
