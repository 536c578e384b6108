"""Corrections: an amended survey is another version, one entered in error counts nowhere, and neither hides what was.

Whoever corrects names the version that they saw: two who correct at the same time do not overwrite each other.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.own_forms import at_leisure
from services.intake.api.surveys import Means, Submitter
from services.intake.api.versions import (
    GivenBody,
    SurveyAccepted,
    Version,
    Whole,
    answers_of,
    event_of,
    given_items,
    opened,
    recorded,
    said,
    telling,
    words_of,
)
from services.intake.api.withholding import filled_up, is_withheld
from services.intake.domain import RANKS, Form, concern_items, form_as_asked
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import KeyRingAway, conflict, unknown
from shared.events import CorrectionReason, EntryMode, RecordChange, Score
from shared.http.access import CareTeam, SiteStaff
from shared.http.batch import Batch
from shared.http.commands import Accepted, Command, IdempotencyKey, NamedSite, caller_of, execute, pool_of, ring_of
from shared.http.record import keep_read
from shared.outbox import Draft, Recorded
from shared.sealing import Opener, Patient, WordsState

router = APIRouter(tags=["surveys"])
_TOPICS = {topic for topic, _ in map(concern_items, RANKS)}
Replaces = Annotated[
    int, Field(ge=1, strict=True, description="The version that this one follows, as the caller saw it")
]


class AmendmentBody(GivenBody):
    """The whole survey as it is right: items that are not repeated are not kept.

    From a coordinator from whom answers are withheld, it is what was wrong: all else stays. 409 `withheld` where it
    would replace what the patient said in words.
    """

    replaces: Replaces
    reason: CorrectionReason


class ErrorBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    replaces: Replaces
    reason: CorrectionReason


T = TypeVar("T", AmendmentBody, ErrorBody)


class VersionAnswer(BaseModel):
    """One version. `words`: texts by field, null where `words_state` says that they cannot be read.

    To a coordinator whose site does not show what patients say, no `answers`, `scores` and `words` are given.
    """

    version: int
    change: RecordChange
    reason: CorrectionReason | None
    mode: EntryMode
    author: str
    recorded_at: datetime
    submitted_at: datetime
    form: str
    answers: dict[str, Any]
    skipped: dict[str, Any]
    scores: Sequence[Score]
    words: dict[str, str] | None
    words_state: WordsState | None = Field(description="Null where no words were given")
    withheld: list[str] | None = Field(
        description="The items that were answered in numbers and codes, where answers are withheld; null where not"
    )


class SurveyAnswer(BaseModel):
    """A survey, its newest version first."""

    survey_id: UUID
    visit_id: UUID
    patient_id: UUID
    versions: list[VersionAnswer]


@router.post("/v1/surveys/{survey_id}/amendments", status_code=201, response_model=SurveyAccepted)
async def amend_survey(
    request: Request,
    survey_id: UUID,
    body: AmendmentBody,
    caller: Submitter,
    key: IdempotencyKey,
    site: NamedSite = None,
) -> Response:
    """Record a survey anew as it is right; the version before it stays."""
    record = partial(_amend, request, caller)
    return await _correct(request, survey_id, body, record, site_id=caller.writing_site(site), key=key)


@router.post("/v1/surveys/{survey_id}/entered-in-error", status_code=201, response_model=Accepted)
async def mark_survey(
    request: Request, survey_id: UUID, body: ErrorBody, caller: SiteStaff, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Record that a survey should never have been: it counts nowhere, and its visit can be answered again."""
    record = partial(_mark, caller.subject)
    return await _correct(request, survey_id, body, record, site_id=caller.writing_site(site), key=key)


@router.get("/v1/surveys/{survey_id}")
async def read_survey(request: Request, survey_id: UUID, caller: CareTeam) -> SurveyAnswer:
    """A survey with all its versions."""
    async with transaction(pool_of(request), caller.scope) as connection:
        survey = await store.survey(connection, caller.scope, survey_id)
        if survey is None:
            raise unknown("survey")
        earlier = await store.earlier_versions(connection, caller.scope, survey_id)
        withheld = await is_withheld(connection, caller, survey.site_id)
        await keep_read(request, connection, survey.site_id, survey.patient_id)
    opener = None if withheld else await ring_of(request).opener(Patient(survey.site_id, survey.patient_id))
    return SurveyAnswer(
        survey_id=survey.survey_id,
        visit_id=survey.visit_id,
        patient_id=survey.patient_id,
        versions=[_described(version, opener) for version in (survey, *earlier)],
    )


