"""What a survey becomes: the row that is kept and the event that travels.

Words are sealed twice, for the record that is kept here and for the event; neither opens as the other.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, NamedTuple
from uuid import UUID, uuid4

import orjson
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from services.intake import store
from services.intake.domain import MATTERS_MOST, TYPED, Form, Said, concern_items, read, score
from services.intake.domain.questionnaires import Disabled, operation_outcome
from shared.auth import Caller, Role
from shared.errors import FieldError, Problem
from shared.events import (
    Concern,
    ConcernTopic,
    CorrectionReason,
    EntryMode,
    Language,
    RecordChange,
    SkipReason,
    SurveyCompleted,
)
from shared.http.commands import Accepted
from shared.http.fields import Past
from shared.outbox import Draft, Recorded
from shared.sealing import Opener, Place, WordKey, Words, in_event, in_record

_BY_PATIENTS = (EntryMode.SELF, EntryMode.PROXY)
_MOST_ANSWERS = 1_000
# Of any type here: the form says what each item takes, and names the item when it is something else.
_TYPES = ("boolean", "number", "string", "array", "object")
Answer = Annotated[Any, WithJsonSchema({"anyOf": [{"type": one} for one in _TYPES]})]
InWords = Annotated[str, Field(min_length=1, max_length=500)]


class ConcernBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: ConcernTopic
    words: InWords | None = None


class Whole(NamedTuple):
    """All that was given, by item: answers, and reasons for having none."""

    answers: Mapping[str, Any]
    skipped: Mapping[str, SkipReason]


class GivenBody(BaseModel):
    """What a patient gave. Every item of the form that applies is in `answers`, or in `skipped` with a reason.

    Concerns and what matters most are items too; they may be given in fields of their own instead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Language = Language.ENGLISH
    mode: EntryMode = Field(default=EntryMode.SELF, description="How the answers were given")
    started_at: Past | None = None
    submitted_at: Past | None = Field(default=None, description="Now when not given")
    answers: dict[str, Answer] = Field(max_length=_MOST_ANSWERS)
    skipped: dict[str, SkipReason] = Field(default={}, max_length=_MOST_ANSWERS)
    concerns: tuple[ConcernBody, ...] = Field(default=(), max_length=3, description="Most important first")
    matters_most: InWords | None = None

    @property
    def may_have_words(self) -> bool:
        """Whether the key ring may be needed."""
        return not TYPED.isdisjoint(self.by_item)

    @cached_property
    def by_item(self) -> dict[str, Any]:
        """All answers by item."""
        own = {MATTERS_MOST: self.matters_most}
        for rank, concern in enumerate(self.concerns, start=1):
            own.update(zip(concern_items(rank), (concern.topic, concern.words), strict=True))
        return {**self.answers, **{item: said for item, said in own.items() if said is not None}}

    @property
    def whole(self) -> Whole:
        return Whole(self.by_item, self.skipped)


class SurveyAccepted(Accepted):
    """`outcome`, where there is something to tell: an OperationOutcome of what the form warns of, and of what was left
    out because it was not asked."""

    outcome: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """Which survey, which version of it, and who wrote that."""

    site_id: str
    survey_id: UUID
    visit_id: UUID
    patient_id: UUID
    author: str
    number: int = 1
    change: RecordChange = RecordChange.COMPLETED
    reason: CorrectionReason | None = None


def said(form: Form, given: Whole, mode: EntryMode, caller: Caller, *, not_shown: Disabled = Disabled.REFUSE) -> Said:
    """What was said, when it fits the form and who sends it can have got it in that way.

    Raises:
        Problem: 422 with an error for each item that does not.
    """
    found = read(form, given.answers, given.skipped, disabled=not_shown)
    errors = found if isinstance(found, list) else []
    if caller.role is Role.PATIENT and mode not in _BY_PATIENTS:
        errors = [FieldError("mode", f"one of {', '.join(_BY_PATIENTS)}"), *errors]
    if errors or isinstance(found, list):
        raise Problem(422, "invalid", f"{len(errors)} answer(s) are not valid.", errors=errors)
    return found


def telling(result: Recorded, content: Said) -> Recorded:
    """The same, with what is to be told of the answers."""
    return replace(result, told={"outcome": operation_outcome(content.notes)}) if content.notes else result


