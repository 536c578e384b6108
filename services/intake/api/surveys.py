"""Pre-visit surveys: checked against the pinned form, scored, and sealed where the patient used words."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from functools import partial
from typing import Annotated, NamedTuple
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, Field

from services.intake import store
from services.intake.api.alerting import Alerting
from services.intake.api.own_forms import OwnForm, OwnForms, at_leisure
from services.intake.api.versions import GivenBody, SurveyAccepted, Version, recorded, said, telling, words_of
from services.intake.domain import FORMS, Form, Said, form_for, form_without, short_name
from services.intake.domain.questionnaires import Disabled
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope
from shared.errors import FieldError, Problem, conflict, erased, unknown
from shared.events import Diagnosis, VisitState
from shared.group_commit import GroupSettings
from shared.http.access import allow
from shared.http.batch import Batch
from shared.http.commands import (
    MANY,
    IdempotencyKey,
    Item,
    NamedSite,
    Result,
    Together,
    execute_together,
)
from shared.http.direct import DirectRoute
from shared.keyring import KeyRing
from shared.sealing import Patient

router = APIRouter(tags=["surveys"], route_class=DirectRoute)
Submitter = Annotated[Caller, Depends(allow(Role.PATIENT, Role.COORDINATOR, Role.SYSTEM))]


class SurveyBody(GivenBody):
    """A pre-visit survey. Every item of the form that applies is in `answers`, or in `skipped` with a reason."""

    patient_id: UUID
    visit_id: UUID
    form: Annotated[str, AfterValidator(short_name)] | None = Field(
        default=None,
        max_length=500,
        description="`id|version` or `url|version` of a shipped form; `url|version` or id of a form of the site's own. "
        "The shipped form of the diagnosis when not given",
    )
    not_shown: Disabled = Field(
        default=Disabled.REFUSE,
        description="What becomes of answers to what is not asked of this patient: they are refused, or left out and "
        "named in the `outcome`",
    )

    @property
    def may_have_words(self) -> bool:
        return self.names_own_form or super().may_have_words

    @property
    def names_own_form(self) -> bool:
        return self.form is not None and self.form not in FORMS


class DraftBody(SurveyBody):
    """A survey of a draft, as it stood at `saved_at`."""

    saved_at: datetime


@router.post("/v1/surveys", status_code=201, response_model=SurveyAccepted, responses=MANY)
async def submit_surveys(
    request: Request, body: Batch[SurveyBody], caller: Submitter, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Submit one pre-visit survey or many."""
    submission: Submission = request.app.state.submission
    command = submission.with_words if any(survey.may_have_words for survey in body.valid) else submission.without_words
    return await execute_together(request, command, body, site_id=caller.writing_site(site), key=key)


class Submission(NamedTuple):
    """How surveys are recorded: patients who answer at the same time share a transaction.

    Words need the key ring. While that is slow, who used none does not wait for it.
    """

    with_words: Together[SurveyBody]
    without_words: Together[SurveyBody]


class Means(NamedTuple):
    """What surveys are recorded with, in one application."""

    ring: KeyRing
    alerting: Alerting
    own_forms: OwnForms


def submission_with(means: Means, settings: GroupSettings | None = None) -> Submission:
    """For one application."""
    locks, write = lambda _site, survey: [str(survey.patient_id)], partial(record, means)
    return Submission(Together(locks, write, settings), Together(locks, write, settings))


async def record(means: Means, connection: Connection, items: Sequence[Item[SurveyBody]]) -> list[Result]:
    """Record surveys of any sites: all that fit, each with its event and the alerts that it raises."""
    wanted = [_wanted(item) for item in items]
    standings = await store.standings(connection, SiteScope.of(*{one.site_id for one in wanted}), wanted)
    own = await _own_forms(means.own_forms, connection, items)
    newer = await _newer_drafts(connection, items)
    fitting = await at_leisure(own.values(), partial(_fitting, items, standings, own, newer))
    keys = await means.ring.sealers(
        {
            Patient(item.site_id, item.body.patient_id)
            for item, fits in zip(items, fitting, strict=True)
            if isinstance(fits, Fits) and fits.has_words
        }
    )
    rows, results = [], list[Result]()
    for item, fits in zip(items, fitting, strict=True):
        if isinstance(fits, Problem):
            results.append(fits)
            continue
        key = keys[Patient(item.site_id, item.body.patient_id)] if fits.has_words else None
        if fits.has_words and key is None:
            results.append(erased())
            continue
        version = Version(item.site_id, uuid4(), item.body.visit_id, item.body.patient_id, item.caller.subject)
        survey, result = recorded(version, item.body, fits.form, fits.content, key)
        rows.append(survey)
        results.append(telling(result, fits.content))
    if rows:
        await store.record_surveys(connection, rows)
        await means.alerting.raise_for(connection, rows, standings)
    return results


