"""Surveys as FHIR `QuestionnaireResponse`: read, then recorded as every other survey is.

A caller who accepts FHIR hears of a refusal as an `OperationOutcome`, with an issue for each `linkId`.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from services.intake.api.fhir import body_of, resources_of
from services.intake.api.naming import patient_called, visit_called
from services.intake.api.own_forms import OwnForm, OwnForms, at_leisure
from services.intake.api.surveys import Means, Submission, SurveyBody
from services.intake.api.versions import SurveyAccepted
from services.intake.domain import Identifiers, Resource
from services.intake.domain import fhir_answers as fhir
from services.intake.domain.questionnaires import Disabled
from shared.db import Connection, SiteScope, transaction
from shared.errors import FieldError, Problem, unknown
from shared.http.access import SiteStaff
from shared.http.batch import Batch
from shared.http.commands import MANY, IdempotencyKey, NamedSite, execute_together, pool_of
from shared.http.problems import invalid

router = APIRouter(tags=["surveys"])
_FHIR = "application/fhir+json"
Sent: TypeAlias = tuple[Resource, Mapping[str, str]]
"""A resource, with the site's numbers of the patients that came along."""


@router.post(
    "/v1/fhir/surveys",
    status_code=201,
    response_model=SurveyAccepted,
    responses=MANY,
    openapi_extra=body_of((fhir.KIND,), fhir.KIND),
)
async def submit_responses(
    request: Request,
    caller: SiteStaff,
    key: IdempotencyKey,
    site: NamedSite = None,
    *,
    not_shown: Disabled = Disabled.REFUSE,
) -> Response:
    """Submit surveys as FHIR: one, a Bundle, or NDJSON. A Bundle's patients lead to the site's numbers.

    Where a RelatedPerson is the `source` or the `author`, or somebody of the clinic is the `source`, the answers are
    recorded as given for the patient (`mode` is `proxy`), else as the patient's own (`self`).

    `not_shown`: answers to what is not asked of this patient are refused, or left out and named in the `outcome`.
    """
    site_id = caller.writing_site(site)
    identifiers: Identifiers = request.app.state.identifiers
    submission: Submission = request.app.state.submission
    means: Means = request.app.state.means
    try:
        read = await resources_of(request, (fhir.KIND,), lambda resource, numbers: (resource, numbers))
        async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
            own = await _own_forms(connection, means.own_forms, site_id, read.items)
            said = await at_leisure(own.values(), lambda: [_said(one, own) for one in read.items])
            items = [await _survey(connection, identifiers, site_id, one, not_shown) for one in said]
        batch = Batch[SurveyBody](items, is_single=read.is_single)
        command = submission.with_words if any(one.may_have_words for one in batch.valid) else submission.without_words
        return await execute_together(request, command, batch, site_id=site_id, key=key)
    except Problem as problem:
        if _FHIR not in request.headers.get("accept", ""):
            raise
        return Response(_outcome(problem), problem.status, problem.headers, _FHIR)


async def _own_forms(
    connection: Connection, own_forms: OwnForms, site_id: str, items: Sequence[Sent | Problem]
) -> Mapping[str, OwnForm]:
    addresses = [one[0].get("questionnaire") for one in items if not isinstance(one, Problem)]
    return await own_forms.named(connection, site_id, {one for one in addresses if isinstance(one, str)})


def _said(sent: Sent | Problem, own: Mapping[str, OwnForm]) -> fhir.Response | Problem:
    """What a response says. Of a form that takes no answers, only that is said."""
    if isinstance(sent, Problem):
        return sent
    try:
        resource, numbers = sent
        found = own.get(str(resource.get("questionnaire")))
        named = {} if found is None else {str(resource["questionnaire"]): found.for_new_answers()}
        return fhir.read_response(resource, numbers, named)
    except Problem as problem:
        return problem


async def _survey(
    connection: Connection,
    identifiers: Identifiers,
    site_id: str,
    said: fhir.Response | Problem,
    not_shown: Disabled,
) -> SurveyBody | Problem:
    """The survey with our ids of patient and visit."""
    if isinstance(said, Problem):
        return said
    whose = said.patient
    patient = whose if isinstance(whose, UUID) else await patient_called(connection, identifiers, site_id, whose)
    if patient is None:
        return unknown("patient")
    names = identifiers.names_of_visit(site_id, said.visit_names)
    visit = await visit_called(connection, site_id, names, patient) or said.visit_id
    if visit is None:
        return unknown("visit")
    try:
        return SurveyBody.model_validate(
            {
                "patient_id": patient,
                "visit_id": visit,
                "form": said.form,
                "language": said.language,
                "mode": said.mode,
                "submitted_at": said.authored,
                "answers": said.answers,
                "skipped": said.skipped,
                "not_shown": not_shown,
            }
        )
    except ValidationError as error:
        return invalid(error.errors(include_input=False, include_url=False, include_context=False))


def _outcome(problem: Problem) -> bytes:
    """A refusal as FHIR says it."""
    of_all = {HTTPStatus.NOT_FOUND: "not-found", HTTPStatus.CONFLICT: "conflict"}.get(HTTPStatus(problem.status))
    issues = [
        {
            "severity": "error",
            "code": of_all or error.code,
            "details": {"text": error.expected},
            **_where(error.field),
        }
        for error in problem.errors or [FieldError("", problem.detail)]
    ]
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": issues})


def _where(field: str) -> dict[str, Any]:
    """A question by its `linkId`, another part of the response by its path."""
    head, _, link_id = field.partition(".")
    if head in ("answers", "skipped"):
        return {"diagnostics": f"linkId {link_id}"} if link_id else {}
    element = "authored" if field == "submitted_at" else field
    return {"expression": [f"{fhir.KIND}.{element}"]} if element else {}
