"""The page of a patient of the site, as it is after whatever was pressed on it."""

from datetime import datetime
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from services.intake import store
from services.intake.api.staff import bar_of, in_words, patient_page, site_and_zone
from services.intake.api.standing import enrolled
from services.intake.pages.consents import Consent
from services.intake.pages.filled import Filled
from services.intake.pages.patients import Person, show_person
from shared.auth import Caller
from shared.db import SiteScope, transaction
from shared.errors import Problem
from shared.http.commands import pool_of
from shared.http.record import keep_read


async def patient_shown(
    request: Request,
    caller: Caller,
    site_id: str,
    patient_id: UUID,
    filled: Filled | None = None,
    problem: Problem | None = None,
) -> Response:
    """The page, on record as read; with a form that is filled in, and why it was refused.

    Raises:
        Problem: 404, or 410 for who is erased.
    """
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        enrolment = await enrolled(connection, site_id, patient_id)
        site, zone = await site_and_zone(connection, site_id)
        visits = await store.visits_of(connection, scope, patient_id, store.MOST_VISITS)
        clinicians = await store.clinicians_of_visits(connection, scope)
        steps = await store.consent_steps(connection, scope, patient_id)
        texts = [kept.text for kept in await store.consent_texts(connection, scope)]
        await keep_read(request, connection, site_id, patient_id)
    consent = Consent(enrolment.consent, steps, texts, datetime.now(zone).date(), zone)
    person = Person(enrolment, visits, clinicians, consent, zone, patient_page(request))
    why = None if problem is None else in_words(problem)
    html = show_person(person, filled, why, bar_of(request, caller, "visits", site_id, site.name))
    of_form = 200 if filled is None else filled.status
    return HTMLResponse(html, of_form if problem is None else problem.status)
