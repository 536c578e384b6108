"""Which of two answers is larger, and whether they are the same."""

from datetime import time
from decimal import Decimal
from typing import Any

from services.intake.domain.questionnaires.units import compared
from services.intake.domain.questionnaires.values import Coding, Quantity, Value, moments


def is_same(one: Value, other: Value) -> bool:
    """Whether two values mean the same; values of different types never do."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Coding) and isinstance(other, Coding):
        return one.same(other)
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _is_same_time(one, other)
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        both = compared(one, other)
        return both is not None and both[0] == both[1]
    if isinstance(one, int | float | Decimal) and isinstance(other, int | float | Decimal):
        return Decimal(str(one)) == Decimal(str(other))
    return type(one) is type(other) and one == other


def order(one: Value, other: Value) -> int | None:
    """Below 0 when the first is surely smaller, above 0 when it is surely larger, 0 when neither is sure.

    None when the two cannot be compared: other types, or units that have nothing in common.
    """
    ranges = _range(one), _range(other)
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        both = compared(one, other)
        ranges = (None, None) if both is None else ((both[0], both[0]), (both[1], both[1]))
    if ranges[0] is None or ranges[1] is None:
        return None
    try:
        return -1 if ranges[0][1] < ranges[1][0] else int(ranges[0][0] > ranges[1][1])
    except TypeError:
        return None


def _range(value: Value) -> tuple[Any, Any] | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value)) if isinstance(value, float) else value
        return number, number
    if not isinstance(value, str):
        return None
    instants = moments(value)
    if instants is not None:
        return instants
    try:
        clock = time.fromisoformat(value[:15])
    except ValueError:
        return None
    return clock, clock


def _is_same_time(one: str, other: str) -> bool:
    if "T" not in one or "T" not in other:
        return False
    instants = moments(one)
    return instants is not None and instants == moments(other)
