"""FHIRPath over answers, by fhirpathpy.

No expression reads a clock: today and now are those that the caller gives. Patterns in expressions run in the engine
that never goes back (see `patterns`), and none does more work than it may (see `steps`).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from threading import Lock
from typing import Any

from fhirpathpy import parse
from fhirpathpy.engine import do_eval
from fhirpathpy.engine.evaluators import string_literal
from fhirpathpy.engine.invocations import invocation_registry
from fhirpathpy.engine.nodes import FP_Type, ResourceNode
from fhirpathpy.engine.util import get_data, process_user_invocation_table
from fhirpathpy.models import models
from fhirpathpy.parser import CommonTokenStream, FHIRPathLexer, FHIRPathParser, InputStream

from services.intake.domain.questionnaires.extensions import WEIGHTS, extension
from services.intake.domain.questionnaires.patterns import matcher
from services.intake.domain.questionnaires.steps import COUNTED, FUNCTIONS, SPENT, Steps, TooManySteps, counted
from shared.fhir import UCUM

LONGEST = 4_000
_PARSING = Lock()  # parsers share what they learn of the grammar, and forms are read in threads
ITEM_PATH = "QuestionnaireResponse.item"
# What every expression may name, beside the form's own variables and the resources that it is launched with.
VARIABLES = frozenset({"resource", "context", "questionnaire", "ucum"})
_NOW = "at"  # where the engine's context carries the time
# Of these a path is made that leads from what is around to what is inside, and so to an end.
_INWARD = frozenset({"TermExpression", "InvocationTerm", "InvocationExpression", "ParenthesizedTerm"})
_INWARD |= {"MemberInvocation", "UnionExpression", "Identifier", "ParamList"}


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
    if not all(map(_is_inward, _arguments(node, "repeat"))):
        return "repeat() may run without an end: it takes names of elements only, as in repeat(item)"
    if not all(map(_is_pattern, (one for name in _MATCHING for one in _arguments(node, name)))):
        return "matches() takes a pattern that is written out, without looking around or back, and not too large"
    unknown = frozenset(name.strip("`") for name in _named(node, "ExternalConstantTerm")) - variables - VARIABLES
    return f"there is no variable %{min(unknown)}" if unknown else None


def evaluate(
    expression: str,
    context: Mapping[str, Any],
    variables: Mapping[str, Any],
    at: datetime | None,
    steps: Steps,
    *,
    path: str = ITEM_PATH,
) -> list[Any]:
    """What an expression finds: numbers as int or Decimal, other values as in JSON.

    `path` is what `context` is, unless it is a resource. `at` is now; None where no time is known.

    Raises:
        NotEvaluated: it does not parse, names what is not there, does not fit these answers, or `steps` are at an end.
    """
    tree = _parsed(expression)
    root = [ResourceNode.create_node(context, path)]
    ctx = {
        "dataRoot": root,
        "vars": {"context": context, "ucum": UCUM, **variables},
        "model": models["r4"],
        "userInvocationTable": _FUNCTIONS,
        SPENT: steps,
        _NOW: at,
    }
    try:
        found = do_eval(ctx, root, tree["children"][0])
        return _plain(found) if isinstance(found, list) else [_plain(found)]
    except TooManySteps as too_many:
        steps.ended_by = steps.ended_by or expression
        raise NotEvaluated("it takes more work than expressions may") from too_many
    except Exception as wrong:  # the engine raises nothing narrower
        raise NotEvaluated("it does not fit these answers") from wrong


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
            tree = counted(parse(expression))
    except NotEvaluated:
        raise
    except Exception as wrong:
        raise NotEvaluated("it does not parse") from wrong
    return tree


def _inside(node: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    """The nodes of a kind, at any depth."""
    for child in node["children"]:
        if _kind(child) == kind:
            yield child
        yield from _inside(child, kind)


def _kind(node: Mapping[str, Any]) -> str:
    return str(node["type"]).removeprefix(COUNTED)


def _named(node: Mapping[str, Any], kind: str) -> Iterator[str]:
    """The names that nodes of a kind have: two levels below them."""
    return (one["children"][0]["children"][0]["text"] for one in _inside(node, kind))


def _arguments(node: Mapping[str, Any], function: str) -> Iterator[Mapping[str, Any]]:
    """What a function is given, wherever it is called."""
    for one in _inside(node, "FunctionInvocation"):
        name, *given = one["children"][0]["children"]
        if name["text"].strip("`") == function:
            yield from given


def _is_inward(node: Mapping[str, Any]) -> bool:
    return _kind(node) in _INWARD and all(map(_is_inward, node["children"]))


def _is_pattern(parameters: Mapping[str, Any]) -> bool:
    """Whether it is one text, written out, that can be a pattern."""
    node = parameters
    while len(node["children"]) == 1:
        node = node["children"][0]
    try:
        return _kind(node) == "StringLiteral" and bool(matcher(*string_literal(None, None, node), is_whole=False))
    except ValueError:
        return False


def _plain(value: Any) -> Any:
    """What was found without the engine's own objects; what a primitive value carries beside it is no value."""
    data = get_data(value)
    if isinstance(data, list):
        return [one for one in map(_plain, data) if not (isinstance(one, dict) and one.keys() == {"extension"})]
    if isinstance(data, Mapping) and not isinstance(data, FP_Type):
        return {name: _plain(part) for name, part in data.items()}
    return data


def _moment(ctx: Mapping[str, Any]) -> datetime:
    at: datetime | None = ctx[_NOW]
    if at is None:
        raise ValueError("no time is known")
    return at


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


def _matching(*, is_whole: bool) -> dict[str, Any]:
    def matches(ctx: Mapping[str, Any], inputs: list[Any], pattern: str) -> bool:
        texts = [get_data(one) for one in inputs]
        if len(texts) != 1 or not isinstance(texts[0], str):
            raise ValueError("a pattern is matched with one text")
        ctx[SPENT].new_pattern(pattern)
        return matcher(pattern, is_whole=is_whole)(texts[0])

    return {"fn": matches, "arity": {1: ["String"]}, "nullable_input": True}


_MATCHING = {"matches": _matching(is_whole=False), "matchesFull": _matching(is_whole=True)}
# What takes the place of the engine's functions, and those of SDC that it lacks. To trace would be to print answers.
_FUNCTIONS: dict[str, dict[str, Any]] = {
    **process_user_invocation_table(
        {
            "replaceMatches": {"fn": _refused, "arity": {2: ["String", "String"]}},
            "weight": {"fn": _weight, "arity": {0: []}},
            "ordinal": {"fn": _weight, "arity": {0: []}},
            "sum": {"fn": lambda inputs: sum(_numbers(inputs)), "arity": {0: []}},
            "avg": _of_numbers(_mean),
            "min": _of_numbers(min),
            "max": _of_numbers(max),
        }
    ),
    **FUNCTIONS,
    **_MATCHING,
    "trace": {"fn": lambda _ctx, found, *_label: found, "arity": {0: [], 1: ["String"]}},
    "now": {"fn": lambda ctx, _: _moment(ctx).isoformat(timespec="milliseconds"), "arity": {0: []}},
    "today": {"fn": lambda ctx, _: _moment(ctx).date().isoformat(), "arity": {0: []}},
    "timeOfDay": {"fn": lambda ctx, _: _moment(ctx).time().isoformat(timespec="milliseconds"), "arity": {0: []}},
}
# Replacing by a pattern is not offered: the engine for it goes back.
_KNOWN = (invocation_registry.keys() | _FUNCTIONS.keys()) - {"replaceMatches"}