def recorded(
    version: Version, given: GivenBody, form: Form, content: Said, key: WordKey | None
) -> tuple[store.SurveyRow, Recorded]:
    """The row and the event of a version; `key` where there are words."""
    event_id, now, words = uuid4(), datetime.now(UTC), words_of(content)
    survey = store.SurveyRow(
        site_id=version.site_id,
        survey_id=version.survey_id,
        visit_id=version.visit_id,
        patient_id=version.patient_id,
        form=form.key,
        submitted_at=given.submitted_at or now,
        response={
            "language": given.language,
            "answers": content.answers,
            "skipped": content.skipped,
            "concerns": [{"topic": concern.topic} for concern in content.concerns],
            **({} if form.own_title is None else {"form_title": form.own_title}),
        },
        words=None if key is None else key.seal(orjson.dumps(words).decode(), words_place(version)),
        scores=score(form, content.answers),
        author=version.author,
        recorded_at=now,
        version=version.number,
        change=version.change,
        reason=version.reason,
        mode=given.mode,
    )
    sealed = {field: key.seal(said, in_event(event_id, field)) for field, said in words.items()} if key else {}
    event = event_of(survey, given.started_at, sealed)
    return survey, Recorded(str(survey.survey_id), [Draft(survey.site_id, str(survey.patient_id), event, event_id)])


def words_of(content: Said) -> dict[str, str]:
    """What the patient said in words, by the field of the event where it will stand."""
    concerns = {f"concerns.{rank}.words": concern.words for rank, concern in enumerate(content.concerns, start=1)}
    others = {f"words.{item}": said for item, said in content.words.items()}
    fields = {**concerns, "matters_most": content.matters_most, **others}
    return {field: said for field, said in fields.items() if said}


def words_place(survey: Version | store.SurveyRow) -> Place:
    """Where the words of a version are kept."""
    number = survey.number if isinstance(survey, Version) else survey.version
    return in_record(survey.survey_id, "words" if number == 1 else f"words.{number}")


def opened(survey: store.SurveyRow, opener: Opener) -> Words | None:
    """The words of a version as JSON, by the field of the event; None where there are none."""
    return None if survey.words is None else opener(survey.words, words_place(survey))


def answers_of(survey: store.SurveyRow, words: Mapping[str, str]) -> dict[str, Any]:
    """What was answered in a version, by item; `words` by the field of the event."""
    answers = dict(survey.response["answers"])
    for rank, concern in enumerate(survey.response["concerns"], start=1):
        topic, own_words = concern_items(rank)
        answers |= {topic: concern["topic"], own_words: words.get(f"concerns.{rank}.words")}
    answers[MATTERS_MOST] = words.get("matters_most")
    answers |= {name.removeprefix("words."): said for name, said in words.items() if name.startswith("words.")}
    return {item: answer for item, answer in answers.items() if answer is not None}


def given_items(survey: store.SurveyRow) -> Set[str]:
    """The items that it is known of what became of them."""
    return {*survey.response["answers"], *survey.response["skipped"]}


def event_of(survey: store.SurveyRow, started_at: datetime | None, sealed: Mapping[str, str]) -> SurveyCompleted:
    """What travels of a version. `sealed` are its words, by the field of the event."""
    response = survey.response
    return SurveyCompleted(
        survey_id=survey.survey_id,
        version=survey.version,
        change=survey.change,
        reason=survey.reason,
        mode=survey.mode,
        visit_id=survey.visit_id,
        patient_id=survey.patient_id,
        form=survey.form,
        form_title=response.get("form_title"),
        language=response["language"],
        started_at=started_at,
        submitted_at=survey.submitted_at,
        answers=response["answers"],
        skipped=response["skipped"],
        scores=tuple(survey.scores),
        concerns=tuple(
            Concern(rank=rank, topic=concern["topic"], words=sealed.get(f"concerns.{rank}.words"))
            for rank, concern in enumerate(response["concerns"], start=1)
        ),
        matters_most=sealed.get("matters_most"),
        words={field.removeprefix("words."): text for field, text in sealed.items() if field.startswith("words.")},
    )
