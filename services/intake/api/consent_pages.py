"""The next step of a patient's network consent, recorded on their page: a decision, or another invitation.

Which step may follow is decided where it is recorded, as for every other way in which one comes.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.intake.api.consent import ConsentBody, InvitationBody, decide_consent, invite_again, read_shown
from services.intake.api.patient_shown import patient_shown
from services.intake.api.staff import AtSite, Coordinator, fields_of, in_address, key_of, wrong_in
from services.intake.pages.consents import DECISION, INVITATION
from services.intake.pages.filled import Filled
from shared.auth import Caller
from shared.errors import Problem
from shared.http.batch import Batch
from shared.http.forms import trimmed_form_of

router = APIRouter(include_in_schema=False)
_SHOWN = (409, 422)
_FIELD_OF = {
    "consent-out-of-order": "decided_on",
    "consent-reason-required": "reason",
    "consent-reason-not-allowed": "reason",
    "consent-text-unknown": "text",
    "consent-text-required": "text",
}


@router.post("/patients/{patient_id}/consent")
async def decide_by_form(request: Request, patient_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Record what a patient decided."""
    site_id = caller.writing_site(site)

    async def decide(given: Mapping[str, str], key: str) -> None:
        body = ConsentBody.model_validate(_said(given, "state", "decided_on", "reason", "mode"))
        await decide_consent(request, patient_id, Batch([body], is_single=True), caller, key, site_id)

    return await _answered(request, caller, site_id, patient_id, DECISION, decide)


@router.post("/patients/{patient_id}/invitations")
async def invite_by_form(request: Request, patient_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Record that a patient was invited again."""
    site_id = caller.writing_site(site)

    async def invite(given: Mapping[str, str], key: str) -> None:
        body = InvitationBody.model_validate(_said(given, "mode"))
        await invite_again(request, patient_id, body, caller, key, site_id)

    return await _answered(request, caller, site_id, patient_id, INVITATION, invite)


async def _answered(
    request: Request,
    caller: Caller,
    site_id: str,
    patient_id: UUID,
    form: str,
    record: Callable[[Mapping[str, str], str], Awaitable[None]],
) -> Response:
    """The answer to a form, which `record` takes with its key: back to the patient, or what is wrong in it."""
    given = await trimmed_form_of(request)
    try:
        await record(given, f"{key_of(given)}-{form}")
    except ValidationError as refused:
        return await patient_shown(request, caller, site_id, patient_id, Filled(form, given, wrong_in(refused)))
    except Problem as problem:
        if problem.status not in _SHOWN:
            raise
        filled = Filled(form, given, fields_of(problem, _FIELD_OF))
        return await patient_shown(request, caller, site_id, patient_id, filled, problem)
    return RedirectResponse(f"/patients/{patient_id}{in_address(caller, site_id)}#h-consent", status_code=303)


def _said(given: Mapping[str, str], *names: str) -> dict[str, Any]:
    """What the fields of these names say, where they say something, and the text that was shown."""
    said: dict[str, Any] = {name: given[name] for name in names if given.get(name)}
    return said | {"text": read_shown(given.get("text", ""))}
