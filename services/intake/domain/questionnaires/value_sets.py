"""Answers that are offered: options of the item, and value sets that come in the same document.

Nothing is fetched: a value set that is not contained, or that needs a terminology server to be listed (a filter, a
whole code system that is not contained), is away.
"""

from collections.abc import Iterable, Iterator, Mapping
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
from services.intake.domain.questionnaires.issues import UnsoundDefinition, flaw
from services.intake.domain.questionnaires.values import Coding, Number, Unread, Value, coding
from services.intake.domain.questionnaires.words import Words, words_of

# Each item keeps its options ready to be looked up: so many take about a second and 100 MB.
MOST_OFFERED = 100_000
Listed = tuple[Coding, Option]


class Contained:
    """The value sets and code systems of a document, by their id (`#id`) and by their address."""

    def __init__(self, questionnaire: Mapping[str, Any]) -> None:
        self._value_sets: dict[str, Mapping[str, Any]] = {}
        self._systems: dict[str, dict[str, Listed]] = {}
        self._options: dict[str, tuple[Option, ...] | None] = {}
        self._offered = 0
        for resource in objects_in(questionnaire, "contained"):
            kind, url, local = resource.get("resourceType"), string_in(resource, "url"), string_in(resource, "id")
            if kind == "ValueSet":
                names = [f"#{local}" if local else None, url]
                self._value_sets.update({name: resource for name in names if name})
            elif kind == "CodeSystem" and url:
                concepts = self._listed(_walk(resource, "concept"), url)
                self._systems[url] = {found.code or "": (found, option) for found, option in concepts}

    def options_of(self, address: str) -> tuple[Option, ...] | None:
        """The options of a value set, made once; None when it is away.

        Raises:
            UnsoundDefinition: the form offers too many.
        """
        name = address if address in self._value_sets else address.partition("|")[0]
        if name in self._options:
            self.count(len(self._options[name] or ()))
        else:
            listed = self._options_in(self._value_sets.get(name, {}))
            self._options[name] = None if listed is None else tuple(option for _, option in listed)
        return self._options[name]

    def count(self, offered: int) -> None:
        """Note that an item offers so many answers.

        Raises:
            UnsoundDefinition: the form offers too many.
        """
        self._offered += offered
        if self._offered > MOST_OFFERED:
            raise UnsoundDefinition([flaw(None, f"A form offers at most {MOST_OFFERED:,} answers over all its items.")])

    def weight_of(self, found: Coding) -> Number | None:
        """The weight that a contained code system gives a code."""
        listed = self._systems.get(found.system or "", {}).get(found.code or "")
        return None if listed is None else listed[1].weight

    def _options_in(self, value_set: Mapping[str, Any]) -> list[Listed] | None:
        expansion = value_set.get("expansion")
        if isinstance(expansion, Mapping):
            listed = self._listed(one for one in _walk(expansion, "contains") if one.get("abstract") is not True)
            self.count(len(listed))
            return listed
        composed = value_set.get("compose")
        included = [self._included(one) for one in objects_in(composed, "include")]
        excluded = [self._included(one) for one in objects_in(composed, "exclude")]
        if not included or None in included or None in excluded:
            return None
        out = {found.key for part in excluded for found, _ in part or ()}
        return [(found, option) for part in included for found, option in part or () if found.key not in out]

    def _included(self, part: Mapping[str, Any]) -> list[Listed] | None:
        system = string_in(part, "system")
        if part.get("filter") or part.get("valueSet") or system is None:
            return None
        concepts = objects_in(part, "concept")
        listed = self._listed(concepts, system) if concepts else list(self._systems.get(system, {}).values())
        self.count(len(listed))  # few words can include a whole code system, again and again
        return listed or None

    def _listed(self, concepts: Iterable[Mapping[str, Any]], system: str | None = None) -> list[Listed]:
        """Those that have a code: of this system, or each of its own."""
        listed = []
        for concept in concepts:
            code = string_in(concept, "code")
            if code:
                found = Coding(system or string_in(concept, "system"), code, string_in(concept, "display"))
                listed.append((found, self._option(found, concept)))
        return listed

    def _option(self, found: Coding, concept: Mapping[str, Any]) -> Option:
        weight = weight_in(concept)
        return Option(
            value=found,
            code=found.code or "",
            words=_designated(concept, found),
            weight=self.weight_of(found) if weight is None else weight,
            is_exclusive=extension(concept, OPTION_EXCLUSIVE) is True,
        )


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


def _walk(owner: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The objects in a list and in the lists inside them, each before those inside it."""
    waiting = objects_in(owner, name)[::-1]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(objects_in(one, name)))
