"""A survey as Observations: its answers, as FHIR's `$extract` says them, and its scores."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.intake import store
from services.intake.api.surveys import Means
from services.intake.api.versions import answers_of, given_items, opened
from services.intake.api.withholding import is_withheld
from services.intake.domain import Form, as_given, form_as_asked, observations
from services.intake.domain.questionnaires import Given, to_response
from shared.db import transaction
from shared.errors import unknown
from shared.events import RecordChange, Score
from shared.fhir import SUBSETTED
from shared.http.access import CareTeam
from shared.http.commands import pool_of, ring_of
from shared.http.record import keep_read
from shared.sealing import Patient

router = APIRouter(tags=["surveys"])
_STATES = {
    RecordChange.COMPLETED: "completed",
    RecordChange.AMENDED: "amended",
    RecordChange.ENTERED_IN_ERROR: "entered-in-error",
}


@router.get("/v1/surveys/{survey_id}/observations", response_class=JSONResponse)
async def extract_survey(request: Request, survey_id: UUID, caller: CareTeam) -> dict[str, Any]:
    """The newest version of a survey as a transaction Bundle of Observations, as FHIR's `$extract` gives it, with its
    scores last. A site's own form gives the questions to which it gives a code, a shipped one all.

    It is tagged SUBSETTED where words cannot be read, and for a coordinator whose site does not show what patients
    say, who is told of what was skipped only.
    """
    async with transaction(pool_of(request), caller.scope) as connection:
        survey = await store.survey(connection, caller.scope, survey_id)
        if survey is None:
            raise unknown("survey")
        means: Means = request.app.state.means
        own = await means.own_forms.named(connection, survey.site_id, [survey.form])
        withheld = await is_withheld(connection, caller, survey.site_id)
        await keep_read(request, connection, survey.site_id, survey.patient_id)
    form = own[survey.form].form if own else form_as_asked(survey.form, given_items(survey))
    answers, is_whole = dict[str, Any](), False
    if not withheld:
        words = opened(survey, await ring_of(request).opener(Patient(survey.site_id, survey.patient_id)))
        is_whole = words is None or words.text is not None
        answers = answers_of(survey, orjson.loads(words.text) if words and words.text else {})
    scores = () if withheld else survey.scores
    bundle = await asyncio.to_thread(_extracted, form, survey, answers, scores)
    return bundle if is_whole else bundle | {"meta": {"tag": [SUBSETTED]}}


def _extracted(form: Form, survey: store.SurveyRow, answers: dict[str, Any], scores: Sequence[Score]) -> dict[str, Any]:
    head = {
        "id": str(survey.survey_id),
        "status": _STATES[survey.change],
        "subject": {"reference": f"Patient/{survey.patient_id}"},
        "encounter": {"reference": f"Encounter/{survey.visit_id}"},
        "authored": survey.submitted_at.isoformat(),
    }
    given = Given.of_plain(*as_given(form.definition, answers, survey.response["skipped"]))
    return observations(form, to_response(form.definition, given, head, at=survey.submitted_at), scores)
