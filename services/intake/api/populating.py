"""A response begun for somebody: what they answered last and what is known already is filled in, for them to look over.

Nothing is written: what is sent in the end is a survey like every other.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.forms import SHIPPED
from services.intake.api.surveys import Means
from services.intake.api.versions import answers_of, opened
from services.intake.api.withholding import is_withheld
from services.intake.domain import Form, form_without, last_answers, short_name
from services.intake.domain.questionnaires import Definition, Given, masked, populate, to_response
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import erased, unknown
from shared.events import EnrollmentUpdated, VisitUpdated
from shared.http.access import allow
from shared.http.commands import pool_of, ring_of
from shared.http.record import keep_read
from shared.sealing import Patient

router = APIRouter(tags=["forms"])
CareTeamOrPatient = Annotated[Caller, Depends(allow(Role.PATIENT, Role.CLINICIAN, Role.COORDINATOR, Role.SYSTEM))]


class PopulateBody(BaseModel):
    """What the caller knows in FHIR, such as Observations."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resources: tuple[dict[str, Any], ...] = Field(default=(), max_length=200)


class _Known(NamedTuple):
    site_id: str
    visit: VisitUpdated
    enrolment: EnrollmentUpdated


@router.post("/v1/forms/{form_id}/populate", response_class=JSONResponse)
async def populate_form(
    request: Request,
    form_id: UUID,
    patient_id: UUID,
    visit_id: UUID,
    caller: CareTeamOrPatient,
    body: PopulateBody | None = None,
) -> dict[str, Any]:
    """A QuestionnaireResponse in progress for a patient and a visit, as FHIR's `$populate` gives it.

    For a coordinator whose site does not show what patients say, earlier answers and what follows from them are
    `masked`.
    """
    async with transaction(pool_of(request), caller.scope) as connection:
        known = await _known(connection, caller, patient_id, visit_id)
        form = await _form(request, connection, known.site_id, form_id)
        named = f"{form.key.partition('|')[0]}|"  # at any version
        survey = await store.newest_survey(connection, SiteScope.of(known.site_id), patient_id, named)
        withheld = await is_withheld(connection, caller, known.site_id)
        await keep_read(request, connection, known.site_id, patient_id)
    given = {}
    if survey is not None:
        words = opened(survey, await ring_of(request).opener(Patient(known.site_id, patient_id)))
        given = answers_of(survey, orjson.loads(words.text) if words and words.text else {})
    resources = [*_resources(known), *(body.resources if body else ())]
    response = await asyncio.to_thread(_begun, form.definition, given, resources, is_masked=withheld)
    return response | {
        "subject": {"reference": f"Patient/{patient_id}"},
        "encounter": {"reference": f"Encounter/{visit_id}"},
    }


def _begun(
    definition: Definition, given: Mapping[str, Any], resources: Sequence[Mapping[str, Any]], *, is_masked: bool
) -> dict[str, Any]:
    now = datetime.now(UTC)
    last = to_response(definition, Given.of_plain(last_answers(definition, given)))
    begun = populate(definition, last, resources, at=now)
    return masked(begun, populate(definition, None, resources, at=now)) if is_masked else begun


async def _known(connection: Connection, caller: Caller, patient_id: UUID, visit_id: UUID) -> _Known:
    if caller.role is Role.PATIENT and caller.patient_id != patient_id:
        raise unknown("patient")
    found = await store.visit_of(connection, caller.scope, visit_id)
    if found is None or found[1].patient_id != patient_id:
        raise unknown("visit")
    enrolment = await store.enrolment(connection, SiteScope.of(found[0]), patient_id)
    if enrolment is None:
        raise erased()
    return _Known(*found, enrolment)


async def _form(request: Request, connection: Connection, site_id: str, form_id: UUID) -> Form:
    if form_id in SHIPPED:
        rule = await store.survey_rule(connection, SiteScope.of(site_id), site_id) or store.SurveyRule()
        return form_without(short_name(SHIPPED[form_id].key), frozenset(rule.left_out))
    means: Means = request.app.state.means
    own = await means.own_forms.named(connection, site_id, [str(form_id)])
    if not own:
        raise unknown("form")
    return own[str(form_id)].form  # a retired one too: a correction may be begun with it


def _resources(known: _Known) -> list[dict[str, Any]]:
    """Patient and visit as FHIR says them; of the birth only the year is known."""
    patient_id, visit = str(known.visit.patient_id), known.visit
    return [
        {
            "resourceType": "Patient",
            "id": patient_id,
            "gender": str(known.enrolment.sex),
            "birthDate": str(known.enrolment.birth_year),
        },
        {
            "resourceType": "Encounter",
            "id": str(visit.visit_id),
            "subject": {"reference": f"Patient/{patient_id}"},
            "period": {"start": visit.scheduled_at.isoformat()},
        },
    ]
