"""What a form calculates from the answers: `calculatedExpression`."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.intake.domain.questionnaires.definition import Definition, Item
from services.intake.domain.questionnaires.evaluation import Evaluation
from services.intake.domain.questionnaires.expressions import NotEvaluated
from services.intake.domain.questionnaires.given import Given
from services.intake.domain.questionnaires.placing import Answer
from services.intake.domain.questionnaires.reading import name_of, plain_of
from services.intake.domain.questionnaires.values import Unread, Value

MOST_ROUNDS = 10


def calculate(definition: Definition, given: Given, *, at: datetime | None = None) -> Mapping[str, Any]:
    """The plain values that the form calculates, by link id; what cannot be calculated yet is left out.

    A value may depend on another that is calculated: it is done again until nothing changes, ten times at most.
    """
    root = given.placed(definition).root
    items = [item for item in definition.walk() if item.expressions.calculated is not None]
    values: dict[str, Value] = {}
    for _ in range(MOST_ROUNDS):
        evaluation = Evaluation(definition, given.head, root, at)
        found = {item.link_id: value for item in items if (value := _calculated(evaluation, item)) is not None}
        if found == values:
            break
        values = found
        for item in items:
            entry = root.entry(item)
            entry.answers = [
                Answer(value, name_of(item.type, value)) for value in [found.get(item.link_id)] if value is not None
            ]
    return {link_id: plain_of(value) for link_id, value in values.items()}


def value_found(item: Item, found: list[Any]) -> Value | None:
    """What an expression found as a value of an item; None when it found no one value of its type."""
    if len(found) != 1:
        return None
    raw = found[0]
    if isinstance(raw, Decimal):
        raw = int(raw) if raw == raw.to_integral_value() else float(raw)
    value = item.read_plain(raw)
    return None if isinstance(value, Unread) else value


def _calculated(evaluation: Evaluation, item: Item) -> Value | None:
    try:
        return value_found(item, evaluation.for_item(item, item.expressions.calculated or ""))
    except NotEvaluated:
        return None
