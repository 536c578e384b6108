"""What a rule of a site's own can look at: questions of the shipped surveys and of the site's own forms that are
answered by one number, yes or one of the answers that are offered, and the scores of these. Pure.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from services.intake.domain.alert_rules import LONGEST_CODE, SUBJECT_NAME, Source
from services.intake.domain.forms import FORMS, KNOWN_ITEMS, Form
from services.intake.domain.questionnaires import Item, ItemType, Option
from services.intake.domain.questionnaires.values import Number, Value
from services.intake.domain.questionnaires.words import Words
from shared.instruments import INSTRUMENTS

_NUMBERS = (ItemType.INTEGER, ItemType.DECIMAL)


class Scale(NamedTuple):
    """The numbers that are answered, None where nothing limits them, and what some of them mean."""

    lowest: float | None
    highest: float | None
    labels: Mapping[Number, Words] = MappingProxyType({})

    def holds(self, number: float) -> bool:
        """Whether the number can be an answer."""
        return (self.lowest is None or number >= self.lowest) and (self.highest is None or number <= self.highest)


class Subject(NamedTuple):
    """A question or a score. One of `options` is the answer, or a number of `scale`; without both it is yes or no."""

    source: Source
    name: str
    words: Words
    options: tuple[Option, ...] = ()
    scale: Scale | None = None

    @property
    def key(self) -> str:
        """`item.pain_nrs`, as an address names it."""
        return f"{self.source}.{self.name}"

    @property
    def is_yes_or_no(self) -> bool:
        return not self.options and self.scale is None


def _questions(items: Iterable[Item]) -> Iterator[Subject]:
    offered = list(items)
    asked = Counter(item.words.base for item in offered)
    for item in offered:
        # Of questions that read the same, such as the topics of concerns, nobody could tell which one is meant.
        if not item.is_asked or item.repeats or asked[item.words.base] > 1:
            continue
        subject = subject_asked(item)
        if subject is not None:
            yield subject


def subject_asked(item: Item) -> Subject | None:
    """A question as a rule looks at it; None for one that is answered in words, by a day or the like."""
    if item.type is ItemType.CHOICE and item.options:
        return Subject(Source.ITEM, item.link_id, item.words, options=item.options)
    if item.type in _NUMBERS:
        ends = _number(item.bounds.min_value), _number(item.bounds.max_value)
        return Subject(Source.ITEM, item.link_id, item.words, scale=Scale(*ends, item.labels))
    return Subject(Source.ITEM, item.link_id, item.words) if item.type is ItemType.BOOLEAN else None


def _number(value: Value | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _scores(keys: Iterable[str]) -> Iterator[Subject]:
    for found in (INSTRUMENTS[key] for key in dict.fromkeys(keys)):
        scale = Scale(float(found.low), float(found.high))
        yield Subject(Source.INSTRUMENT, found.id, Words(found.name), scale=scale)


_SCORED = (key for form in FORMS.values() for key in form.definition.instruments)
SUBJECTS: Mapping[str, Subject] = MappingProxyType(
    {one.key: one for one in (*_questions(KNOWN_ITEMS.values()), *_scores(_SCORED))}
)
"""By `key`: the questions of the shipped surveys in their order, then the scores."""


def subjects_of(form: Form) -> list[Subject]:
    """What a form of a site's own has for a rule beside `SUBJECTS`. What repeats is answered under names that count,
    and no rule names them.
    """
    definition = form.definition
    around = definition.repeating_around
    once = (item for item in definition.walk() if around[item.link_id] is None)
    found = (*_questions(once), *_scores(definition.instruments))
    return [one for one in found if one.key not in SUBJECTS and _can_be_named(one)]


def _can_be_named(subject: Subject) -> bool:
    """Whether a rule has room for what the form calls it and its answers."""
    is_short = all(len(option.code) <= LONGEST_CODE for option in subject.options)
    return is_short and re.fullmatch(SUBJECT_NAME, subject.name) is not None


def subject_of(source: Source, name: str, form: Form | None) -> Subject | None:
    """What a rule looks at; what no shipped survey asks, in the words of the form that was answered. None where nobody
    asks it so.
    """
    item = form.definition.by_id.get(name) if form and source is Source.ITEM else None
    return SUBJECTS.get(f"{source}.{name}") or (subject_asked(item) if item else None)
