"""A patient's way in to a service that sends no links: over intake, which knows them, to their own page here."""

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from shared.db import transaction
from shared.hand_over import ASKED_AT, GIVEN_AT, GIVEN_BY, TAKEN_AT, Receiver
from shared.http.commands import pool_of
from shared.http.flows import Flow
from shared.http.sessions import spend
from shared.http.sign_in import begin, closed_to_patient, sessions_of

router = APIRouter(include_in_schema=False)
OwnPage = Callable[[UUID], str]


@router.get(ASKED_AT)
async def set_out(request: Request) -> Response:
    """Ask the service that sent the link who this is."""
    receiver = _receiver_of(request)
    flow = Flow.new("/")
    giver = request.app.state.platform.public_urls[GIVEN_BY]
    asked = urlencode({"to": receiver.service, "state": flow.state})
    response = RedirectResponse(f"{giver}{GIVEN_AT}?{asked}", status_code=303)
    flow.keep(response, sessions_of(request))
    return response


@router.get(TAKEN_AT)
async def come_back(request: Request, state: str = "", assertion: str = "") -> Response:
    """Open a session for the patient whom the assertion names the first time it comes, and show their page."""
    flow = Flow.returned(request, sessions_of(request), state)
    handed = None if flow is None else await _receiver_of(request).read(assertion, state)
    if flow is None or handed is None or handed.caller.patient_id is None:
        return closed_to_patient(request)
    own_page: OwnPage = request.app.state.own_page
    response = RedirectResponse(own_page(handed.caller.patient_id), status_code=303)
    async with transaction(pool_of(request), handed.caller.scope) as connection:
        if not await spend(connection, handed.site_id, handed.issuer, handed.token_id, handed.expires_at):
            return closed_to_patient(request)
        await begin(request, connection, response, handed.caller, ends_at=handed.session_ends_at)
    flow.forget(response, sessions_of(request))
    return response


def _receiver_of(request: Request) -> Receiver:
    receiver: Receiver = request.app.state.receiver
    return receiver
