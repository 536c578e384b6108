"""The pre-visit surveys by diagnosis, whether answers fit one, and what was said in them.

Nothing is left out in silence: a question that is shown is either answered or skipped with a reason, and one
that is not shown has neither. What is said in words, or in any way but numbers, days and codes that the form offers, is
kept apart, to be sealed.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count, takewhile
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from services.intake.domain.content import QUESTIONNAIRES, optional_parts, without
from services.intake.domain.questionnaires import (
    Definition,
    Disabled,
    Given,
    Issue,
    Item,
    ItemType,
    check,
    compile_questionnaire,
    with_calculated,
)
from shared.errors import FieldError
from shared.events import ConcernTopic, Diagnosis, Language, SkipReason

MATTERS_MOST = "matters_most"
RANKS = (1, 2, 3)
_OF_PAGES = (Language.ENGLISH, Language.SPANISH)
_DAYS_AND_TIMES = (ItemType.DATE, ItemType.DATE_TIME, ItemType.TIME)
_NUMBERS = (bool, int, float)
_OBJECTS = (ItemType.QUANTITY, ItemType.REFERENCE)
# An event must travel, with its words sealed.
MOST_BYTES = 200_000
_INSIDE = "skipped"  # where the plain answers of a group that repeats hold its reasons


@dataclass(frozen=True, slots=True)
class Form:
    """A survey. `key` is its short name, `id|version`, as `survey-completed` carries it.

    A form that a site brought is for no diagnosis by itself, and its `key` is `url|version`.
    """

    key: str
    diagnosis: Diagnosis | None
    definition: Definition

    @property
    def typed(self) -> frozenset[str]:
        """The questions that are answered in words."""
        return frozenset(item.link_id for item in self.definition.walk() if item.is_typed)

    @property
    def compound(self) -> frozenset[str]:
        """The questions and groups whose plain answer is a list or an object."""
        items = (item for item in self.definition.walk() if item.repeats or item.type in _OBJECTS)
        return frozenset(item.link_id for item in items)

    @property
    def languages(self) -> tuple[Language, ...]:
        """Those of the pages' languages that it is written in; English where it is in neither."""
        written = str(self.definition.resource.get("language", "en")).partition("-")[0].lower()
        known = {written, *(code for item in self.definition.walk() for code in item.words.others)}
        return tuple(one for one in _OF_PAGES if one in known) or (Language.ENGLISH,)

    @property
    def own_title(self) -> str | None:
        """What a site calls a form of its own; None for a shipped one."""
        return self.definition.title("en") if self.diagnosis is None else None


def _form(key: str, questionnaire: Mapping[str, Any]) -> Form:
    coded = (context["valueCodeableConcept"]["coding"] for context in questionnaire["useContext"])
    diagnosis = next(Diagnosis(coding["code"]) for codings in coded for coding in codings)
    return Form(key, diagnosis, compile_questionnaire(questionnaire))


FORMS: Mapping[str, Form] = MappingProxyType({key: _form(key, found) for key, found in QUESTIONNAIRES.items()})
KNOWN_ITEMS: Mapping[str, Item] = MappingProxyType(
    {item.link_id: item for form in FORMS.values() for item in form.definition.walk() if item.takes_answers}
)
TYPED = frozenset(item for form in FORMS.values() for item in form.typed)
OPTIONAL_PARTS = frozenset(part for found in QUESTIONNAIRES.values() for part in optional_parts(found))
_NAMES = {form.definition.key: key for key, form in FORMS.items()}
_FORM_OF = {form.diagnosis: form for form in FORMS.values() if form.diagnosis is not None}


def form_for(diagnosis: Diagnosis) -> Form:
    """The survey that a person with this diagnosis gets now: the newest version."""
    return _FORM_OF[diagnosis]


def short_name(name: str) -> str:
    """What a shipped form is called here, where it is named by its `url|version`; any other name as it stands."""
    return _NAMES.get(name, name)


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
    """Answers that fit a form, taken apart: codes and numbers, reasons for skipping, and what was said in words.

    `notes` are what the form warns of, and what was not taken because it was not asked.
    """

    answers: Mapping[str, float | str | bool] = field(default_factory=dict)
    skipped: Mapping[str, SkipReason] = field(default_factory=dict)
    concerns: tuple[SaidConcern, ...] = ()
    matters_most: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Issue, ...] = ()

    @property
    def size(self) -> int:
        """What it takes to write it down, in bytes."""
        in_own_words = [self.words, self.matters_most, *(concern.words for concern in self.concerns)]
        return len(orjson.dumps([self.answers, self.skipped, in_own_words]))


def concern_items(rank: int) -> tuple[str, str]:
    """The items of the concern with this rank: its topic and its words."""
    return f"concern_{rank}_topic", f"concern_{rank}_words"