async def _correct(
    request: Request,
    survey_id: UUID,
    body: T,
    record: Callable[[store.SurveyRow, Connection, T], Awaitable[Recorded]],
    *,
    site_id: str,
    key: str,
) -> Response:
    """Do what `record` does with the survey as it stands, once the patient is locked."""
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        seen = await _own(connection, scope, caller_of(request), survey_id)

    async def record_one(connection: Connection, _site: str, body: T) -> Recorded:
        survey = await _own(connection, scope, caller_of(request), survey_id)
        if survey.version != body.replaces:
            raise conflict("version-changed", f"The survey stands at version {survey.version} now. Look at it first.")
        if survey.change is RecordChange.ENTERED_IN_ERROR:
            raise conflict("entered-in-error", "The survey was entered in error. Submit another for its visit.")
        return await record(survey, connection, body)

    command = Command[T](locks=lambda _site, _body: [str(seen.patient_id)], record=record_one, about=seen.patient_id)
    return await execute(request, command, Batch([body], is_single=True), site_id=site_id, key=key)


async def _own(connection: Connection, scope: SiteScope, caller: Caller, survey_id: UUID) -> store.SurveyRow:
    survey = await store.survey(connection, scope, survey_id)
    if survey is None or (caller.role is Role.PATIENT and caller.patient_id != survey.patient_id):
        raise unknown("survey")
    return survey


async def _amend(
    request: Request, caller: Caller, survey: store.SurveyRow, connection: Connection, body: AmendmentBody
) -> Recorded:
    means: Means = request.app.state.means
    own = await means.own_forms.named(connection, survey.site_id, [survey.form])
    form = own[survey.form].form if own else form_as_asked(survey.form, given_items(survey))
    withheld = await is_withheld(connection, caller, survey.site_id)
    whole = await _filled_up(request, form, survey, body) if withheld else body.whole
    content = await at_leisure(own.values(), lambda: said(form, whole, body.mode, caller))
    key = await ring_of(request).sealer(Patient(survey.site_id, survey.patient_id)) if words_of(content) else None
    # A correction says nothing of when the patient answered.
    given = body if body.submitted_at else body.model_copy(update={"submitted_at": survey.submitted_at})
    row, result = recorded(_next(survey, RecordChange.AMENDED, body.reason, caller.subject), given, form, content, key)
    await store.record_correction(connection, row)
    wanted = store.Wanted(row.site_id, row.patient_id, row.visit_id)
    standings = await store.standings(connection, SiteScope.of(row.site_id), [wanted])
    await means.alerting.raise_for(connection, [row], standings)
    return result if withheld else telling(result, content)  # it may hang on what the author does not see


async def _filled_up(request: Request, form: Form, survey: store.SurveyRow, body: AmendmentBody) -> Whole:
    """An amendment with what its author could not read.

    Raises:
        Problem: as `filled_up`.
        KeyRingAway: the words that stay cannot be sealed anew now.
    """
    found = opened(survey, await ring_of(request).opener(Patient(survey.site_id, survey.patient_id)))
    if found is not None and found.text is None:
        raise KeyRingAway("words that an amendment keeps")
    kept = answers_of(survey, {} if found is None else orjson.loads(str(found.text)))
    words = kept.keys() - survey.response["answers"].keys() - _TOPICS
    return filled_up(form, Whole(kept, survey.response["skipped"]), words, body.whole)


async def _mark(author: str, survey: store.SurveyRow, connection: Connection, body: ErrorBody) -> Recorded:
    version = _next(survey, RecordChange.ENTERED_IN_ERROR, body.reason, author)
    row = replace(
        survey,
        words=None,
        version=version.number,
        change=version.change,
        reason=version.reason,
        author=author,
        recorded_at=datetime.now(UTC),
    )
    await store.record_correction(connection, row)
    return Recorded(str(row.survey_id), [Draft(row.site_id, str(row.patient_id), event_of(row, None, {}))])


def _next(survey: store.SurveyRow, change: RecordChange, reason: CorrectionReason, author: str) -> Version:
    return Version(
        site_id=survey.site_id,
        survey_id=survey.survey_id,
        visit_id=survey.visit_id,
        patient_id=survey.patient_id,
        author=author,
        number=survey.version + 1,
        change=change,
        reason=reason,
    )


def _described(survey: store.SurveyRow, opener: Opener | None) -> VersionAnswer:
    """A version; without an opener, that it was answered and not what."""
    told = VersionAnswer(
        version=survey.version,
        change=survey.change,
        reason=survey.reason,
        mode=survey.mode,
        author=survey.author,
        recorded_at=survey.recorded_at,
        submitted_at=survey.submitted_at,
        form=survey.form,
        answers={},
        skipped=survey.response["skipped"],
        scores=[],
        words=None,
        words_state=None if survey.words is None else WordsState.NOT_READABLE_NOW,
        withheld=sorted(answers_of(survey, {})),
    )
    if opener is None:
        return told
    words = opened(survey, opener)
    shown = {
        "answers": survey.response["answers"],
        "scores": survey.scores,
        "words": None if words is None or words.text is None else orjson.loads(words.text),
        "words_state": None if words is None else words.state,
        "withheld": None,
    }
    return told.model_copy(update=shown)
