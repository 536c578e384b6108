"""Patients on pages: somebody new with a first visit, and one who is here with their visits and another one."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.intake import store
from services.intake.api.arrivals import Arrival, take_in
from services.intake.api.consent import read_shown
from services.intake.api.patient_shown import patient_shown
from services.intake.api.staff import (
    AtSite,
    Coordinator,
    bar_of,
    fields_of,
    in_address,
    in_words,
    key_of,
    site_and_zone,
    site_shown_to,
    wrong_in,
    zone_at,
)
from services.intake.api.visits import Booking, VisitBody, schedule_visits
from services.intake.domain import read_moment
from services.intake.pages.filled import Filled
from services.intake.pages.patients import NEW, VISIT, Asked, show_new_patient
from shared.auth import Caller
from shared.db import SiteScope, transaction
from shared.errors import Problem
from shared.http.batch import Batch
from shared.http.commands import pool_of
from shared.http.forms import trimmed_form_of, whole_number, yes_or_no
from shared.http.record import keep_read

router = APIRouter(include_in_schema=False)
_NEW = "/patients/new"
_FIRST = {"language": "en", "education": "not-said", "consent": "invited"}
_OF_PATIENT = ("identifier", "sex", "education", "language", "diagnosis", "clinician_id", "enrolled_on", "consent")
_REACHED = ("wants_messages", "email", "phone")
_FIELD_OF = {"consent-text-unknown": "consent_text", "consent-text-required": "consent_text"}


async def _typed(
    clinician_id: Annotated[str, Query(max_length=64)] = "", scheduled_at: Annotated[str, Query(max_length=40)] = ""
) -> Filled:
    """The form of a visit, with what was typed on another page."""
    return Filled(VISIT, {"clinician_id": clinician_id, "scheduled_at": scheduled_at})


Typed = Annotated[Filled, Depends(_typed)]


@router.get(_NEW)
async def ask_patient(request: Request, caller: Coordinator, site: AtSite = None) -> Response:
    """The form about somebody new."""
    return await _asked(request, caller, site_shown_to(caller, site), Filled(NEW, _FIRST))


@router.post(_NEW)
async def take_in_by_form(request: Request, caller: Coordinator, site: AtSite = None) -> Response:
    """Enrol them, with how they are reached and the first visit where the form says them."""
    site_id = caller.writing_site(site)
    given = await trimmed_form_of(request)
    try:
        arrival = _arrival(given, await zone_at(request, site_id))
    except ValidationError as refused:
        wrong = {str(error["loc"][1]) for error in refused.errors()}
        return await _asked(request, caller, site_id, Filled(NEW, given, wrong))
    try:
        came = await take_in(request, caller, site_id, arrival, key_of(given))
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return await _asked(request, caller, site_id, Filled(NEW, given, fields_of(problem, _FIELD_OF)), problem)
    to = f"/patients/{came.patient_id}" if came.visit_id is None else f"/visits/{came.visit_id}"
    return RedirectResponse(to + in_address(caller, site_id), status_code=303)


@router.get("/patients/{patient_id}")
async def show_one_patient(
    request: Request, patient_id: UUID, caller: Coordinator, form: Typed, site: AtSite = None
) -> Response:
    """A patient's visits, and the form of another one."""
    return await patient_shown(request, caller, site_shown_to(caller, site), patient_id, form)


@router.post("/patients/{patient_id}/visits")
async def schedule_by_form(request: Request, patient_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Schedule a visit, and go to it."""
    site_id = caller.writing_site(site)
    given = await trimmed_form_of(request)
    booking = _booking(given, await zone_at(request, site_id))
    try:
        body = VisitBody.model_validate({"patient_id": patient_id, **booking})
    except ValidationError as refused:
        return await patient_shown(request, caller, site_id, patient_id, Filled(VISIT, given, wrong_in(refused)))
    try:
        made = await schedule_visits(request, Batch([body], is_single=True), caller, key_of(given), site_id)
    except Problem as problem:
        if problem.status != 409:
            raise
        return await patient_shown(request, caller, site_id, patient_id, Filled(VISIT, given), problem)
    visit_id = orjson.loads(made.body)["id"]
    return RedirectResponse(f"/visits/{visit_id}{in_address(caller, site_id)}", status_code=303)


def _arrival(given: Mapping[str, str], zone: ZoneInfo) -> Arrival:
    """What a form says of somebody new: how they are reached and a visit only where it says something of that.

    Raises:
        ValidationError: each error is about a field of the form, named behind the part that it is of.
    """
    said = {name: text for name, text in given.items() if text}
    patient: dict[str, Any] = {name: said[name] for name in _OF_PATIENT if name in said}
    patient |= {"birth_year": whole_number(given.get("birth_year", "")), "consent_mode": said.get("consent_mode")}
    patient["consent_text"] = read_shown(given.get("consent_text", ""))
    reached: dict[str, Any] = {name: said[name] for name in _REACHED if name in said}
    if reached:
        reached["wants_messages"] = yes_or_no(said.get("wants_messages", ""))
    return Arrival.model_validate(
        {
            "patient": patient,
            "contact": reached or None,
            "visit": _booking(said, zone) if Booking.model_fields.keys() & said.keys() else None,
        }
    )


def _booking(given: Mapping[str, str], zone: ZoneInfo) -> dict[str, str]:
    said = {name: given.get(name, "") for name in Booking.model_fields}
    return said | {"scheduled_at": read_moment(said["scheduled_at"], zone)}


async def _asked(
    request: Request, caller: Caller, site_id: str, form: Filled, problem: Problem | None = None
) -> Response:
    scope = SiteScope.of(site_id)
    known_id = None if problem is None else problem.extra.get("patient_id")
    async with transaction(pool_of(request), scope) as connection:
        site, zone = await site_and_zone(connection, site_id)
        texts = [kept.text for kept in await store.consent_texts(connection, scope)]
        clinicians = await store.clinicians_of_visits(connection, scope)
        known = None if known_id is None else await store.enrolment(connection, scope, UUID(known_id))
        await keep_read(request, connection, site_id, None if known is None else known.patient_id)
    asked = Asked(form, zone, texts, clinicians, None if problem is None else in_words(problem), known)
    html = show_new_patient(asked, bar_of(request, caller, "visits", site_id, site.name, path=_NEW))
    return HTMLResponse(html, form.status if problem is None else problem.status)
