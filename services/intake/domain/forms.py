"""The pre-visit surveys by diagnosis, whether answers fit one, and what was said in them.

Nothing is left out in silence: a question that is shown is either answered or skipped with a reason, and one
that is not shown has neither.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from services.intake.domain.content import QUESTIONNAIRES, optional_parts, without
from services.intake.domain.questionnaires import Definition, Given, Issue, check, compile_questionnaire
from shared.errors import FieldError
from shared.events import ConcernTopic, Diagnosis, SkipReason

MATTERS_MOST = "matters_most"
_RANKS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Form:
    """A survey for one diagnosis. `key` is its short name, `id|version`, as `survey-completed` carries it."""

    key: str
    diagnosis: Diagnosis
    definition: Definition


def _form(key: str, questionnaire: Mapping[str, Any]) -> Form:
    coded = (context["valueCodeableConcept"]["coding"] for context in questionnaire["useContext"])
    diagnosis = next(Diagnosis(coding["code"]) for codings in coded for coding in codings)
    return Form(key, diagnosis, compile_questionnaire(questionnaire))


FORMS: Mapping[str, Form] = MappingProxyType({key: _form(key, found) for key, found in QUESTIONNAIRES.items()})
TYPED = frozenset(item.link_id for form in FORMS.values() for item in form.definition.walk() if item.is_typed)
OPTIONAL_PARTS = frozenset(part for found in QUESTIONNAIRES.values() for part in optional_parts(found))
_FORM_OF = {form.diagnosis: form for form in FORMS.values()}


def form_for(diagnosis: Diagnosis) -> Form:
    """The survey that a person with this diagnosis gets now."""
    return _FORM_OF[diagnosis]


@lru_cache(maxsize=256)
def form_without(key: str, parts: frozenset[str]) -> Form:
    """A form as a site asks it that leaves optional parts out; those that it does not have are no matter.

    Raises:
        KeyError: no such form.
    """
    form, questionnaire = FORMS[key], QUESTIONNAIRES[key]
    left_out = parts.intersection(optional_parts(questionnaire))
    return replace(form, definition=compile_questionnaire(without(questionnaire, left_out))) if left_out else form


def form_as_asked(key: str, given: Set[str]) -> Form:
    """A form as it was asked of those who gave these answers and reasons, whatever their site leaves out now.

    Raises:
        KeyError: no such form.
    """
    asked = [item for item in FORMS[key].definition.walk() if item.asks_for_reason]
    items_of = {part: {item.link_id for item in asked if part in item.ancestors} for part in OPTIONAL_PARTS}
    return form_without(key, frozenset(part for part, items in items_of.items() if items and items.isdisjoint(given)))


class SaidConcern(NamedTuple):
    topic: ConcernTopic
    words: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """Answers that fit a form, taken apart: codes and numbers, reasons for skipping, and what was said in words."""

    answers: Mapping[str, float | str | bool] = field(default_factory=dict)
    skipped: Mapping[str, SkipReason] = field(default_factory=dict)
    concerns: tuple[SaidConcern, ...] = ()
    matters_most: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)


def concern_items(rank: int) -> tuple[str, str]:
    """The items of the concern with this rank: its topic and its words."""
    return f"concern_{rank}_topic", f"concern_{rank}_words"


def read(form: Form, answers: Mapping[str, Any], skipped: Mapping[str, Any]) -> Said | list[FieldError]:
    """What was said, or what is wrong with it, in the form's order and then the unknown ids.

    Never raises, whatever the mappings hold. An error says what was expected, never what was found.
    """
    checked = check(form.definition, Given.of_plain(answers, skipped))
    if checked.errors:
        return [_error(issue, skipped) for issue in checked.errors]
    return _said(form.definition, checked.answers, checked.skipped)


def _said(definition: Definition, answers: Mapping[str, Any], skipped: Mapping[str, SkipReason]) -> Said:
    codes, words = dict[str, Any](), dict[str, str]()
    for link_id, answer in answers.items():
        (words if definition.by_id[link_id].is_typed else codes)[link_id] = answer
    concerns = []
    for topic, said in map(concern_items, _RANKS):
        if topic in codes or said in words:
            concerns.append(SaidConcern(ConcernTopic(codes.pop(topic, ConcernTopic.OTHER)), words.pop(said, None)))
    return Said(codes, skipped, tuple(concerns), words.pop(MATTERS_MOST, None), words)


def _error(issue: Issue, skipped: Mapping[str, Any]) -> FieldError:
    part = "skipped" if issue.link_id in skipped else "answers"
    return FieldError(f"{part}.{issue.link_id}" if issue.link_id else part, issue.sentence())
