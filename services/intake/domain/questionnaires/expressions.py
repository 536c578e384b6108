"""FHIRPath over answers, by fhirpathpy.

No expression reads a clock: today and now are those that the caller gives. Patterns in expressions run in the engine
that never goes back (see `patterns`).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from threading import Lock
from typing import Any

from fhirpathpy import apply_parsed_path, parse
from fhirpathpy.engine.invocations import invocation_registry
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models
from fhirpathpy.parser import CommonTokenStream, FHIRPathLexer, FHIRPathParser, InputStream

from services.intake.domain.questionnaires.extensions import WEIGHTS, extension
from services.intake.domain.questionnaires.patterns import matcher

LONGEST = 4_000
_PARSING = Lock()  # parsers share what they learn of the grammar, and forms are read in threads
ITEM_PATH = "QuestionnaireResponse.item"
# What every expression may name, beside the form's own variables and the resources that it is launched with.
VARIABLES = frozenset({"resource", "context", "questionnaire", "ucum"})


class NotEvaluated(Exception):
    """The expression cannot be evaluated over these answers. The message says nothing of them."""


def wrong_with(expression: str, variables: frozenset[str]) -> str | None:
    """Why an expression can never be evaluated; None when it can. `variables` are those that it may name."""
    try:
        node = _parsed(expression)
    except NotEvaluated as wrong:
        return str(wrong)
    functions = frozenset(_named(node, "FunctionInvocation")) - _KNOWN
    if functions:
        return f"there is no function {min(functions)}()"
    unknown = frozenset(name.strip("`") for name in _named(node, "ExternalConstantTerm")) - variables - VARIABLES
    return f"there is no variable %{min(unknown)}" if unknown else None


def evaluate(
    expression: str,
    context: Mapping[str, Any],
    variables: Mapping[str, Any],
    at: datetime | None,
    *,
    path: str = ITEM_PATH,
) -> list[Any]:
    """What an expression finds: numbers as int or Decimal, other values as in JSON.

    `path` is what `context` is, unless it is a resource. `at` is now; None where no time is known.

    Raises:
        NotEvaluated: it does not parse, names what is not there, or does not fit these answers.
    """
    node = _parsed(expression)
    try:
        found = apply_parsed_path(
            ResourceNode.create_node(context, path),
            node,
            dict(variables),
            models["r4"],
            {"userInvocationTable": _functions(at)},
        )
    except Exception as wrong:  # the engine raises nothing narrower
        raise NotEvaluated("it does not fit these answers") from wrong
    return found if isinstance(found, list) else [found]


def holds(found: list[Any]) -> bool:
    """Whether a rule is kept: nothing found breaks no rule, and one value that is no boolean counts as true.

    Raises:
        NotEvaluated: several values are neither true nor false.
    """
    if len(found) > 1:
        raise NotEvaluated("it finds several values")
    return not found or found[0] is not False


@lru_cache(maxsize=2_048)
def _parsed(expression: str) -> dict[str, Any]:
    if len(expression) > LONGEST:
        raise NotEvaluated(f"it has more than {LONGEST} characters")
    try:
        with _PARSING:
            lexer = FHIRPathLexer(InputStream(expression))
            lexer.removeErrorListeners()
            parser = FHIRPathParser(CommonTokenStream(lexer))
            parser.removeErrorListeners()
            parser.entireExpression()  # `parse` would stop at the first thing that it does not know, in silence
            if parser.getNumberOfSyntaxErrors():
                raise NotEvaluated("it does not parse")
            tree: dict[str, Any] = parse(expression)
    except NotEvaluated:
        raise
    except Exception as wrong:
        raise NotEvaluated("it does not parse") from wrong
    return tree


def _named(node: Mapping[str, Any], kind: str) -> Iterator[str]:
    """The names that nodes of a kind have: two levels below them."""
    for child in node.get("children", ()):
        if child["type"] == kind:
            yield child["children"][0]["children"][0]["text"]
        yield from _named(child, kind)


def _functions(at: datetime | None) -> dict[str, dict[str, Any]]:
    """Functions that take the place of the engine's, and those of SDC that it lacks."""

    def moment() -> datetime:
        if at is None:
            raise ValueError("no time is known")
        return at

    return {
        **_FUNCTIONS,
        "now": {"fn": lambda _: moment().isoformat(timespec="milliseconds"), "arity": {0: []}},
        "today": {"fn": lambda _: moment().date().isoformat(), "arity": {0: []}},
        "timeOfDay": {"fn": lambda _: moment().time().isoformat(timespec="milliseconds"), "arity": {0: []}},
    }


def _weight(inputs: list[Any]) -> list[Any]:
    codings = [one.get("valueCoding", one) for one in inputs if isinstance(one, Mapping)]
    return [weight for one in codings if (weight := extension(one, *WEIGHTS)) is not None]


def _numbers(inputs: list[Any]) -> list[Decimal | int]:
    if not all(isinstance(one, int | Decimal) and not isinstance(one, bool) for one in inputs):
        raise ValueError("only numbers have a sum, a mean, a lowest and a highest")
    return inputs


def _of_numbers(compute: Callable[[list[Any]], object]) -> dict[str, Any]:
    return {"fn": lambda inputs: compute(_numbers(inputs)) if inputs else [], "arity": {0: []}}


def _mean(numbers: list[Any]) -> Decimal:
    return Decimal(sum(numbers)) / len(numbers)


def _refused(*_arguments: object) -> None:
    raise ValueError("not offered")


def _one_text(inputs: list[Any]) -> str:
    if len(inputs) != 1 or not isinstance(inputs[0], str):
        raise ValueError("a pattern is matched with one text")
    return inputs[0]


_FUNCTIONS: dict[str, dict[str, Any]] = {
    "replaceMatches": {"fn": _refused, "arity": {2: ["String", "String"]}},
    "weight": {"fn": _weight, "arity": {0: []}},
    "ordinal": {"fn": _weight, "arity": {0: []}},
    "sum": {"fn": lambda inputs: sum(_numbers(inputs)), "arity": {0: []}},
    "avg": _of_numbers(_mean),
    "min": _of_numbers(min),
    "max": _of_numbers(max),
    "matches": {
        "fn": lambda inputs, pattern: matcher(pattern, is_whole=False)(_one_text(inputs)),
        "arity": {1: ["String"]},
        "nullable_input": True,
    },
    "matchesFull": {
        "fn": lambda inputs, pattern: matcher(pattern)(_one_text(inputs)),
        "arity": {1: ["String"]},
        "nullable_input": True,
    },
}
# Replacing by a pattern is not offered: the engine for it goes back.
_KNOWN = (invocation_registry.keys() | _FUNCTIONS.keys()) - {"replaceMatches"}
