"""Writing the plan on the page: clinical does it for whoever is signed in, and the page comes back with it.

What is not saved stands again in its field, on a page that is on record as any other look at it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.dashboard import store
from services.dashboard.api.clinical import Clinical, ClinicalAway
from services.dashboard.api.pages import HowShown, Shown, for_people, look_of_people, opener_of
from services.dashboard.api.seeing import seen, shown_to
from services.dashboard.api.standing import ClinicPeople, own_page
from services.dashboard.domain import changes_in, context_of, is_past, open_words
from services.dashboard.pages.addresses import address
from services.dashboard.pages.plan import FAILED, WRONG, PlanForms
from shared.audit import Entry, Kind
from shared.auth import Caller
from shared.db import transaction
from shared.errors import FieldError, Problem, conflict, unknown
from shared.events import ViewContext
from shared.http.commands import pool_of
from shared.http.forms import form_of
from shared.http.record import trail_of
from shared.http.sign_in import sessions_of
from shared.sealing import Patient, Place

router = APIRouter(include_in_schema=False)


class Form(NamedTuple):
    """What was sent: whose plan, of which step, none for a new one."""

    patient_id: UUID
    step_id: UUID | None
    given: Mapping[str, str]

    @property
    def is_to_take_back(self) -> bool:
        return self.given.get("form") == "take-back"


@router.post("/patients/{patient_id}")
async def write_plan(
    request: Request, patient_id: UUID, caller: ClinicPeople, shown: HowShown, step_id: UUID | None = None
) -> Response:
    """Add a step, change one or take it back, and show the page; or the page again, with what is wrong.

    On a page of the caller's own sites alone: nobody writes through broken glass or by a link.
    """
    given = await form_of(request)
    stored, page = await own_page(request, caller, patient_id)
    if step_id is not None and str(step_id) not in {step["step_id"] for step in page["plan"]}:
        raise unknown("step")
    try:
        receipt = await _written(request, caller, stored, page, Form(patient_id, step_id, given))
    except Problem as problem:
        kind = problem.kind if problem.kind in FAILED else "other"
        wrong = {error.field for error in problem.errors} & WRONG.keys()
        forms, status = PlanForms(given, step_id, wrong, kind), 422 if kind == "invalid" else 409
    except ClinicalAway:
        forms, status = PlanForms(given, step_id, failure="away"), 503
    else:
        async with transaction(pool_of(request), caller.scope) as connection:
            await trail_of(request).keep(connection, [Entry(stored.site_id, Kind.WRITE, 303, patient_id, receipt)])
        return _back(patient_id, receipt, shown)
    look = look_of_people(request, caller, patient_id, is_shared=shown.shared)
    again = await for_people(request, look, seen(request, look), shown.span, plan_forms=forms)
    again.status_code = status
    return again


async def _written(
    request: Request, caller: Caller, stored: store.StoredPage, page: Mapping[str, Any], form: Form
) -> UUID | None:
    """The receipt; None where the form changes nothing."""
    clinical: Clinical | None = request.app.state.clinical
    if clinical is None:
        raise ClinicalAway
    patient, key = Patient(stored.site_id, form.patient_id), form.given.get("key", "")
    if form.is_to_take_back and form.step_id is not None:
        _check_told(caller, stored, str(form.step_id))
        reason = form.given.get("reason", "")
        return await clinical.take_back_step(caller, patient, reason, key=key, step_id=form.step_id)
    now = sessions_of(request).clock()
    today = now.astimezone(ZoneInfo(stored.time_zone)).date()
    changes = changes_in(form.given, today)
    if is_past(changes, today):
        raise Problem(422, "invalid", "The day does not fit.", errors=[FieldError("due_on", "today or later")])
    if form.step_id is None:
        changes |= {"visit_id": _visit_of(page, now)}
    elif not changes:
        return None
    else:
        if "what" in changes or changes.get("who") == "front-desk":
            _check_told(caller, stored, str(form.step_id))
        if "what" not in changes:
            changes |= await _words_of(request, stored.site_id, page, str(form.step_id))
    return await clinical.write_step(caller, patient, changes, key=key, step_id=form.step_id)


def _check_told(caller: Caller, stored: store.StoredPage, step_id: str) -> None:
    """Who is not told what a step is neither rewrites it, nor gives it to whom they are told of, nor takes it back.

    Raises:
        Problem: 409 `withheld`
    """
    _, page = shown_to(caller, stored)
    if all(step["what"] is None for step in page["plan"] if step["step_id"] == step_id):
        raise conflict("withheld", "A step that its writer is not told stays with those who are.")


async def _words_of(request: Request, site_id: str, page: Mapping[str, Any], step_id: str) -> dict[str, str]:
    """The words of a step as they stand on the page, and the event that they are of: clinical seals words and reads
    none, not even to keep them.
    """
    opened = open_words(page, await opener_of(request, site_id, page))
    (place,) = [Place(*step["what"]["place"]) for step in page["plan"] if step["step_id"] == step_id]
    (words,) = [step["what"] for step in opened["plan"] if step["step_id"] == step_id]
    if words is None:
        raise ClinicalAway
    return {"what": str(words), "words_of": str(place.event_id)}


def _visit_of(page: Mapping[str, Any], now: datetime) -> UUID | None:
    """The visit in which a step is agreed, if it is in one."""
    context, visit_id = context_of(page["visits"], now)
    return visit_id if context is ViewContext.IN_VISIT else None


def _back(patient_id: UUID, receipt: UUID | None, shown: Shown) -> Response:
    page = address(f"/patients/{patient_id}", shown.span, is_shared=shown.shared, wait_for=receipt)
    return RedirectResponse(f"{page}#h-plan", status_code=303)
