"""`enableWhen`: what the answers to one question must be for another to be asked."""

from collections.abc import Callable

from services.intake.domain.questionnaires.comparing import is_same, order
from services.intake.domain.questionnaires.definition import Condition
from services.intake.domain.questionnaires.values import Value

Holds = Callable[[list[Value]], bool]

_ORDERS = {">": (1,), "<": (-1,), ">=": (0, 1), "<=": (-1, 0)}
OPERATORS = ("exists", "=", "!=", *_ORDERS)


def condition(question: str, operator: str, expected: Value) -> Condition:
    """A condition of one of the `OPERATORS`, ready to be asked. Without an answer only `!=` and `exists` false hold."""
    return Condition(question, operator, expected, _holds(operator, expected))


def _holds(operator: str, expected: Value) -> Holds:
    if operator == "exists":
        return lambda values: bool(values) is expected
    if operator == "=":
        return lambda values: any(is_same(value, expected) for value in values)
    if operator == "!=":
        return lambda values: not any(is_same(value, expected) for value in values)
    wanted = _ORDERS[operator]
    return lambda values: any(order(value, expected) in wanted for value in values)
