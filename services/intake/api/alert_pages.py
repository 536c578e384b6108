"""Alerts for people: the list, one alert, and the steps as forms. The rules are those of `alerts`.

The form of a step carries the version that its reader has seen: pressed twice it does once, and whoever was slower is
told.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.intake.api.alert_paging import After
from services.intake.api.alert_rules import alert_rates_of
from services.intake.api.alerts import (
    B,
    ClinicPeople,
    CloseBody,
    HandOverBody,
    Step,
    StepBody,
    alert_of,
    alerts_of,
    closing,
    handing_over,
    reopening,
    step_on,
    taking,
)
from services.intake.api.high_risk import flag, high_risk_of, read_flag, unflag
from services.intake.api.staff import AtSite, bar_of, patient_page
from services.intake.pages.alerts import present_alert, present_alerts
from shared.auth import Caller
from shared.errors import KeyRingAway, Problem
from shared.http.forms import form_of, whole_number
from shared.http.language import choice_of
from shared.http.problems import no_keys
from shared.http.sign_in import sessions_of

router = APIRouter(include_in_schema=False)


@router.get("/alerts")
async def show_alerts(request: Request, caller: ClinicPeople, after: After = None) -> Response:
    """The list, with how many surveys alert, beside the patients at high risk."""
    alerts = await alerts_of(request, caller, after, language=choice_of(request).spoken().language)
    high_risk = await high_risk_of(request, caller)
    rates = [rate.model_dump() for rate in await alert_rates_of(request, caller)]
    return HTMLResponse(present_alerts(alerts.model_dump(), high_risk.model_dump(), rates, **_around(request, caller)))


@router.get("/alerts/{alert_id}")
async def show_alert(request: Request, alert_id: UUID, caller: ClinicPeople) -> Response:
    """One alert."""
    return await _shown(request, caller, alert_id)


@router.post("/alerts/{alert_id}/take")
async def take_alert_by_form(request: Request, alert_id: UUID, caller: ClinicPeople) -> Response:
    """Take it."""
    return await _step(request, caller, alert_id, StepBody, lambda body: taking(caller, body))


@router.post("/alerts/{alert_id}/hand-over")
async def hand_over_alert_by_form(request: Request, alert_id: UUID, caller: ClinicPeople) -> Response:
    """Give it to somebody."""
    return await _step(request, caller, alert_id, HandOverBody, handing_over)


@router.post("/alerts/{alert_id}/close")
async def close_alert_by_form(request: Request, alert_id: UUID, caller: ClinicPeople) -> Response:
    """Say what was done."""
    return await _step(request, caller, alert_id, CloseBody, lambda body: closing(request, caller, body))


@router.post("/alerts/{alert_id}/reopen")
async def reopen_alert_by_form(request: Request, alert_id: UUID, caller: ClinicPeople) -> Response:
    """Open it again."""
    return await _step(request, caller, alert_id, StepBody, lambda body: reopening(request, body))


@router.post("/high-risk/{patient_id}")
async def flag_by_form_of_alert(
    request: Request, patient_id: UUID, caller: ClinicPeople, site: AtSite = None
) -> Response:
    """Put the patient of an alert on the high-risk list, or change why they are there."""
    site_id, given = caller.writing_site(site), await form_of(request)
    alert_id = _alert_in(given)
    try:
        await flag(request, caller, site_id, patient_id, read_flag(given))
    except Problem as problem:
        if problem.status != 422 or alert_id is None:
            raise
        return await _shown(request, caller, alert_id, problem)
    return _back_to(alert_id)


@router.post("/high-risk/{patient_id}/end")
async def unflag_by_form_of_alert(
    request: Request, patient_id: UUID, caller: ClinicPeople, site: AtSite = None
) -> Response:
    """Take a patient off the high-risk list."""
    site_id, alert_id = caller.writing_site(site), _alert_in(await form_of(request))
    await unflag(request, caller, site_id, patient_id)
    return _back_to(alert_id)


def _alert_in(given: Mapping[str, str]) -> UUID | None:
    """The alert on whose page a form stands; None for one on the list."""
    try:
        return UUID(given.get("alert", ""))
    except ValueError:
        return None


def _back_to(alert_id: UUID | None) -> Response:
    return RedirectResponse("/alerts" if alert_id is None else f"/alerts/{alert_id}", status_code=303)


async def _step(request: Request, caller: Caller, alert_id: UUID, kind: type[B], step: Callable[[B], Step]) -> Response:
    """Do it and show the alert as it stands then; or show it with why that was not done."""
    try:
        body = _read(kind, await form_of(request))
        await step_on(request, caller, alert_id, body, step(body))
    except KeyRingAway:
        return await _shown(request, caller, alert_id, no_keys())
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _shown(request, caller, alert_id, problem)
    return _back_to(alert_id)


def _read(kind: type[B], given: Mapping[str, str]) -> B:
    """The fields of a form, where what is left empty is not given and a number is text.

    Raises:
        Problem: 422
    """
    said: dict[str, Any] = {name: value.strip() for name, value in given.items() if value.strip()}
    try:
        return kind.model_validate(said | {"version": whole_number(said.get("version", ""))})
    except ValidationError:
        raise Problem(422, "invalid", "Something is missing or too long. Look at the form again.") from None


async def _shown(request: Request, caller: Caller, alert_id: UUID, problem: Problem | None = None) -> Response:
    alert = await alert_of(request, caller, alert_id, choice_of(request).spoken().language)
    html = present_alert(alert.model_dump(), problem=problem, **_around(request, caller))
    return HTMLResponse(html, 200 if problem is None else problem.status)


def _around(request: Request, caller: Caller) -> dict[str, Any]:
    return {
        "now": sessions_of(request).clock(),
        "patient_page": patient_page(request),
        "bar": bar_of(request, caller, "alerts"),
    }
