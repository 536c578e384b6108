"""A visit is moved, given to another clinician, cancelled and booked again, by forms on its page."""

from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.intake.api.staff import AtSite, Coordinator, fields_of, in_address, key_of, wrong_in, zone_at
from services.intake.api.visit_shown import Outcome, visit_shown
from services.intake.api.visits import Booking, VisitChange, record_change
from services.intake.domain import CancelledBy, read_moment
from services.intake.pages.filled import Filled
from services.intake.pages.visit_changes import CANCEL, MOVE
from shared.auth import Caller
from shared.errors import Problem
from shared.events import VisitState
from shared.http.forms import trimmed_form_of

router = APIRouter(include_in_schema=False)
_FIELD_OF = {"cancel-reason-not-allowed": "reason"}


@router.post("/visits/{visit_id}/time")
async def move_by_form(request: Request, visit_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Give a visit another time or clinician; what was not changed in the form stays as it is by now."""
    site_id = caller.writing_site(site)
    given = await trimmed_form_of(request)
    try:
        body = VisitChange.model_validate(_changed(given, await zone_at(request, site_id)))
    except ValidationError as refused:
        form = Filled(MOVE, given, wrong_in(refused))
        return await visit_shown(request, caller, site_id, visit_id, Outcome(form=form))
    try:
        await record_change(request, site_id, visit_id, body, key=f"{key_of(given)}-time")
    except Problem as problem:
        if problem.status != 409:
            raise
        return await visit_shown(request, caller, site_id, visit_id, Outcome(problem, Filled(MOVE, given)))
    return _back(caller, site_id, visit_id)


@router.post("/visits/{visit_id}/cancel")
async def cancel_by_form(request: Request, visit_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Cancel a visit, with the reason where the form says one."""
    site_id = caller.writing_site(site)
    given = await trimmed_form_of(request)
    try:
        body = VisitChange.model_validate({"state": VisitState.CANCELLED} | _why(given.get("reason", "")))
    except ValidationError:
        form = Filled(CANCEL, given, {"reason"})
        return await visit_shown(request, caller, site_id, visit_id, Outcome(form=form))
    try:
        await record_change(request, site_id, visit_id, body, key=f"{key_of(given)}-cancel")
    except Problem as problem:
        if problem.status != 409:
            raise
        form = Filled(CANCEL, given, fields_of(problem, _FIELD_OF))
        return await visit_shown(request, caller, site_id, visit_id, Outcome(problem, form))
    return _back(caller, site_id, visit_id)


def _why(reason: str) -> dict[str, str]:
    """What a form says with one word: who called the visit off, or another reason."""
    if not reason:
        return {}
    return {"cancelled_by" if reason in list(CancelledBy) else "cancel_reason": reason}


def _changed(given: Mapping[str, str], zone: ZoneInfo) -> dict[str, str]:
    """What somebody has changed in the form; `is_again`: that the visit takes place after all."""
    changed = {name: given.get(name, "") for name in Booking.model_fields}
    changed = {name: said for name, said in changed.items() if said != given.get(f"{name}_was")}
    if "scheduled_at" in changed:
        changed["scheduled_at"] = read_moment(changed["scheduled_at"], zone)
    return changed | ({"state": VisitState.SCHEDULED} if given.get("is_again") == "yes" else {})


def _back(caller: Caller, site_id: str, visit_id: UUID) -> Response:
    return RedirectResponse(f"/visits/{visit_id}{in_address(caller, site_id)}", status_code=303)
