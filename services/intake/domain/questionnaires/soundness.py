"""What is wrong with a form as a whole: what an author must mend before it takes answers here."""

from collections.abc import Iterator, Mapping

from services.intake.domain.questionnaires.comparing import order
from services.intake.domain.questionnaires.definition import (
    CHOICES,
    WITHOUT_ANSWER,
    Definition,
    Expressions,
    Item,
    ItemType,
)
from services.intake.domain.questionnaires.enablement import MOST_CHAINED
from services.intake.domain.questionnaires.expressions import wrong_with
from services.intake.domain.questionnaires.issues import Issue, flaw
from services.intake.domain.questionnaires.limits import in_words
from services.intake.domain.questionnaires.patterns import matcher
from services.intake.domain.questionnaires.values import Coding, Quantity, Unread, Value

# To parse so many takes about three seconds.
MOST_EXPRESSED = 100_000
_STATES = ("draft", "active", "retired")


def flaws_of(definition: Definition) -> Iterator[Issue]:
    """All that is wrong, beyond what the items show one by one."""
    if not definition.url or "|" in definition.url:
        yield flaw(None, "A form needs a url, its address without a version.")
    if not definition.version:
        yield flaw(None, "A form needs a version.")
    if definition.status not in _STATES:
        yield flaw(None, f"The status of a form is one of {', '.join(_STATES)}.")
    if not definition.items:
        yield flaw(None, "A form needs at least one item.")
    for item in definition.walk():
        yield from _of_item(definition, item)
    yield from _hanging(definition)
    owners = [definition.expressions, *(item.expressions for item in definition.walk())]
    if sum(len(expression) for owner in owners for expression in owner.all()) > MOST_EXPRESSED:
        yield flaw(None, f"The expressions of a form have at most {MOST_EXPRESSED:,} characters together.")
    else:
        yield from _of_all_expressions(definition)


def _of_item(definition: Definition, item: Item) -> Iterator[Issue]:
    yield from _of_bounds(item)
    if item.type in WITHOUT_ANSWER and (item.options is not None or item.initial):
        yield flaw(item.link_id, f"An item of type {item.type} takes no answers.")
    if not item.items and item.type == "group":
        yield flaw(item.link_id, "A group needs at least one item.")
    if item.options is not None and item.type in CHOICES and len(item.codes_offered) < len(item.options):
        yield flaw(item.link_id, "The options must have different codes.")
    if item.opens_scope and not item.is_group:
        yield flaw(item.link_id, "A question that repeats cannot have questions under it: take a group that repeats.")
    if definition.repeating_around[item.link_id] is not None:
        yield from _of_repeating(item)
    for one in item.conditions:
        question = definition.by_id[one.question]
        if not question.takes_answers:
            yield flaw(item.link_id, f"enableWhen names {one.question}, which takes no answers.")
        elif one.operator != "exists" and not _can_be(question, one.expected):
            yield flaw(item.link_id, f"enableWhen compares {one.question} with what can be no answer to it.")


def _of_repeating(item: Item) -> Iterator[Issue]:
    """Of an item in or under one that repeats: its expressions are not asked of each occurrence."""
    if item.expressions.calculated is not None:
        yield flaw(item.link_id, "What stands in or under an item that repeats cannot be calculated.")
    if item.expressions.enabled is not None:
        yield flaw(
            item.link_id,
            "In or under an item that repeats an enableWhenExpression would be one for all: take enableWhen.",
        )


def _of_bounds(item: Item) -> Iterator[Issue]:
    bounds = item.bounds
    if bounds.pattern is not None:
        try:
            matcher(bounds.pattern)
        except ValueError as wrong:
            yield flaw(item.link_id, f"The regex cannot be used: {wrong}.")
    for low, high in (
        (bounds.min_value, bounds.max_value),
        (bounds.min_length, bounds.max_length),
        (bounds.min_occurs, bounds.max_occurs),
    ):
        if low is not None and high is not None and order(low, high) not in (-1, 0):
            yield flaw(item.link_id, "The lowest that is allowed must not be above the highest.")
    yield from _of_units(item)


