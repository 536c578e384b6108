"""Writing the plan on the page: clinical does it for whoever is signed in, and the page comes back with it.

What is not saved stands again in its field, on a page that is on record as any other look at it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.dashboard import store
from services.dashboard.api.clinical import Clinical, ClinicalAway
from services.dashboard.api.pages import SharedScreen, for_people, look_of_people, may_write_plan, opener_of
from services.dashboard.api.seeing import seen
from services.dashboard.api.standing import ClinicPeople
from services.dashboard.domain import changes_in, context_of, is_past, open_words
from services.dashboard.pages.plan import FAILED, WRONG, PlanForms
from shared.audit import Entry, Kind
from shared.auth import Caller
from shared.db import transaction
from shared.errors import FieldError, Problem, erased, unknown
from shared.events import ViewContext
from shared.http.commands import pool_of
from shared.http.forms import form_of
from shared.http.record import trail_of
from shared.http.sign_in import sessions_of
from shared.sealing import Patient

router = APIRouter(include_in_schema=False)


class Form(NamedTuple):
    """What was sent: whose plan, of which step, none for a new one."""

    patient_id: UUID
    step_id: UUID | None
    given: Mapping[str, str]


@router.post("/patients/{patient_id}")
async def write_plan(
    request: Request, patient_id: UUID, caller: ClinicPeople, step_id: UUID | None = None, shared: SharedScreen = False
) -> Response:
    """Add a step, or change one, and show the page; or the page again, with what was written and what is wrong."""
    given = await form_of(request)
    stored = await _own_page(request, caller, patient_id, step_id)
    try:
        receipt = await _written(request, caller, stored, Form(patient_id, step_id, given))
    except Problem as problem:
        kind = problem.kind if problem.kind in FAILED else "other"
        wrong = {error.field for error in problem.errors} & WRONG.keys()
        forms, status = PlanForms(given, step_id, wrong, kind), 422 if kind == "invalid" else 409
    except ClinicalAway:
        forms, status = PlanForms(given, step_id, failure="away"), 503
    else:
        async with transaction(pool_of(request), caller.scope) as connection:
            await trail_of(request).keep(connection, [Entry(stored.site_id, Kind.WRITE, 303, patient_id, receipt)])
        return _back(patient_id, receipt, is_shared=shared)
    look = look_of_people(request, caller, patient_id, is_shared=shared)
    page = await for_people(request, look, seen(request, look), {}, plan_forms=forms)
    page.status_code = status
    return page


async def _own_page(request: Request, caller: Caller, patient_id: UUID, step_id: UUID | None) -> store.StoredPage:
    """Of a patient of the caller's own sites, with this step: nobody writes through broken glass or by a link.

    Raises:
        Problem: 404, or 410 for one who was erased.
    """
    async with transaction(pool_of(request), caller.scope) as connection:
        stored = await store.page(connection, caller.scope, patient_id)
    if stored is None:
        raise unknown("patient")
    page = stored.parsed()
    if page["erased"]:
        raise erased()
    if step_id is not None and str(step_id) not in {step["step_id"] for step in page["plan"]}:
        raise unknown("step")
    return stored


async def _written(request: Request, caller: Caller, stored: store.StoredPage, form: Form) -> UUID | None:
    """The receipt; None where the form changes nothing."""
    now, page = sessions_of(request).clock(), stored.parsed()
    today = now.astimezone(ZoneInfo(stored.time_zone)).date()
    changes = changes_in(form.given, today)
    if is_past(changes, today):
        raise Problem(422, "invalid", "The day does not fit.", errors=[FieldError("due_on", "today or later")])
    if form.step_id is None:
        changes |= {"visit_id": _visit_of(page, now)}
    elif not changes:
        return None
    elif "what" not in changes:
        changes |= {"what": await _words_of(request, stored.site_id, page, str(form.step_id))}
    if not may_write_plan(request, caller):
        raise ClinicalAway
    clinical: Clinical = request.app.state.clinical
    patient, key = Patient(stored.site_id, form.patient_id), form.given.get("key", "")
    return await clinical.write_step(caller, patient, changes, key=key, step_id=form.step_id)


async def _words_of(request: Request, site_id: str, page: Mapping[str, Any], step_id: str) -> str:
    """The words of a step as they stand on the page: clinical seals words and reads none, not even to keep them."""
    opened = open_words(page, await opener_of(request, site_id, page))
    (words,) = [step["what"] for step in opened["plan"] if step["step_id"] == step_id]
    if words is None:
        raise ClinicalAway
    return str(words)


def _visit_of(page: Mapping[str, Any], now: datetime) -> UUID | None:
    """The visit in which a step is agreed, if it is in one."""
    context, visit_id = context_of(page["visits"], now)
    return visit_id if context is ViewContext.IN_VISIT else None


def _back(patient_id: UUID, receipt: UUID | None, *, is_shared: bool) -> Response:
    asked = {"shared": "true"} if is_shared else {}
    asked |= {"wait_for": str(receipt)} if receipt is not None else {}
    return RedirectResponse(f"/patients/{patient_id}{'?' if asked else ''}{urlencode(asked)}#h-plan", status_code=303)
