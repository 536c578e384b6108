"""Pre-visit surveys: checked against the pinned form, scored, and sealed where the patient used words.

Words are sealed twice, for the record that is kept here and for the event that travels; neither opens as the other.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.main import IncEx

from services.intake import store
from services.intake.api.standing import enrolled
from services.intake.domain import FORMS, Form, check, form_for, score
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope
from shared.errors import FieldError, Problem, conflict, unknown
from shared.events import Concern, ConcernTopic, Language, SkipReason, SurveyCompleted, VisitState
from shared.http.access import allow
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute, ring_of
from shared.http.fields import Moment
from shared.keyring import KeyRing
from shared.outbox import Draft, Recorded
from shared.sealing import Patient, in_event, in_record

router = APIRouter(tags=["surveys"])
Submitter = Annotated[Caller, Depends(allow(Role.PATIENT, Role.COORDINATOR, Role.SYSTEM))]
# Of any type here: the form says what each item takes, and names the item when it is something else.
Answer = Annotated[Any, WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "number"}, {"type": "string"}]})]
Words = Annotated[str, Field(min_length=1, max_length=500)]
_CODES: dict[str, IncEx | bool] = {
    "answers": True,
    "skipped": True,
    "language": True,
    "concerns": {"__all__": {"topic"}},
}


class ConcernBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: ConcernTopic
    words: Words | None = None


class SurveyBody(BaseModel):
    """A pre-visit survey. Every item of the form that applies is in `answers`, or in `skipped` with a reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patient_id: UUID
    visit_id: UUID
    form: str | None = Field(
        default=None, max_length=80, description="`id|version`; the form of the diagnosis when not given"
    )
    language: Language = Language.ENGLISH
    started_at: Moment | None = None
    submitted_at: Moment | None = Field(default=None, description="Now when not given")
    answers: dict[str, Answer] = Field(max_length=200)
    skipped: dict[str, SkipReason] = Field(default={}, max_length=200)
    concerns: tuple[ConcernBody, ...] = Field(default=(), max_length=3, description="Most important first")
    matters_most: Words | None = None

    @property
    def words(self) -> dict[str, str]:
        """What the patient said in words, by the field of the event where it will stand."""
        concerns = {f"concerns.{rank}.words": concern.words for rank, concern in enumerate(self.concerns, start=1)}
        return {field: said for field, said in {**concerns, "matters_most": self.matters_most}.items() if said}


@router.post("/v1/surveys", status_code=201, response_model=Accepted, responses=MANY)
async def submit_surveys(
    request: Request, body: Batch[SurveyBody], caller: Submitter, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Submit one pre-visit survey or many."""
    ring, site_id = ring_of(request), caller.writing_site(site)
    await ring.warm([Patient(site_id, survey.patient_id) for survey in body.valid if survey.words])
    command = Command[SurveyBody](
        locks=lambda _site, survey: [str(survey.patient_id)], record=partial(_submit, ring, caller)
    )
    return await execute(request, command, body, site_id=site_id, key=key)


async def _submit(ring: KeyRing, caller: Caller, connection: Connection, site_id: str, body: SurveyBody) -> Recorded:
    if caller.role is Role.PATIENT and caller.patient_id != body.patient_id:
        raise unknown("patient")
    form = await _form_of(connection, site_id, body)
    errors = check(form, body.answers, body.skipped)
    if errors:
        raise Problem(422, "invalid", f"{len(errors)} answer(s) are not valid.", errors=errors)
    key = await ring.sealer(Patient(site_id, body.patient_id)) if body.words else None
    survey_id, event_id = uuid4(), uuid4()
    survey = store.SurveyRow(
        survey_id=survey_id,
        visit_id=body.visit_id,
        patient_id=body.patient_id,
        form=form.key,
        submitted_at=body.submitted_at or datetime.now(UTC),
        response=body.model_dump(mode="json", include=_CODES),
        words=None if key is None else key.seal(orjson.dumps(body.words).decode(), in_record(survey_id, "words")),
        scores=score(form, body.answers),
    )
    await store.record_survey(connection, site_id, survey)
    sealed = {field: key.seal(said, in_event(event_id, field)) for field, said in body.words.items()} if key else {}
    return Recorded(str(survey_id), [Draft(site_id, str(body.patient_id), _event(survey, body, sealed), event_id)])


async def _form_of(connection: Connection, site_id: str, body: SurveyBody) -> Form:
    """The pinned form, once patient and visit are known to fit; raises the problem where they do not."""
    scope = SiteScope.of(site_id)
    enrolment = await enrolled(connection, site_id, body.patient_id)
    visit = await store.visit(connection, scope, body.visit_id)
    if visit is None or visit.patient_id != body.patient_id:
        raise unknown("visit")
    if visit.state is VisitState.CANCELLED:
        raise conflict("visit-cancelled", "The visit was cancelled. A survey belongs to a visit that takes place.")
    if await store.has_survey(connection, scope, body.visit_id):
        raise conflict("already-answered", "This visit has its survey already.")
    if body.form is None:
        return form_for(enrolment.diagnosis)
    fitting = sorted(key for key, form in FORMS.items() if form.diagnosis is enrolment.diagnosis)
    if body.form not in fitting:
        expected = f"a form for the patient's diagnosis: {' or '.join(fitting)}"
        raise Problem(422, "invalid", "The form does not fit.", errors=[FieldError("form", expected)])
    return FORMS[body.form]


def _event(survey: store.SurveyRow, body: SurveyBody, sealed: Mapping[str, str]) -> SurveyCompleted:
    return SurveyCompleted(
        survey_id=survey.survey_id,
        visit_id=survey.visit_id,
        patient_id=survey.patient_id,
        form=survey.form,
        language=body.language,
        started_at=body.started_at,
        submitted_at=survey.submitted_at,
        answers=body.answers,
        skipped=body.skipped,
        scores=tuple(survey.scores),
        concerns=tuple(
            Concern(rank=rank, topic=concern.topic, words=sealed.get(f"concerns.{rank}.words"))
            for rank, concern in enumerate(body.concerns, start=1)
        ),
        matters_most=sealed.get("matters_most"),
    )