def _of_units(item: Item) -> Iterator[Issue]:
    """Units of an answer in which it could never be told whether it lies within its limits."""
    units = item.bounds.units or ((item.unit,) if item.unit is not None else ())
    for bound in (item.bounds.min_value, item.bounds.max_value):
        if not isinstance(bound, Quantity):
            continue
        for unit in units:
            if order(Quantity(0, unit.display, unit.system, unit.code), bound) is None:
                said = unit.code or unit.display
                yield flaw(item.link_id, f"An answer in {said} cannot be compared with the limit of {in_words(bound)}.")


def _can_be(question: Item, expected: Value) -> bool:
    """Whether a value can be an answer to a question."""
    if isinstance(expected, Coding):
        is_offered = question.options is None or question.option_of(expected) is not None
        return question.type in CHOICES and is_offered
    if isinstance(expected, Quantity):
        return question.type is ItemType.QUANTITY
    if isinstance(expected, Mapping):
        return question.type is ItemType.REFERENCE
    return any(not isinstance(read(expected), Unread) for read in question.readers.values())


def _of_all_expressions(definition: Definition) -> Iterator[Issue]:
    yield from _of_expressions(None, definition.expressions, _variables(definition, definition.expressions))
    for item in definition.walk():
        around = (definition.by_id[link_id].expressions for link_id in item.ancestors)
        variables = _variables(definition, definition.expressions, *around, item.expressions)
        yield from _of_expressions(item.link_id, item.expressions, variables)


def _variables(definition: Definition, *owners: Expressions) -> frozenset[str]:
    """What expressions may name: the variables of the form and the item, and what the form is launched with."""
    launched = {name for name, _ in definition.launch_context}
    return frozenset(launched | {name for owner in owners for name, _ in owner.variables})


def _of_expressions(link_id: str | None, expressions: Expressions, variables: frozenset[str]) -> Iterator[Issue]:
    for expression in expressions.all():
        wrong = wrong_with(expression, variables)
        if wrong is not None:
            yield flaw(link_id, f"An expression cannot be evaluated: {wrong}.")


def _hanging(definition: Definition) -> Iterator[Issue]:
    """What is wrong with how items hang on each other by conditions, and on what is around them."""
    needs = {
        item.link_id: {one.question for one in item.conditions} | set(item.ancestors) for item in definition.walk()
    }
    circles = list(_circles(needs))
    yield from circles
    places = definition.places
    looks_ahead = any(places[one] > places[link_id] for link_id, needed in needs.items() for one in needed)
    if looks_ahead and not circles and _longest(needs) > MOST_CHAINED:
        yield flaw(None, f"Conditions that look ahead may lead through at most {MOST_CHAINED} items.")


def _longest(needs: Mapping[str, set[str]]) -> int:
    """How many items hang on each other at most, where none leads back; more than are allowed are not counted."""
    waiting, settled, length = dict(needs), set[str](), 0
    while waiting and length <= MOST_CHAINED:
        ready = [link_id for link_id, needed in waiting.items() if needed <= settled]
        settled.update(ready)
        for link_id in ready:
            del waiting[link_id]
        length += 1
    return length


def _circles(needs: Mapping[str, set[str]]) -> Iterator[Issue]:
    """Items whose conditions lead back to them: nobody could ever be asked."""
    settled: set[str] = set()
    for start, needed in needs.items():
        waiting, seen = [*needed], set[str]()
        while waiting:
            link_id = waiting.pop()
            if link_id == start:
                yield flaw(start, "The conditions of this item lead back to it.")
                break
            if link_id not in seen and link_id not in settled:
                seen.add(link_id)
                waiting.extend(needs[link_id])
        else:
            settled.add(start)
