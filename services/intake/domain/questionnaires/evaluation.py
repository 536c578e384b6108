"""Expressions of one form over one set of answers."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.intake.domain.questionnaires.definition import Definition, Expressions, Item
from services.intake.domain.questionnaires.expressions import NotEvaluated, evaluate
from services.intake.domain.questionnaires.extensions import WEIGHTS
from services.intake.domain.questionnaires.placing import Scope
from services.intake.domain.questionnaires.responses import response_items
from services.intake.domain.questionnaires.steps import Steps
from services.intake.domain.questionnaires.values import Unread, Value, coding

Element = dict[str, Any]
Placed = tuple[Element, Mapping[str, Element]]  # an item of the response, and those around it by their link ids


class Evaluation:
    """Answers as a FHIR response in which each chosen code carries its weight, and what expressions find in it."""

    def __init__(
        self,
        definition: Definition,
        head: Mapping[str, Any],
        scope: Scope,
        at: datetime | None,
        resources: Mapping[str, Any] | None = None,
        *,
        steps: Steps | None = None,
    ) -> None:
        items = response_items(definition.items, scope)
        self.response = {**head, "resourceType": "QuestionnaireResponse", **({"item": items} if items else {})}
        self._at = at
        self._steps = Steps() if steps is None else steps
        self._items = definition.by_id
        self._elements: dict[str, list[Placed]] = {}
        for element, around in _walk(items, {}):
            self._elements.setdefault(element["linkId"], []).append((element, around))
            _weigh(definition.by_id[element["linkId"]], element)
        self._variables: dict[str, Any] = {
            **{name: [] for name, _ in definition.launch_context},
            **(resources or {}),
            "resource": self.response,
            "questionnaire": definition.resource,
        }
        self._variables = self._with(definition.expressions, self.response, self._variables)

    def of_form(self, expression: str) -> list[Any]:
        """What an expression finds in the whole response."""
        return self._find(expression, self.response, self._variables)

    def of_item(self, item: Item, expression: str) -> Iterator[list[Any]]:
        """What an expression of an item finds: once for each place where the item is answered, and not only skipped."""
        for element, around in self._elements.get(item.link_id, ()):
            if _is_skip(element):
                continue
            yield self._find(expression, element, self._known_to(item, element, around))

    def for_item(self, item: Item, expression: str) -> list[Any]:
        """What an expression of an item finds in the response, whether or not the item has answers."""
        around = {link_id: self._elements[link_id][0][0] for link_id in item.ancestors if link_id in self._elements}
        return self._find(expression, self.response, self._known_to(item, self.response, around))

    def _known_to(self, item: Item, context: Element, around: Mapping[str, Element]) -> Mapping[str, Any]:
        """The variables of the form, of what is around an item, and its own, each of which may name those before it."""
        variables = self._variables
        for link_id in item.ancestors:
            variables = self._with(self._items[link_id].expressions, around.get(link_id, self.response), variables)
        return self._with(item.expressions, context, variables)

    def _with(self, expressions: Expressions, context: Mapping[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        for name, expression in expressions.variables:
            try:
                found = self._find(expression, context, variables)
            except NotEvaluated:
                found = []
            variables = {**variables, name: found}
        return variables

    def _find(self, expression: str, context: Mapping[str, Any], variables: Mapping[str, Any]) -> list[Any]:
        return evaluate(expression, context, {**variables, "context": context}, self._at, self._steps)


def value_found(item: Item, found: list[Any]) -> Value | None:
    """What an expression found as a value of an item; None when it found no one value of its type."""
    if len(found) != 1:
        return None
    raw = found[0]
    if isinstance(raw, Decimal):
        raw = int(raw) if raw == raw.to_integral_value() else float(raw)
    value = item.read_plain(raw)
    return None if isinstance(value, Unread) else value


def _walk(items: Iterable[Element], around: Mapping[str, Element]) -> Iterator[Placed]:
    for element in items:
        yield element, around
        inside = {**around, element["linkId"]: element}
        yield from _walk(element.get("item", ()), inside)
        for answer in element.get("answer", ()):
            yield from _walk(answer.get("item", ()), inside)


def _is_skip(element: Mapping[str, Any]) -> bool:
    return any("extension" in answer for answer in element.get("answer", ()))


def _weigh(item: Item, element: Element) -> None:
    for answer in element.get("answer", ()):
        found = coding(answer.get("valueCoding"))
        option = None if isinstance(found, Unread) else item.option_of(found)
        if option is not None and option.weight is not None:
            weight = {"url": WEIGHTS[0], "valueDecimal": option.weight}
            answer["valueCoding"] = {**answer["valueCoding"], "extension": [weight]}