def read(
    form: Form, answers: Mapping[str, Any], skipped: Mapping[str, Any], *, disabled: Disabled = Disabled.REFUSE
) -> Said | list[FieldError]:
    """What was said, or what is wrong with it, in the form's order and then the unknown ids.

    What the form calculates and nobody gave is put in: pages do not show it, and a program need not send it.
    Never raises, whatever the mappings hold. An error says what was expected, never what was found.
    """
    answers = with_calculated(form.definition, answers, skipped)
    checked = check(form.definition, Given.of_plain(answers, skipped), disabled=disabled)
    if checked.errors:
        return [_error(form.definition, issue, skipped) for issue in checked.errors]
    content = _said(form.definition, checked.answers, checked.skipped)
    # The shipped forms bound every answer; one that a site brought need not.
    if form.diagnosis is None and content.size > MOST_BYTES:
        return [FieldError("answers", f"at most {MOST_BYTES:,} bytes together")]
    return replace(content, notes=checked.notes)


def last_answers(definition: Definition, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Answers as they were given, out of those that `Said` has: to all questions that are not in a repeating group."""
    given, _ = as_given(definition, kept, {})
    return {link_id: answer for link_id, answer in given.items() if not definition.by_id[link_id].is_group}


def as_given(
    definition: Definition, answers: Mapping[str, Any], skipped: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Answers and reasons as they were given, out of those that `Said` has."""
    return _as_given(definition.items, answers, skipped)


def _as_given(
    items: Iterable[Item], kept: Mapping[str, Any], reasons: Mapping[str, Any], at: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    given, skipped = dict[str, Any](), dict[str, Any]()
    for item in items:
        key = f"{item.link_id}{at}"
        if item.is_group and item.repeats:
            count_of_rows = _highest(item, {*kept, *reasons}, at)
            rows = [_as_given(item.items, kept, reasons, f"{at}[{row}]") for row in range(1, count_of_rows + 1)]
            if rows:
                given[item.link_id] = [inside | ({_INSIDE: why} if why else {}) for inside, why in rows]
            continue
        if item.repeats and (several := [_parsed(item, kept[one]) for one in _numbered(key, kept)]):
            given[item.link_id] = several
        elif key in kept:
            given[item.link_id] = _parsed(item, kept[key])
        if key in reasons:
            skipped[item.link_id] = reasons[key]
        inside, why = _as_given(item.items, kept, reasons, at)
        given |= inside
        skipped |= why
    return given, skipped


def _highest(group: Item, keys: Set[str], at: str) -> int:
    """The number of the last occurrence of a group that repeats in which something was given."""
    starts = tuple(f"{item.link_id}{at}[" for item in _inside(group))
    numbers = (key.removeprefix(start).partition("]")[0] for start in starts for key in keys if key.startswith(start))
    return max(map(int, numbers), default=0)


def _inside(item: Item) -> Iterator[Item]:
    for one in item.items:
        yield one
        yield from _inside(one)


def _parsed(item: Item, kept: Any) -> Any:
    """An answer that was kept as words though it is none."""
    is_written = item.type in _OBJECTS and isinstance(kept, str)
    return orjson.loads(kept) if is_written else kept


def _numbered(key: str, kept: Mapping[str, Any]) -> Iterator[str]:
    return takewhile(kept.__contains__, (f"{key}[{number}]" for number in count(1)))


def _said(definition: Definition, answers: Mapping[str, Any], skipped: Mapping[str, SkipReason]) -> Said:
    codes, words, reasons = dict[str, Any](), dict[str, str](), dict[str, SkipReason]()
    for key, item, answer in _one_by_one(definition, answers, skipped):
        if isinstance(answer, SkipReason):
            reasons[key] = answer
        elif _is_plain(item, answer):
            codes[key] = answer
        else:
            words[key] = answer if isinstance(answer, str) else orjson.dumps(answer).decode()
    concerns = []
    for topic, said in map(concern_items, RANKS):
        if topic in codes or said in words:
            concerns.append(SaidConcern(ConcernTopic(codes.pop(topic, ConcernTopic.OTHER)), words.pop(said, None)))
    return Said(codes, reasons, tuple(concerns), words.pop(MATTERS_MOST, None), words)


def _one_by_one(
    definition: Definition, answers: Mapping[str, Any], skipped: Mapping[str, SkipReason], at: str = ""
) -> Iterator[tuple[str, Item, Any]]:
    """Each answer and each reason with its item and its key: the linkId, and where it repeats `[1]`, `[2]`, ..."""
    for link_id, reason in skipped.items():
        yield link_id + at, definition.by_id[link_id], reason
    for link_id, answer in answers.items():
        item = definition.by_id[link_id]
        if not item.repeats:
            yield link_id + at, item, answer
            continue
        for number, one in enumerate(answer, start=1):
            if item.is_group:
                inside = {name: said for name, said in one.items() if name != _INSIDE}
                yield from _one_by_one(definition, inside, one.get(_INSIDE, {}), f"{at}[{number}]")
            else:
                yield f"{link_id}{at}[{number}]", item, one


def _is_plain(item: Item, answer: object) -> bool:
    """Whether an answer says nothing but what the form offers, a number, or a day."""
    if isinstance(answer, str):
        return answer in item.codes_offered or item.type in _DAYS_AND_TIMES
    return isinstance(answer, _NUMBERS)


def _error(definition: Definition, issue: Issue, skipped: Mapping[str, Any]) -> FieldError:
    part = "skipped" if issue.link_id in skipped else "answers"
    is_known = issue.link_id in definition.by_id
    field = f"{part}.{issue.link_id}" if issue.link_id else part
    return FieldError(field, issue.sentence(), is_known, issue.code)
