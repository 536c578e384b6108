"""What a rule of a site's own can look at: questions of the shipped surveys that are answered by one number, yes or one
of the answers that are offered, and the scores of these surveys. Pure.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from services.intake.domain.alert_rules import Source
from services.intake.domain.forms import FORMS, KNOWN_ITEMS
from services.intake.domain.questionnaires import ItemType, Option
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


def _questions() -> Iterator[Subject]:
    asked = Counter(item.words.base for item in KNOWN_ITEMS.values())
    for item in KNOWN_ITEMS.values():
        # Of questions that read the same, such as the topics of concerns, nobody could tell which one is meant.
        if not item.is_asked or item.repeats or asked[item.words.base] > 1:
            continue
        if item.type is ItemType.CHOICE and item.options:
            yield Subject(Source.ITEM, item.link_id, item.words, options=item.options)
        elif item.type in _NUMBERS:
            ends = _number(item.bounds.min_value), _number(item.bounds.max_value)
            yield Subject(Source.ITEM, item.link_id, item.words, scale=Scale(*ends, item.labels))
        elif item.type is ItemType.BOOLEAN:
            yield Subject(Source.ITEM, item.link_id, item.words)


def _number(value: Value | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _scores() -> Iterator[Subject]:
    keys = dict.fromkeys(key for form in FORMS.values() for key in form.definition.instruments)
    for found in (INSTRUMENTS[key] for key in keys):
        scale = Scale(float(found.low), float(found.high))
        yield Subject(Source.INSTRUMENT, found.id, Words(found.name), scale=scale)


SUBJECTS: Mapping[str, Subject] = MappingProxyType({one.key: one for one in (*_questions(), *_scores())})
"""By `key`: the questions in the order of the surveys, then the scores."""


def subject_of(source: str, name: str) -> Subject | None:
    """What a rule looks at; None where the shipped surveys do not ask it so."""
    return SUBJECTS.get(f"{source}.{name}")
