"""Breaking the glass for people: the form, and the list of the patient's site. The rules are those of `glass`."""

from collections.abc import Collection, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.dashboard.api.glass import (
    Before,
    Clinician,
    GlassBody,
    broken,
    end,
    review,
    uses_of,
)
from services.dashboard.api.standing import ClinicPeople, Coordinator
from services.dashboard.pages import ask_why, present_uses, say_closed
from services.dashboard.settings import DashboardAppSettings
from shared.audit import Entry, Kind
from shared.auth import Role
from shared.db import transaction
from shared.errors import Problem
from shared.http.commands import pool_of
from shared.http.forms import form_of
from shared.http.language import choice_of
from shared.http.record import scope_on_record, trail_of
from shared.http.sign_in import sessions_of

router = APIRouter(include_in_schema=False)
Given = Annotated[str, Query(max_length=40)]


@router.get("/break-glass/new")
async def ask_to_break_glass(
    request: Request, caller: Clinician, patient_id: Given = "", site_id: Given = ""
) -> Response:
    """The form."""
    scope = scope_on_record(caller)
    async with transaction(pool_of(request), scope) as connection:
        await trail_of(request).keep(connection, [Entry(own, Kind.READ, 200) for own in scope.ids])
    return _form(request, 200, {"patient_id": patient_id, "site_id": site_id})


@router.post("/break-glass/new")
async def break_glass_by_form(request: Request, caller: Clinician) -> Response:
    """Break the glass and show the page behind it; or the form again, with what was written and what is wrong."""
    given = await form_of(request)
    try:
        body = GlassBody.model_validate(given)
        await broken(request, caller, body)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors(include_input=False, include_url=False)}
        return _form(request, 422, given, wrong=wrong)
    except Problem as problem:
        return _form(request, problem.status, given, problem=problem)
    return RedirectResponse(f"/patients/{body.patient_id}", status_code=303)


@router.post("/break-glass/{glass_id}/end")
async def end_broken_glass_by_form(request: Request, glass_id: UUID, caller: ClinicPeople) -> Response:
    """Close it; a coordinator goes on with the list."""
    await end(request, caller, glass_id)
    if caller.role is Role.COORDINATOR:
        return RedirectResponse("/break-glass", status_code=303)
    is_synthetic, spoken = request.app.state.platform.is_synthetic, choice_of(request).spoken()
    return HTMLResponse(say_closed(is_synthetic=is_synthetic, spoken=spoken))


@router.get("/break-glass")
async def show_broken_glass(request: Request, caller: Coordinator, before: Before = None) -> Response:
    """The list of the last 30 days."""
    uses = await uses_of(request, caller, before)
    html = present_uses(
        uses.model_dump(),
        now=sessions_of(request).clock(),
        is_synthetic=request.app.state.platform.is_synthetic,
    )
    return HTMLResponse(html)


@router.post("/break-glass/{glass_id}/review")
async def review_broken_glass_by_form(request: Request, glass_id: UUID, caller: Coordinator) -> Response:
    """Say that somebody has looked into it."""
    await review(request, caller, glass_id)
    return RedirectResponse("/break-glass", status_code=303)


def _form(
    request: Request,
    status: int,
    given: Mapping[str, str],
    *,
    wrong: Collection[str] = (),
    problem: Problem | None = None,
) -> Response:
    settings: DashboardAppSettings = request.app.state.settings
    html = ask_why(
        given,
        open_s=settings.glass_open_s,
        wrong=wrong,
        problem=problem,
        is_synthetic=settings.platform.is_synthetic,
        spoken=choice_of(request).spoken(),
    )
    return HTMLResponse(html, status, None if problem is None else problem.headers)
