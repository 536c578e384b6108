"""Where somebody answers a survey: the visit, the form as its site asks it, and what was answered so far.

A draft belongs to the visit, whoever answers. It is read and written under the patient's lock, a part at a time, so
that two who answer at once lose nothing but what both gave to one question.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from fastapi import Request

from services.intake import store
from services.intake.api.entry import found_by
from services.intake.domain import Form, form_for, form_without
from services.intake.domain.drafts import Answered, Part, Taken, parts, take
from shared.audit import Entry, Kind
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import unknown
from shared.events import Language, VisitState, VisitUpdated
from shared.http.commands import pool_of, ring_of
from shared.http.record import keep_read, trail_of
from shared.sealing import Patient, in_record


class Place(NamedTuple):
    """The visit that is answered for, and where its pages stand."""

    site_id: str
    visit: VisitUpdated
    base: str

    @property
    def patient(self) -> Patient:
        return Patient(self.site_id, self.visit.patient_id)

    @property
    def scope(self) -> SiteScope:
        return SiteScope.of(self.site_id)


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
    def parts(self) -> list[Part]:
        return parts(self.form.definition, self.answered)

    def url(self, page: str) -> str:
        return f"{self.place.base}/{page}"


async def desk_of(request: Request, caller: Caller) -> Desk | None:
    """Where the caller answers; None for a patient whose link does not open any more.

    Raises:
        Problem: 404, a visit that is not one of the caller's sites.
    """
    scope = caller.scope
    async with transaction(pool_of(request), scope) as connection:
        place = await _place(request, connection, caller)
        if place is None:
            return None
        read = await _read(connection, place)
        await keep_read(request, connection, place.site_id, place.visit.patient_id)
    return await _opened(request, place, *read)


async def save_part(
    request: Request, desk: Desk, number: int, fields: Mapping[str, str], language: Language
) -> tuple[Desk, Part, Taken]:
    """Put a part's fields into the draft as it stands now.

    Raises:
        KeyRingAway: nothing was saved, for there are words that cannot be sealed now.
    """
    place = desk.place
    locks = [(place.site_id, str(place.visit.patient_id))]
    async with transaction(pool_of(request), place.scope, locks=locks) as connection:
        now_there = await _opened(request, place, *await _read(connection, place))
        part = now_there.parts[min(number, len(now_there.parts)) - 1]
        taken = take(now_there.form.definition, part, now_there.answered, fields)
        draft = replace(
            now_there.draft,
            language=language,
            part=part.number,
            answers=taken.answered.answers,
            skipped=taken.answered.skipped,
            words=await _sealed(request, now_there, taken.answered),
            saved_at=datetime.now(UTC),
        )
        await store.record_draft(connection, draft)
        await trail_of(request).keep(connection, [Entry(place.site_id, Kind.WRITE, 200, place.visit.patient_id)])
    return replace(now_there, draft=draft, answered=taken.answered), part, taken


async def empty_draft(request: Request, desk: Desk) -> None:
    """What was answered is a survey now: leave none of it here."""
    locks = [(desk.place.site_id, str(desk.place.visit.patient_id))]
    async with transaction(pool_of(request), desk.place.scope, locks=locks) as connection:
        now = datetime.now(UTC)
        sent = replace(desk.draft, answers={}, skipped={}, words={}, saved_at=now, sent_at=now)
        await store.record_draft(connection, sent)


async def _place(request: Request, connection: Connection, caller: Caller) -> Place | None:
    if caller.role is Role.PATIENT:
        found = await found_by(connection, caller)
        visit = None if found is None else await store.visit(connection, caller.scope, found.link.visit_id)
        (site_id,) = caller.sites
        return None if visit is None else Place(site_id, visit, "/survey")
    visit_id = UUID(request.path_params["visit_id"])
    visit = await store.visit(connection, caller.scope, visit_id)
    whose = await store.site_of_visit(connection, caller.scope, visit_id)
    if visit is None or whose is None:
        raise unknown("visit")
    return Place(whose, visit, f"/visits/{visit_id}/survey")


async def _read(connection: Connection, place: Place) -> tuple[store.SurveyRule, store.DraftRow, Form, bool]:
    rule = await store.survey_rule(connection, place.scope, place.site_id) or store.SurveyRule()
    enrolment = await store.enrolment(connection, place.scope, place.visit.patient_id)
    if enrolment is None:
        raise unknown("patient")
    draft = await store.draft(connection, place.scope, place.visit.visit_id)
    is_over = place.visit.state in (VisitState.CANCELLED,)
    is_done = is_over or await store.has_survey(connection, place.scope, place.visit.visit_id)
    if draft is None or (draft.sent_at is not None and not is_done):
        draft = _new(place, form_for(enrolment.diagnosis), enrolment.language)
    return rule, draft, form_without(draft.form, frozenset(rule.left_out)), is_done


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
        words = {item: said.text for item, said in opened.items() if said.text is not None}
    return Desk(place, form, rule, draft, Answered(draft.answers, words, draft.skipped), is_done)


async def _sealed(request: Request, desk: Desk, answered: Answered) -> dict[str, str]:
    """The words of a draft: what is new is sealed, what stays is left as it was, readable or not."""
    before, now = desk.answered.words, answered.words
    new = {item: said for item, said in now.items() if before.get(item) != said}
    unread = desk.draft.words.keys() - before.keys()
    kept = {
        item: desk.draft.words[item]
        for item in desk.draft.words
        if item in unread - new.keys() or (item in now and item not in new)
    }
    if not new:
        return kept
    key = await ring_of(request).sealer(desk.place.patient)
    return kept | {item: key.seal(said, in_record(desk.draft.visit_id, f"draft.{item}")) for item, said in new.items()}
