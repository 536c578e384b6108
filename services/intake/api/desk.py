"""Where somebody answers a survey: the visit, the form as its site asks it, and what was answered so far.

A draft belongs to the visit, whoever answers. It is read and written under the patient's lock, a part at a time, so
that two who answer at once lose nothing but what both gave to one question: of that the newer stays, whichever arrives
first.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from fastapi import Request

from services.intake import store
from services.intake.api.entry import found_by
from services.intake.api.own_forms import OwnForm
from services.intake.api.staff import in_address
from services.intake.api.surveys import Means
from services.intake.api.withholding import is_withheld
from services.intake.domain import Form, Opening, form_for, form_without, openings
from services.intake.domain.drafts import Answered, Part, Taken, part_of, parts, read_back, take, times, written
from services.intake.domain.fields import VISIT
from shared.audit import Entry, Kind
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, lock, transaction
from shared.errors import unknown
from shared.events import Diagnosis, Language, VisitState, VisitUpdated
from shared.http.commands import pool_of, ring_of
from shared.http.language import choice_of
from shared.http.record import keep_read, trail_of
from shared.sealing import Patient, in_record

OF_PATIENT = "/survey"


class Place(NamedTuple):
    """The visit that is answered for, where its pages stand, and where one comes from to them.

    `sees_own_of`: the subject to whom only what they entered themselves is shown; None for who is shown everything.
    """

    site_id: str
    visit: VisitUpdated
    base: str
    home: str
    sees_own_of: str | None = None

    @property
    def patient(self) -> Patient:
        return Patient(self.site_id, self.visit.patient_id)

    @property
    def scope(self) -> SiteScope:
        return SiteScope.of(self.site_id)

    @property
    def is_for_staff(self) -> bool:
        return self.base != OF_PATIENT


@dataclass(frozen=True, slots=True)
class Desk:
    """`draft` has what was saved, its words still sealed; `answered` has the same, readable."""

    place: Place
    form: Form
    rule: store.SurveyRule
    draft: store.DraftRow
    answered: Answered
    is_done: bool

    @property
    def leads_away(self) -> str | None:
        """Where to go instead of answering. Staff may still type in a paper survey when the visit is over."""
        state = self.place.visit.state
        opening = openings(state, has_survey=self.is_done).survey
        if opening is Opening.DONE:
            return self.url("thanks")
        is_late_paper = self.place.is_for_staff and state is VisitState.COMPLETED
        return self.place.home if opening is Opening.OVER and not is_late_paper else None

    @property
    def parts(self) -> list[Part]:
        return parts(self.form.definition, self.answered)

    @property
    def withheld(self) -> frozenset[str]:
        """The questions whose answers somebody else entered, for who does not see them."""
        whose, answered = self.place.sees_own_of, self.draft.answers.keys() | self.draft.words.keys()
        own = {item for item, subject in self.draft.entered_by.items() if subject == whose}
        return frozenset() if whose is None else frozenset(answered - own)

    @property
    def visible(self) -> Answered:
        """What was answered, as it is shown."""
        return self.answered.without(self.withheld)

    def spoken_in(self, language: Language | None) -> "Desk":
        """The same in another language, where the form has it."""
        if language is None or language not in self.form.languages:
            return self
        return replace(self, draft=replace(self.draft, language=language))

    def url(self, page: str) -> str:
        return f"{self.place.base}/{page}"


async def desk_of(request: Request, caller: Caller, fields: Mapping[str, str] | None = None) -> Desk | None:
    """Where the caller answers; None for a patient whose link does not open any more, or who has opened the link of
    another visit since the page of these `fields` was made.

    Raises:
        Problem: 404, a visit that is not one of the caller's sites.
    """
    scope = caller.scope
    async with transaction(pool_of(request), scope) as connection:
        place = await _place(request, connection, caller, fields or {})
        if place is None:
            return None
        read = await _read(request, connection, place)
        await keep_read(request, connection, place.site_id, place.visit.patient_id)
    return await _opened(request, place, *read)


class Saved(NamedTuple):
    """The desk after a part was saved, which part that was, and what could not be taken."""

    desk: Desk
    part: Part
    taken: Taken


async def save_part(
    request: Request, caller: Caller, number: int, fields: Mapping[str, str], language: Language | None
) -> Saved | Desk | None:
    """Put a form's fields into the draft; `language` where another one was chosen. What is withheld is left as it is,
    and so is what was given after the answer in the form.

    The desk alone where nothing can be saved any more; None as `desk_of`.

    Raises:
        Problem: as `desk_of`.
        KeyRingAway: nothing was saved, for there are words that cannot be sealed now.
    """
    async with _writing(request, caller, fields) as (connection, desk):
        if desk is None:
            return None
        place, patient_id = desk.place, desk.place.visit.patient_id
        if desk.leads_away is not None:
            await keep_read(request, connection, place.site_id, patient_id)
            return desk
        part, now = part_of(desk.parts, fields, number), datetime.now(UTC)
        given_at, known = times(desk.form.definition, fields, now), desk.draft.entered_at
        late = {item for item, at in given_at.items() if at < known.get(item, at)}
        taken = take(desk.form.definition, desk.answered, fields, closed=desk.withheld | late)
        draft = replace(
            desk.spoken_in(language).draft,
            part=part.number,
            answers=taken.answered.answers,
            skipped=taken.answered.skipped,
            words=await _sealed(request, desk, taken.answered),
            entered_by={**desk.draft.entered_by, **dict.fromkeys(taken.changed, caller.subject)},
            entered_at={**known, **{item: given_at[item] for item in taken.changed}},
            saved_at=now,
        )
        await store.record_draft(connection, draft)
        await trail_of(request).keep(connection, [Entry(place.site_id, Kind.WRITE, 200, patient_id)])
    return Saved(replace(desk, draft=draft, answered=taken.answered), part, taken)


async def choose_language(
    request: Request, caller: Caller, fields: Mapping[str, str], language: Language | None
) -> Desk | None:
    """Go on in another language, also once everything is sent; None as `desk_of`.

    Raises:
        Problem: as `desk_of`.
    """
    async with _writing(request, caller, fields) as (connection, desk):
        if desk is None:
            return None
        place, draft = desk.place, desk.spoken_in(language).draft
        if desk.is_done:  # whichever way the survey came
            draft = replace(draft, sent_at=draft.sent_at or draft.saved_at)
        await store.record_draft(connection, draft)
        await trail_of(request).keep(connection, [Entry(place.site_id, Kind.WRITE, 303, place.visit.patient_id)])
    return desk


@asynccontextmanager
async def _writing(
    request: Request, caller: Caller, fields: Mapping[str, str]
) -> AsyncIterator[tuple[Connection, Desk | None]]:
    """A transaction that has the patient's lock, and the desk as it stands in it."""
    async with transaction(pool_of(request), caller.scope) as connection:
        place = await _place(request, connection, caller, fields)
        if place is None:
            yield connection, None
            return
        await lock(connection, [(place.site_id, str(place.visit.patient_id))])
        yield connection, await _opened(request, place, *await _read(request, connection, place))


