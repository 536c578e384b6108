"""Opening a page from an EHR (SMART App Launch 2.2): `/launch` sends the browser to the EHR's sign-in, and who comes
back has a session in the role clinician at the EHR's own site, on the page of the patient whose chart is open.

Such a session may stand in a frame of that EHR, and ends when the EHR is revoked.
"""

from collections.abc import Sequence
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.dashboard import store
from services.dashboard.api.calling import launching_ehr
from services.dashboard.api.ehr_servers import EhrAway
from services.dashboard.api.smart import CALLBACK, Launched, LaunchRefused, SmartApp
from services.dashboard.domain import Ehr, our_id
from shared.audit import Entry, Kind
from shared.auth import Caller, Role
from shared.db import transaction
from shared.http.commands import pool_of
from shared.http.flows import Flow
from shared.http.language import choice_of
from shared.http.record import begin_trail
from shared.http.sessions import AtProvider
from shared.http.sign_in import begin, sessions_of
from shared.pages.notices import notice
from shared.pages.speaking import Spoken
from shared.speech import Said

router = APIRouter(include_in_schema=False)
_NOT_KNOWN = (
    Said("This system is not known here", "Aquí no se conoce este sistema"),
    Said("No clinic has registered it.", "Ninguna clínica lo ha registrado."),
)
_AGAIN = Said("Open it from the chart again.", "Ábrala otra vez desde la historia clínica.")
_AWAY = (
    Said("The page cannot be opened now", "Ahora no se puede abrir la página"),
    Said("Your system does not answer.", "Su sistema no contesta."),
    _AGAIN,
)
_NOT_BEGUN = (
    Said("Please open the page once more", "Abra la página otra vez, por favor"),
    Said("This browser did not begin that.", "Esto no empezó en este navegador."),
    _AGAIN,
)
_REFUSED = (
    Said("The page is not open", "La página no está abierta"),
    Said("Your system did not say who you are.", "Su sistema no dijo quién es usted."),
    _AGAIN,
)
_NO_PAGE = (
    Said("There is no page of this patient", "Este paciente no tiene página"),
    Said("They are not enrolled at your clinic.", "No tiene inscripción en su clínica."),
)
_log = structlog.get_logger()


@router.get("/launch")
async def launch(
    request: Request,
    iss: Annotated[str, Query(max_length=500)],
    launch: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """Set out to the sign-in of the EHR that launches us; without `launch` it asks there which patient it is about."""
    ehr = await launching_ehr(request, iss)
    if ehr is None:
        return _page(request, 404, _NOT_KNOWN)
    request.state.framed_by = ehr.origins
    flow = Flow.new("/signed-in", ehr=ehr.fhir_server)
    try:
        response = RedirectResponse(await _app_of(request).authorization_url(ehr, flow, launch), status_code=303)
    except EhrAway:
        return _page(request, 503, _AWAY)
    flow.keep(response, sessions_of(request))
    return response


@router.get(CALLBACK)
async def come_back_launched(
    request: Request, state: str = "", code: str = "", iss: str | None = None, error: str | None = None
) -> Response:
    """Open a session for who comes back from the EHR, on the page of the patient whose chart is open there."""
    flow = Flow.returned(request, sessions_of(request), state)
    ehr = None if flow is None or flow.ehr is None else await launching_ehr(request, flow.ehr)
    if flow is None or ehr is None:
        return _page(request, 400, _NOT_BEGUN)
    request.state.framed_by = ehr.origins
    try:
        if error or not code:
            raise LaunchRefused("the EHR said no")
        response = await _opened(request, ehr, await _app_of(request).launched(ehr, flow, code, iss))
    except LaunchRefused as refused:
        _log.warning("launch refused", ehr=ehr.ehr_id, reason=str(refused))
        response = _page(request, 403, _REFUSED)
    except EhrAway:
        response = _page(request, 503, _AWAY)
    flow.forget(response, sessions_of(request))
    return response


async def _opened(request: Request, ehr: Ehr, launched: Launched) -> Response:
    """A session on the patient's page; none where the site has no such page, which is on record too."""
    caller = Caller(launched.subject, Role.CLINICIAN, frozenset({ehr.site_id}))
    patient_id = our_id(launched.patient_id, launched.resource)
    async with transaction(pool_of(request), caller.scope) as connection:
        home = None if patient_id is None else await store.home_of(connection, caller.scope, patient_id)
        if home is None:
            entry = Entry(ehr.site_id, Kind.DENIED, 404, patient_id)
            await begin_trail(request, caller).keep(connection, [entry])
            return _page(request, 404, _NO_PAGE)
        response = RedirectResponse(f"/patients/{patient_id}", status_code=303)
        at_ehr = AtProvider(ehr.at_provider, None, in_frame=True)
        await begin(request, connection, response, caller, at_provider=at_ehr)
    return response


def _app_of(request: Request) -> SmartApp:
    app: SmartApp = request.app.state.smart_app
    return app


def _page(request: Request, status: int, said: Sequence[Said]) -> Response:
    chosen, is_synthetic = choice_of(request).chosen, request.app.state.platform.is_synthetic
    spoken = Spoken(chosen) if chosen else None  # no switch: no such page can be asked for again
    return HTMLResponse(notice(*said, spoken=spoken, is_synthetic=is_synthetic), status)
