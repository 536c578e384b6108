"""Answers that are offered: options of the item, and value sets that come in the same document.

Nothing is fetched: a value set that is not contained, or that needs a terminology server to be listed (a filter, a
whole code system that is not contained), is away.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from services.intake.domain.questionnaires.definition import Option
from services.intake.domain.questionnaires.extensions import (
    OPTION_EXCLUSIVE,
    WEIGHTS,
    extension,
    objects_in,
    string_in,
    value_of,
)
from services.intake.domain.questionnaires.values import Coding, Number, Unread, Value, coding
from services.intake.domain.questionnaires.words import Words, words_of

Concept = tuple[Coding, Mapping[str, Any]]


class Contained:
    """The value sets and code systems of a document, by their id (`#id`) and by their address."""

    def __init__(self, questionnaire: Mapping[str, Any]) -> None:
        self._value_sets: dict[str, Mapping[str, Any]] = {}
        self._concepts: dict[str, dict[str, Mapping[str, Any]]] = {}
        for resource in objects_in(questionnaire, "contained"):
            kind, url, local = resource.get("resourceType"), string_in(resource, "url"), string_in(resource, "id")
            if kind == "ValueSet":
                names = [f"#{local}" if local else None, url]
                self._value_sets.update({name: resource for name in names if name})
            elif kind == "CodeSystem" and url:
                self._concepts[url] = dict(_concepts_of(resource))

    def options_of(self, address: str) -> tuple[Option, ...] | None:
        """The options of a value set; None when it is away."""
        found = self._value_sets.get(address) or self._value_sets.get(address.partition("|")[0])
        listed = None if found is None else self._listed(found)
        return None if listed is None else tuple(self._option(*one) for one in listed)

    def weight_of(self, found: Coding) -> Number | None:
        """The weight that a contained code system gives a code."""
        concept = self._concepts.get(found.system or "", {}).get(found.code or "")
        return None if concept is None else weight_in(concept)

    def _option(self, found: Coding, concept: Mapping[str, Any]) -> Option:
        weight = weight_in(concept)
        return Option(
            value=found,
            code=found.code or "",
            words=_designated(concept, found),
            weight=self.weight_of(found) if weight is None else weight,
            is_exclusive=extension(concept, OPTION_EXCLUSIVE) is True,
        )

    def _listed(self, value_set: Mapping[str, Any]) -> list[Concept] | None:
        expansion = value_set.get("expansion")
        if isinstance(expansion, Mapping):
            return list(_expanded(expansion))
        composed = value_set.get("compose")
        included = [self._included(one) for one in objects_in(composed, "include")]
        excluded = [self._included(one) for one in objects_in(composed, "exclude")]
        if not included or None in included or None in excluded:
            return None
        out = {found.key for part in excluded for found, _ in part or ()}
        return [(found, concept) for part in included for found, concept in part or () if found.key not in out]

    def _included(self, part: Mapping[str, Any]) -> list[Concept] | None:
        system = string_in(part, "system")
        if part.get("filter") or part.get("valueSet") or system is None:
            return None
        concepts = objects_in(part, "concept") or list(self._concepts.get(system, {}).values())
        codes = [(string_in(concept, "code"), concept) for concept in concepts]
        listed = [(Coding(system, code, string_in(concept, "display")), concept) for code, concept in codes if code]
        return listed or None


def option_of(raw: Mapping[str, Any], contained: Contained) -> Option | None:
    """An `answerOption`; None when its value cannot be read."""
    value = value_of(raw)
    found: Value | Unread = coding(value) if isinstance(value, Mapping) else _plain(value)
    if isinstance(found, Unread):
        return None
    weight = weight_in(raw)
    words = Words(str(value))
    if isinstance(found, Coding) and isinstance(value, Mapping):
        weight = weight_in(value) if weight is None else weight
        weight = contained.weight_of(found) if weight is None else weight
        words = words_of(value, "display") or Words(found.code or "")
    elif "valueString" in raw:
        words = words_of(raw, "valueString") or words
    return Option(
        value=found,
        code=(found.code or found.display or "") if isinstance(found, Coding) else str(found),
        words=words,
        weight=weight,
        is_exclusive=extension(raw, OPTION_EXCLUSIVE) is True,
        is_selected=raw.get("initialSelected") is True,
    )


def weight_in(owner: object) -> Number | None:
    """The weight of an option, a coding or a concept, by the extension of today or one of the older ones."""
    found = extension(owner, *WEIGHTS)
    return found if isinstance(found, int | float | Decimal) and not isinstance(found, bool) else None


def _plain(value: object) -> Value | Unread:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else Unread.UNREAD


def _designated(concept: Mapping[str, Any], found: Coding) -> Words:
    others = {
        language.partition("-")[0].lower(): words
        for one in objects_in(concept, "designation")
        if (language := string_in(one, "language")) and (words := string_in(one, "value"))
    }
    translated = words_of(concept, "display")
    base = found.display or found.code or ""
    return Words(base, {**others, **(translated.others if translated else {})})


def _concepts_of(owner: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    waiting = objects_in(owner, "concept")
    while waiting:
        concept = waiting.pop(0)
        code = string_in(concept, "code")
        if code:
            yield code, concept
        waiting = [*objects_in(concept, "concept"), *waiting]


def _expanded(expansion: Mapping[str, Any]) -> Iterator[Concept]:
    waiting = objects_in(expansion, "contains")
    while waiting:
        concept = waiting.pop(0)
        code = string_in(concept, "code")
        if code and concept.get("abstract") is not True:
            yield Coding(string_in(concept, "system"), code, string_in(concept, "display")), concept
        waiting = [*objects_in(concept, "contains"), *waiting]