async def _place(request: Request, connection: Connection, caller: Caller, fields: Mapping[str, str]) -> Place | None:
    if caller.role is Role.PATIENT:
        found = await found_by(connection, caller)
        visit = None if found is None else await store.visit(connection, caller.scope, found.link.visit_id)
        if visit is None or fields.get(VISIT, str(visit.visit_id)) != str(visit.visit_id):
            return None
        (site_id,) = caller.sites
        return Place(site_id, visit, OF_PATIENT, "/start")
    visit_id = UUID(request.path_params["visit_id"])
    known = await store.visit_of(connection, caller.scope, visit_id)
    if known is None:
        raise unknown("visit")
    site_id, visit = known
    page = f"/visits/{visit_id}"
    whose = caller.subject if await is_withheld(connection, caller, site_id) else None
    return Place(site_id, visit, f"{page}/survey", page + in_address(caller, site_id), whose)


async def _read(
    request: Request, connection: Connection, place: Place
) -> tuple[store.SurveyRule, store.DraftRow, Form, bool]:
    """What is asked at this visit, and how far that has come. Who began with a form that is retired begins anew."""
    means: Means = request.app.state.means
    rule = await store.survey_rule(connection, place.scope, place.site_id) or store.SurveyRule()
    enrolment = await store.enrolment(connection, place.scope, place.visit.patient_id)
    if enrolment is None:
        raise unknown("patient")
    draft = await store.draft(connection, place.scope, place.visit.visit_id)
    is_done = await store.has_survey(connection, place.scope, place.visit.visit_id)
    asked = rule.forms.get(enrolment.diagnosis)
    names = {name for name in (asked, None if draft is None else draft.form) if name is not None}
    own = await means.own_forms.named(connection, place.site_id, names)
    begun = None if draft is None else own.get(draft.form)
    is_over = draft is not None and (draft.sent_at is not None or (begun is not None and bool(begun.out_of_use)))
    if draft is None or (is_over and not is_done):
        draft = _new(place, _form_now(enrolment.diagnosis, own.get(asked or "")), enrolment.language)
    pinned = own.get(draft.form)
    form = form_without(draft.form, frozenset(rule.left_out)) if pinned is None else pinned.form
    # A patient who has chosen a language in this browser chose it for the survey too.
    chosen = None if place.is_for_staff else choice_of(request).chosen
    language = next(one for one in (chosen, draft.language, *form.languages) if one in form.languages)
    return rule, replace(draft, language=language), form, is_done


