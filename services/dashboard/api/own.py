"""A patient's way in: over the service that sent the link, which knows them, to their own page."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from shared.db import transaction
from shared.hand_over import GIVEN_AT, GIVEN_BY, TAKEN_AT, Receiver
from shared.http.commands import pool_of
from shared.http.flows import Flow
from shared.http.sessions import spend
from shared.http.sign_in import begin, closed_to_patient, sessions_of

router = APIRouter(include_in_schema=False)
ENTRY = "/sign-in/own"


@router.get(ENTRY)
async def set_out(request: Request) -> Response:
    """Ask the service that sent the link who this is."""
    flow = Flow.new("/")
    giver = request.app.state.platform.public_urls[GIVEN_BY]
    asked = urlencode({"to": "dashboard", "state": flow.state})
    response = RedirectResponse(f"{giver}{GIVEN_AT}?{asked}", status_code=303)
    flow.keep(response, sessions_of(request))
    return response


@router.get(TAKEN_AT)
async def come_back(request: Request, state: str = "", assertion: str = "") -> Response:
    """Open a session for the patient whom the assertion names the first time it comes, and show their page."""
    receiver: Receiver = request.app.state.receiver
    flow = Flow.returned(request, sessions_of(request), state)
    handed = None if flow is None else await receiver.read(assertion, state)
    if flow is None or handed is None:
        return closed_to_patient(request)
    response = RedirectResponse(f"/patients/{handed.caller.patient_id}", status_code=303)
    async with transaction(pool_of(request), handed.caller.scope) as connection:
        if not await spend(connection, handed.site_id, handed.issuer, handed.token_id, handed.expires_at):
            return closed_to_patient(request)
        await begin(request, connection, response, handed.caller, ends_at=handed.session_ends_at)
    flow.forget(response, sessions_of(request))
    return response