async def _newer_drafts(connection: Connection, items: Sequence[Item[SurveyBody]]) -> set[store.Wanted]:
    """The visits of which something else was saved since the draft that is sent was read: it is sent whole or not."""
    read_at = {_wanted(item): item.body.saved_at for item in items if isinstance(item.body, DraftBody)}
    if not read_at:
        return set()
    saved_at = await store.drafts_saved_at(connection, SiteScope.of(*{one.site_id for one in read_at}), list(read_at))
    return {wanted for wanted, at in saved_at.items() if at != read_at[wanted]}


async def _own_forms(
    own_forms: OwnForms, connection: Connection, items: Sequence[Item[SurveyBody]]
) -> dict[tuple[str, str], OwnForm]:
    """The sites' own forms that surveys name, by site and that name."""
    names: dict[str, set[str]] = {}
    for item in items:
        if item.body.form is not None and item.body.names_own_form:
            names.setdefault(item.site_id, set()).add(item.body.form)
    found = {site_id: await own_forms.named(connection, site_id, named) for site_id, named in names.items()}
    return {(site_id, name): form for site_id, forms in found.items() for name, form in forms.items()}


def _wanted(item: Item[SurveyBody]) -> store.Wanted:
    return store.Wanted(item.site_id, item.body.patient_id, item.body.visit_id)


class Fits(NamedTuple):
    """The pinned form of a survey that fits, and what was said in it."""

    form: Form
    content: Said
    has_words: bool


def _fitting(
    items: Sequence[Item[SurveyBody]],
    standings: Mapping[store.Wanted, store.Standing],
    own: Mapping[tuple[str, str], OwnForm],
    newer: Set[store.Wanted],
) -> list[Fits | Problem]:
    """What each survey comes to, once patient, visit and answers fit; else what does not. One a visit."""
    fitting = list[Fits | Problem]()
    answered = set[store.Wanted]()
    for item in items:
        try:
            form = _form_of(item, standings.get(_wanted(item)), answered, own)
            if _wanted(item) in newer:
                raise conflict("draft-changed", "Something was answered meanwhile. Look at it before it is sent.")
            body = item.body
            content = said(form, body.whole, body.mode, item.caller, not_shown=body.not_shown)
            fitting.append(Fits(form, content, bool(words_of(content))))
            answered.add(_wanted(item))
        except Problem as problem:
            fitting.append(problem)
    return fitting


def _form_of(
    item: Item[SurveyBody],
    standing: store.Standing | None,
    answered: Set[store.Wanted],
    own: Mapping[tuple[str, str], OwnForm],
) -> Form:
    """The form that a survey answers, where patient, visit and form are such that it may."""
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
    if body.form is not None and (item.site_id, body.form) in own:
        return own[item.site_id, body.form].for_new_answers()
    return form_without(_shipped(body.form, standing.diagnosis).key, standing.left_out)


def _shipped(name: str | None, diagnosis: Diagnosis) -> Form:
    """The shipped form of this name, which must be one for the diagnosis; the newest such form when none is named."""
    if name is None:
        return form_for(diagnosis)
    fitting = sorted(key for key, form in FORMS.items() if form.diagnosis is diagnosis)
    if name not in fitting:
        expected = f"a form for the patient's diagnosis: {' or '.join(fitting)}; or one that the site has brought"
        raise Problem(422, "invalid", "The form does not fit.", errors=[FieldError("form", expected)])
    return FORMS[name]
