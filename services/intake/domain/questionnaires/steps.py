"""How much work expressions may do over one set of answers, counted while the engine evaluates them.

Who writes a form writes its expressions, and all sites share what evaluates them. A step is one node of an expression
evaluated once, about four microseconds; values that it finds cost more, the more there is of them. So no expression
runs for ever, and none finds more than fits in memory, whatever it says.

The engine looks up how a node is evaluated in a table, by the node's type. `counted` gives the nodes of an expression
types of their own, under which evaluators stand that count; the engine's own are as they were.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from fhirpathpy.engine.evaluators import evaluators
from fhirpathpy.engine.invocations import invocation_registry
from fhirpathpy.engine.invocations.navigation import create_reduce_children
from fhirpathpy.engine.nodes import FP_TimeBase
from fhirpathpy.engine.util import get_data

MOST_STEPS = 200_000
COUNTED = "Counted"
SPENT = "steps"  # where the engine's context carries them
_VALUES_A_STEP, _JOINED_A_STEP, _STEPS_AGAIN, _STEPS_A_PATTERN = 4, 50_000, 10, 2_000
_SIZE_OF_A_TIME = 80  # what it takes to compare one
_MOST_DIGITS = 1_000
# What only leads to one other node costs nothing by itself.
_FREE = frozenset({"Functn", "ParamList", "Identifier", "TermExpression", "InvocationTerm", "InvocationExpression"})
_FREE_LITERALS = frozenset(kind for kind in evaluators if kind.endswith("Literal"))
_ENGINES: Mapping[str, dict[str, Any]] = invocation_registry
Evaluate = Callable[[Any, Any, Any], Any]


class TooManySteps(Exception):
    """The work that is allowed is done."""


class Steps:
    """What is left, for all expressions together. `ended_by` is the first expression for which it was not enough."""

    def __init__(self, most: int = MOST_STEPS) -> None:
        self._left = float(most)
        self._sizes: dict[int, tuple[object, int]] = {}
        self._patterns: set[object] = set()
        self.ended_by: str | None = None

    def take(self, steps: float) -> None:
        """Raises: TooManySteps."""
        self._left -= steps
        if self._left < 0:
            raise TooManySteps

    def found(self, values: list[Any]) -> None:
        """Pay for what a node found. The engine joins lists in a time that is the square of their length."""
        self.take(1 + self.size(values) / _VALUES_A_STEP + len(values) ** 2 / _JOINED_A_STEP)

    def new_pattern(self, pattern: object) -> None:
        if pattern not in self._patterns:
            self._patterns.add(pattern)
            self.take(_STEPS_A_PATTERN)

    def size(self, values: list[Any]) -> int:
        """How many values there are, all that is inside them among these; long words and numbers count for several."""
        return sum(map(self._size, values))

    def _size(self, value: Any) -> int:
        data = get_data(value)
        if isinstance(data, str):
            return 1 + len(data) // 4
        if isinstance(data, FP_TimeBase):
            return _SIZE_OF_A_TIME
        if isinstance(data, int | Decimal):
            return _bounded(data)
        if not isinstance(data, Mapping | list):
            return 1
        known = self._sizes.get(id(data))
        if known is None:
            size = 1 + self.size(list(data.values()) if isinstance(data, Mapping) else data)
            known = self._sizes[id(data)] = (data, size)  # with what it is of: an id may come again
        return known[1]


def counted(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A parsed expression whose nodes count what they cost."""
    kind = f"{COUNTED}{tree.get('type')}"
    return {
        **tree,
        **({"type": kind} if kind in evaluators else {}),
        "children": [counted(child) for child in tree.get("children", ())],
    }


def _bounded(number: int | Decimal) -> int:
    digits = number.bit_length() * 0.3 if isinstance(number, int) else abs(number.adjusted())
    if digits > _MOST_DIGITS:
        raise TooManySteps
    return 1


def _counting(evaluate: Evaluate) -> Evaluate:
    def counting(ctx: Any, data: Any, node: Any) -> Any:
        found = evaluate(ctx, data, node)
        ctx[SPENT].found(found)
        return found

    return counting


def _each(evaluate: Evaluate) -> Evaluate:
    """The same, for one value after the other: what all of them hold may be too much."""

    def each(ctx: Any, data: list[Any], node: Any) -> list[Any]:
        found = list[Any]()
        for one in data:
            some = evaluate(ctx, [one], node)
            ctx[SPENT].found(some)
            found += some
        return found

    return each


def _children(ctx: Any, data: list[Any], *, with_extensions: bool = False) -> list[Any]:
    inside, found = create_reduce_children(ctx, not with_extensions), list[Any]()
    for one in data:
        some = inside([], one)
        ctx[SPENT].found(some)
        found += some
    return found


def _descendants(ctx: Any, data: list[Any]) -> list[Any]:
    found = list[Any]()
    while data := _children(ctx, data, with_extensions=True):
        found += data
    return found


def _repeat(ctx: Any, data: list[Any], expr: Callable[[Any], Any]) -> Any:
    def again(one: Any) -> Any:
        ctx[SPENT].take(_STEPS_AGAIN)
        return expr(one)

    return _ENGINES["repeat"]["fn"](ctx, data, again)


def _by_pairs(name: str) -> dict[str, Any]:
    """Each value is compared with each."""
    compare = _ENGINES[name]["fn"]

    def by_pairs(ctx: Any, ones: list[Any], others: list[Any]) -> Any:
        ctx[SPENT].take(len(ones) * ctx[SPENT].size(others) / _VALUES_A_STEP)
        return compare(ctx, ones, others)

    return {name: {**_ENGINES[name], "fn": by_pairs}}


def _written(name: str) -> dict[str, Any]:
    """What is put in comes as often as there is place for it."""
    write = _ENGINES[name]["fn"]

    def written(ctx: Any, data: list[Any], *put_in: Any) -> Any:
        ctx[SPENT].take(ctx[SPENT].size(data) * ctx[SPENT].size(list(put_in)) / _VALUES_A_STEP)
        return write(ctx, data, *put_in)

    return {name: {**_ENGINES[name], "fn": written}}


def _round(ctx: Any, data: list[Any], places: Any) -> Any:
    if places and abs(places) > _MOST_DIGITS:
        raise TooManySteps
    return _ENGINES["round"]["fn"](ctx, data, places)


# In the place of the engine's.
FUNCTIONS: Mapping[str, dict[str, Any]] = {
    "children": {"fn": _children},
    "descendants": {"fn": _descendants},
    "repeat": {**_ENGINES["repeat"], "fn": _repeat},
    "round": {**_ENGINES["round"], "fn": _round},
    **_by_pairs("exclude"),
    **_by_pairs("intersect"),
    **_by_pairs("subsetOf"),
    **_by_pairs("supersetOf"),
    **_written("join"),
    **_written("replace"),
}
evaluators |= {
    COUNTED + kind: _each(evaluate) if kind == "MemberInvocation" else _counting(evaluate)
    for kind, evaluate in evaluators.items()
    if kind not in _FREE | _FREE_LITERALS and not kind.startswith(COUNTED)
}