def _form_now(diagnosis: Diagnosis, own: OwnForm | None) -> Form:
    """The site's own form while that is in use, else the shipped one."""
    return form_for(diagnosis) if own is None or own.out_of_use else own.form


def _new(place: Place, form: Form, language: Language) -> store.DraftRow:
    now = datetime.now(UTC)
    return store.DraftRow(
        site_id=place.site_id,
        visit_id=place.visit.visit_id,
        patient_id=place.visit.patient_id,
        form=form.key,
        language=language if language is Language.SPANISH else Language.ENGLISH,
        part=1,
        answers={},
        skipped={},
        words={},
        entered_by={},
        entered_at={},
        started_at=now,
        saved_at=now,
    )


async def _opened(
    request: Request, place: Place, rule: store.SurveyRule, draft: store.DraftRow, form: Form, is_done: bool
) -> Desk:
    words = {}
    if draft.words:
        opener = await ring_of(request).opener(place.patient)
        opened = {
            item: opener(sealed, in_record(draft.visit_id, f"draft.{item}")) for item, sealed in draft.words.items()
        }
        items = form.definition.by_id
        words = {item: read_back(items.get(item), said.text) for item, said in opened.items() if said.text is not None}
    answered = Answered(draft.answers, words, draft.skipped, frozenset(draft.words.keys() - words.keys()))
    return Desk(place, form, rule, draft, answered, is_done)


async def _sealed(request: Request, desk: Desk, answered: Answered) -> dict[str, str]:
    """The words of a draft: what is new is sealed, what stays is left as it was, readable or not."""
    new = {item: said for item, said in answered.words.items() if desk.answered.words.get(item) != said}
    stays = (answered.words.keys() | answered.unread) - new.keys()
    kept = {item: text for item, text in desk.draft.words.items() if item in stays}
    if not new:
        return kept
    key = await ring_of(request).sealer(desk.place.patient)
    return kept | {
        item: key.seal(written(said), in_record(desk.draft.visit_id, f"draft.{item}")) for item, said in new.items()
    }
