"""Which items are shown, given the answers so far.

An answer to a question that is not shown itself counts as none, so that nothing hangs on what nobody was asked.
"""

from typing import Protocol

from services.intake.domain.questionnaires.definition import Definition, Item
from services.intake.domain.questionnaires.placing import Entry, Scope
from services.intake.domain.questionnaires.values import Value

MOST_CHAINED = 50


class Asked(Protocol):
    """Says what an `enableWhenExpression` finds."""

    def __call__(self, item: Item, scope: Scope) -> bool: ...


def is_open(item: Item, scope: Scope) -> bool:
    """Whether what is inside can be asked: what stands under a question is asked of its answer."""
    if not item.takes_answers:
        return True
    entry = scope.entries.get(item.link_id)
    return entry is not None and bool(entry.answers)


class Enablement:
    """Decides what is shown: of what was given once, of all else whenever it is asked."""

    def __init__(self, definition: Definition, by_expression: Asked | None = None) -> None:
        self._items = definition.by_id
        self._around = definition.repeating_around
        self._by_expression = by_expression
        self._depth = 0

    def is_enabled(self, item: Item, scope: Scope) -> bool:
        """Whether the item's own conditions hold, whatever is around it."""
        if item.conditions:
            answers = (condition.holds(self._values(condition.question, scope)) for condition in item.conditions)
            if not (all(answers) if item.needs_all else any(answers)):
                return False
        if item.expressions.enabled is not None and self._by_expression is not None:
            return self._by_expression(item, scope)
        return True

    def is_shown(self, entry: Entry) -> bool:
        """Whether an item is shown where something was given for it: it and all around it are enabled."""
        if entry.is_shown is None:
            entry.is_shown = True  # while we look: conditions that lead in a circle, or too far, hide nothing
            if self._depth < MOST_CHAINED:
                self._depth += 1
                entry.is_shown = self._is_around_shown(entry) and self.is_enabled(entry.item, entry.scope)
                self._depth -= 1
        return entry.is_shown

    def _is_around_shown(self, entry: Entry) -> bool:
        scope = entry.scope
        for link_id in reversed(entry.item.ancestors):
            above = self._items[link_id]
            if scope.owner is not None and scope.owner.item is above:
                return self.is_shown(scope.owner)
            if not (self.is_enabled(above, scope) and is_open(above, scope)):
                return False
        return True

    def _values(self, link_id: str, scope: Scope) -> list[Value]:
        """The answers to the nearest occurrence of a question, seen from a scope; none where it is not shown."""
        around = self._around[link_id]
        while scope.outer is not None and scope.owner is not None:
            opened_by = scope.owner.item
            if opened_by.link_id == link_id:
                return [] if scope.answer is None or not self.is_shown(scope.owner) else [scope.answer.value]
            if opened_by.link_id == around or opened_by.link_id in self._items[link_id].ancestors:
                break
            scope = scope.outer
        is_here = around == (None if scope.owner is None else scope.owner.item.link_id)
        entry = scope.entries.get(link_id) if is_here else scope.last_inside(link_id)
        if entry is None or not entry.answers or not self.is_shown(entry):
            return []
        return [answer.value for answer in entry.answers]
