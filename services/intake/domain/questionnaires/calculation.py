"""What a form calculates from the answers: `calculatedExpression`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.intake.domain.questionnaires.checks import show
from services.intake.domain.questionnaires.definition import Definition, Item
from services.intake.domain.questionnaires.evaluation import Evaluation, value_found
from services.intake.domain.questionnaires.expressions import NotEvaluated
from services.intake.domain.questionnaires.given import Given
from services.intake.domain.questionnaires.placing import Answer, Scope
from services.intake.domain.questionnaires.reading import plain_of
from services.intake.domain.questionnaires.steps import Steps
from services.intake.domain.questionnaires.values import Value

MOST_ROUNDS = 10


def calculate(definition: Definition, given: Given, *, at: datetime | None = None) -> Mapping[str, Any]:
    """The plain values that the form calculates, by link id; what cannot be calculated yet is left out."""
    values = fill_calculated(definition, given.placed(definition).root, given.head, at)
    return {link_id: plain_of(value) for link_id, value in values.items()}


def with_calculated(
    definition: Definition, answers: Mapping[str, Any], skipped: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Plain answers, and what the form calculates of them wherever nobody said anything."""
    if not definition.calculates:
        return answers
    calculated = calculate(definition, Given.of_plain(answers, skipped))
    return {**{link_id: value for link_id, value in calculated.items() if link_id not in skipped}, **answers}


def fill_calculated(
    definition: Definition, root: Scope, head: Mapping[str, Any], at: datetime | None
) -> dict[str, Value]:
    """Put what the form calculates of what is shown among the answers, in the place of what stood there.

    A value may depend on another that is calculated: it is done again until nothing changes, ten times at most.
    """
    items = [item for item in definition.walk() if item.expressions.calculated is not None]
    values: dict[str, Value] = {}
    steps = Steps()
    for _ in range(MOST_ROUNDS if items else 0):
        show(definition, root, head, at, steps)
        evaluation = Evaluation(definition, head, root, at, steps=steps)
        found = {item.link_id: value for item in items if (value := _calculated(evaluation, item)) is not None}
        if found == values:
            break
        values = found
        for item in items:
            value = found.get(item.link_id)
            root.entry(item).answers = [] if value is None else [Answer(value)]
    return values


def _calculated(evaluation: Evaluation, item: Item) -> Value | None:
    try:
        return value_found(item, evaluation.for_item(item, item.expressions.calculated or ""))
    except NotEvaluated:
        return None
