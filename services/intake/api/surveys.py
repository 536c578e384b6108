"""Pre-visit surveys: checked against the pinned form, scored, and sealed where the patient used words.

Words are sealed twice, for the record that is kept here and for the event that travels; neither opens as the other.
"""

from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Annotated, Any, NamedTuple
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.main import IncEx

from services.intake import store
from services.intake.domain import FORMS, Form, check, form_for, score
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope
from shared.errors import FieldError, Problem, conflict, erased, unknown
from shared.events import Concern, ConcernTopic, Diagnosis, Language, SkipReason, SurveyCompleted, VisitState
from shared.group_commit import GroupSettings
from shared.http.access import allow
from shared.http.batch import Batch
from shared.http.commands import (
    MANY,
    Accepted,
    IdempotencyKey,
    Item,
    NamedSite,
    Result,
    Together,
    execute_together,
)
from shared.http.fields import Moment
from shared.keyring import KeyRing
from shared.outbox import Draft, Recorded
from shared.sealing import Patient, WordKey, in_event, in_record

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

    @cached_property
    def words(self) -> dict[str, str]:
        """What the patient said in words, by the field of the event where it will stand."""
        concerns = {f"concerns.{rank}.words": concern.words for rank, concern in enumerate(self.concerns, start=1)}
        return {field: said for field, said in {**concerns, "matters_most": self.matters_most}.items() if said}


@router.post("/v1/surveys", status_code=201, response_model=Accepted, responses=MANY)
async def submit_surveys(
    request: Request, body: Batch[SurveyBody], caller: Submitter, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Submit one pre-visit survey or many."""
    submission: Submission = request.app.state.submission
    command = submission.with_words if any(survey.words for survey in body.valid) else submission.without_words
    return await execute_together(request, command, body, site_id=caller.writing_site(site), key=key)


class Submission(NamedTuple):
    """How surveys are recorded: patients who answer at the same time share a transaction.

    Words need the key ring. While that is slow, who used none does not wait for it.
    """

    with_words: Together[SurveyBody]
    without_words: Together[SurveyBody]


def submission_with(ring: KeyRing, settings: GroupSettings | None = None) -> Submission:
    """For one application, with its key ring."""
    locks, write = lambda _site, survey: [str(survey.patient_id)], partial(record, ring)
    return Submission(Together(locks, write, settings), Together(locks, write, settings))


async def record(ring: KeyRing, connection: Connection, items: Sequence[Item[SurveyBody]]) -> list[Result]:
    """Record surveys of any sites: all that fit, each with its event."""
    wanted = [_wanted(item) for item in items]
    standings = await store.standings(connection, SiteScope.of(*{one.site_id for one in wanted}), wanted)
    forms = _fitting(items, standings)
    keys = await ring.sealers(
        {
            Patient(item.site_id, item.body.patient_id)
            for item, form in zip(items, forms, strict=True)
            if item.body.words and isinstance(form, Form)
        }
    )
    rows, results = [], list[Result]()
    for item, form in zip(items, forms, strict=True):
        if isinstance(form, Problem):
            results.append(form)
            continue
        key = keys[Patient(item.site_id, item.body.patient_id)] if item.body.words else None
        if item.body.words and key is None:
            results.append(erased())
            continue
        survey, recorded = _recorded(item, form, key)
        rows.append((item.site_id, survey))
        results.append(recorded)
    if rows:
        await store.record_surveys(connection, rows)
    return results


def _wanted(item: Item[SurveyBody]) -> store.Wanted:
    return store.Wanted(item.site_id, item.body.patient_id, item.body.visit_id)


def _fitting(
    items: Sequence[Item[SurveyBody]], standings: Mapping[store.Wanted, store.Standing]
) -> list[Form | Problem]:
    """For each survey its pinned form, once patient, visit and answers fit; else what does not. One a visit."""
    fitting = list[Form | Problem]()
    answered = set[store.Wanted]()
    for item in items:
        try:
            fitting.append(_form_of(item, standings.get(_wanted(item)), answered))
            answered.add(_wanted(item))
        except Problem as problem:
            fitting.append(problem)
    return fitting


def _form_of(item: Item[SurveyBody], standing: store.Standing | None, answered: Set[store.Wanted]) -> Form:
    body, caller = item.body, item.caller
    if standing is None or (caller.role is Role.PATIENT and caller.patient_id != body.patient_id):
        raise unknown("patient")
    if standing.diagnosis is None:
        raise erased()
    if standing.visit_patient_id != body.patient_id:
        raise unknown("visit")
    if standing.visit_state is VisitState.CANCELLED:
        raise conflict("visit-cancelled", "The visit was cancelled. A survey belongs to a visit that takes place.")
    if standing.has_survey or _wanted(item) in answered:
        raise conflict("already-answered", "This visit has its survey already.")
    form = _named_form(body.form, standing.diagnosis)
    if errors := check(form, body.answers, body.skipped):
        raise Problem(422, "invalid", f"{len(errors)} answer(s) are not valid.", errors=errors)
    return form


def _named_form(name: str | None, diagnosis: Diagnosis) -> Form:
    """The form of this name, which must be one for the diagnosis; the newest such form when none is named."""
    if name is None:
        return form_for(diagnosis)
    fitting = sorted(key for key, form in FORMS.items() if form.diagnosis is diagnosis)
    if name not in fitting:
        expected = f"a form for the patient's diagnosis: {' or '.join(fitting)}"
        raise Problem(422, "invalid", "The form does not fit.", errors=[FieldError("form", expected)])
    return FORMS[name]


def _recorded(item: Item[SurveyBody], form: Form, key: WordKey | None) -> tuple[store.SurveyRow, Recorded]:
    body, survey_id, event_id = item.body, uuid4(), uuid4()
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
    sealed = {field: key.seal(said, in_event(event_id, field)) for field, said in body.words.items()} if key else {}
    draft = Draft(item.site_id, str(body.patient_id), _event(survey, body, sealed), event_id)
    return survey, Recorded(str(survey_id), [draft])


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
