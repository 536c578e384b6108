"""How the patient of a visit is reached, read and changed by a coordinator on a page."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.intake import store
from services.intake.api.contacts import ContactBody, opened_contact, put_contact
from services.intake.api.staff import AtSite, Coordinator, bar_of, in_address, site_shown_to, wrong_in
from services.intake.api.standing import visit_at
from services.intake.pages.filled import Filled, said_yes_or_no
from services.intake.pages.worklist import show_contact
from shared.auth import Caller
from shared.db import SiteScope, transaction
from shared.events import VisitUpdated
from shared.http.commands import pool_of
from shared.http.forms import trimmed_form_of, yes_or_no
from shared.http.record import keep_read

router = APIRouter(include_in_schema=False)
_PATH = "/visits/{visit_id}/contact"
_FORM = "contact"


@router.get(_PATH)
async def ask_contact(request: Request, visit_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """What is known, in the fields of a form."""
    site_id = site_shown_to(caller, site)
    visit, scope = await visit_at(request, site_id, visit_id), SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        row = await store.contact(connection, scope, visit.patient_id)
        await keep_read(request, connection, site_id, visit.patient_id)
    if row is None:
        return _page(request, caller, site_id, visit, Filled(_FORM, {}))
    known = await opened_contact(request, site_id, visit.patient_id, row)
    said = known.model_dump(mode="json", include=set(ContactBody.model_fields), exclude_none=True)
    said["wants_messages"] = said_yes_or_no(said=known.wants_messages)
    return _page(request, caller, site_id, visit, Filled(_FORM, said))


@router.post(_PATH)
async def take_contact(request: Request, visit_id: UUID, caller: Coordinator, site: AtSite = None) -> Response:
    """Keep what the form says, all of it; a field that is left empty is forgotten."""
    site_id = caller.writing_site(site)
    visit = await visit_at(request, site_id, visit_id)
    given = await trimmed_form_of(request)
    said = {name: text for name, text in given.items() if text}
    try:
        body = ContactBody.model_validate({**said, "wants_messages": yes_or_no(said.get("wants_messages", ""))})
    except ValidationError as refused:
        return _page(request, caller, site_id, visit, Filled(_FORM, given, wrong_in(refused)))
    await put_contact(request, visit.patient_id, body, caller, site_id)
    return RedirectResponse(f"/visits/{visit_id}{in_address(caller, site_id)}", status_code=303)


def _page(request: Request, caller: Caller, site_id: str, visit: VisitUpdated, form: Filled) -> Response:
    html = show_contact(visit, form, bar_of(request, caller, "visits", site_id))
    return HTMLResponse(html, form.status)
