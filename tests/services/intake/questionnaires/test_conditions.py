"""What is asked, given other answers."""

from typing import Any

import pytest

from services.intake.domain.questionnaires import Given, check, read_questionnaire, shown
from services.intake.domain.questionnaires import extensions as known
from tests.questionnaires import (
    SYSTEM,
    Json,
    a_form,
    answered,
    asking,
    extension,
    group,
    option,
    plainly,
    questionnaire,
    response,
    when,
    wrong,
)


def is_asked(kind: str, condition: Json, *answers: object, **parts: Any) -> bool:
    """Whether an item with this condition is shown after these answers to another of a type."""
    then = asking("then", "string", enableWhen=[{"question": "q", **condition}])
    form = read_questionnaire(questionnaire(asking("q", kind, repeats=True, **parts), then))
    return "then" in shown(form, {"q": list(answers)} if answers else {})


@pytest.mark.parametrize(
    ("operator", "expected", "answers", "holds"),
    [
        ("=", 3, [3], True),
        ("=", 3, [3.0], True),
        ("=", 3, [1, 3], True),
        ("=", 3, [4], False),
        ("=", 3, [], False),
        ("!=", 3, [4], True),
        ("!=", 3, [3, 4], False),
        ("!=", 3, [], True),
        (">", 3, [4], True),
        (">", 3, [3], False),
        (">", 3, [], False),
        (">=", 3, [3], True),
        (">=", 3, [2], False),
        ("<", 3, [2], True),
        ("<", 3, [3], False),
        ("<=", 3, [3], True),
        ("<=", 3, [5, 2], True),
        ("<=", 3, [5], False),
    ],
)
def test_every_operator_on_numbers(operator: str, expected: int, answers: list[object], *, holds: bool) -> None:
    assert is_asked("decimal", {"operator": operator, "answerDecimal": expected}, *answers) is holds


@pytest.mark.parametrize(("expected", "answers", "holds"), [(True, ["x"], True), (True, [], False), (False, [], True)])
def test_whether_there_is_an_answer_at_all(expected: bool, answers: list[object], *, holds: bool) -> None:
    assert is_asked("string", {"operator": "exists", "answerBoolean": expected}, *answers) is holds


def test_a_question_that_was_skipped_has_no_answer() -> None:
    form = a_form(
        asking("q", "boolean"),
        asking("unless", "string", enableWhen=[when("q", "!=", answerBoolean=True)]),
        asking("if", "string", enableWhen=[when("q", "exists", answerBoolean=True)]),
    )
    assert check(form, Given.of_plain({}, {"q": "do-not-know"})).not_shown == {"if"}


@pytest.mark.parametrize(
    ("kind", "condition", "answer", "holds"),
    [
        ("boolean", {"operator": "=", "answerBoolean": False}, False, True),
        ("integer", {"operator": "=", "answerInteger": 1}, 1, True),
        ("date", {"operator": ">=", "answerDate": "2026-01-01"}, "2026-06-01", True),
        ("date", {"operator": "<", "answerDate": "2026"}, "2025-12-31", True),
        ("date", {"operator": ">", "answerDate": "2026"}, "2026-12-31", False),
        ("dateTime", {"operator": "=", "answerDateTime": "2026-01-01T10:00:00Z"}, "2026-01-01T11:00:00+01:00", True),
        ("time", {"operator": "<", "answerTime": "12:00:00"}, "09:30:00", True),
        ("string", {"operator": "=", "answerString": "yes"}, "no", False),
        ("quantity", {"operator": ">", "answerQuantity": {"value": 1, "unit": "kg"}}, {"value": 2, "unit": "kg"}, True),
        ("quantity", {"operator": ">", "answerQuantity": {"value": 1, "unit": "kg"}}, {"value": 2, "unit": "m"}, False),
        (
            "reference",
            {"operator": "=", "answerReference": {"reference": "Patient/1"}},
            {"reference": "Patient/1"},
            True,
        ),
    ],
)
def test_answers_of_every_type_are_compared_by_what_they_mean(
    kind: str, condition: Json, answer: object, *, holds: bool
) -> None:
    assert is_asked(kind, condition, answer) is holds


@pytest.mark.parametrize(
    ("expected", "holds"),
    [
        ({"system": SYSTEM, "code": "a"}, True),
        ({"code": "a"}, True),
        ({"system": SYSTEM, "code": "a", "display": "Other words"}, True),
        ({"system": "urn:other", "code": "a"}, False),
        ({"system": SYSTEM, "code": "b"}, False),
    ],
)
def test_a_coding_is_known_by_code_and_system(expected: Json, *, holds: bool) -> None:
    options = {"answerOption": [option("a"), option("b")]}
    assert is_asked("choice", {"operator": "=", "answerCoding": expected}, "a", **options) is holds


@pytest.mark.parametrize(("behaviour", "asked"), [("all", [False, False, True]), ("any", [False, True, True])])
def test_several_conditions_hold_all_or_any(behaviour: str, asked: list[bool]) -> None:
    conditions = [when("a", "=", answerBoolean=True), when("b", "=", answerBoolean=True)]
    form = a_form(
        asking("a", "boolean"),
        asking("b", "boolean"),
        asking("then", "string", enableWhen=conditions, enableBehavior=behaviour),
    )
    given = [{"a": False, "b": False}, {"a": True, "b": False}, {"a": True, "b": True}]
    assert ["then" in shown(form, answers) for answers in given] == asked


def test_a_group_hides_all_that_is_inside() -> None:
    form = a_form(
        asking("a", "boolean"),
        group("g", group("h", asking("b", "string")), enableWhen=[when("a", "=", answerBoolean=True)]),
    )
    assert shown(form, {"a": False}) == {"a"}
    assert shown(form, {"a": True}) == {"a", "g", "h", "b"}


def test_a_condition_may_name_a_question_that_comes_later() -> None:
    form = a_form(asking("then", "string", enableWhen=[when("a", "=", answerBoolean=True)]), asking("a", "boolean"))
    assert [sorted(shown(form, {"a": said})) for said in (True, False)] == [["a", "then"], ["a"]]


def test_in_a_group_that_repeats_the_nearest_answer_counts_else_the_one_around() -> None:
    form = a_form(
        asking("all", "boolean"),
        group(
            "g",
            asking("a", "boolean"),
            asking("near", "string", enableWhen=[when("a", "=", answerBoolean=True)]),
            asking("far", "string", enableWhen=[when("all", "=", answerBoolean=True)]),
            repeats=True,
        ),
        asking("after", "string", enableWhen=[when("a", "=", answerBoolean=True)]),
    )

    def occurrence(*, said: bool) -> Json:
        answers = [answered("a", {"valueBoolean": said}), answered("near", {"valueString": "x"})]
        return {"linkId": "g", "item": [*answers, answered("far", {"valueString": "x"})]}

    given = response(
        answered("all", {"valueBoolean": True}),
        occurrence(said=False),
        occurrence(said=True),
        answered("after", {"valueString": "x"}),
    )
    assert wrong(check(form, Given.of_response(given))) == [("near", "not-shown")]


def test_what_was_left_out_in_one_occurrence_is_not_taken_from_another() -> None:
    then = asking("then", "string", enableWhen=[when("a", "exists", answerBoolean=True)])
    form = a_form(group("g", asking("a", "boolean"), then, repeats=True))
    assert wrong(plainly(form, {"g": [{"then": "x"}, {"a": True, "then": "x"}]})) == [("then", "not-shown")]


def test_what_is_asked_under_one_of_several_answers_hangs_on_that_answer() -> None:
    why = asking("why", "string", enableWhen=[when("topic", "=", answerString="other")])
    form = read_questionnaire(questionnaire(asking("topic", "string", repeats=True, item=[why])))
    inside = {"item": [answered("why", {"valueString": "x"})]}
    given = response(answered("topic", {"valueString": "other", **inside}, {"valueString": "pain", **inside}))
    assert wrong(check(form, Given.of_response(given))) == [("why", "not-shown")]


def test_a_chain_of_conditions_however_long_raises_nothing() -> None:
    items = [
        asking(f"q{place}", "boolean", enableWhen=[when(f"q{(place + 1) % 400}", "!=", answerBoolean=True)])
        for place in range(400)
    ]
    form = read_questionnaire(questionnaire(*items))
    given = Given.of_plain({f"q{place}": False for place in range(400)})
    assert check(form, given).issues == ()


def test_an_expression_may_say_what_is_asked() -> None:
    expression = {"language": "text/fhirpath", "expression": "%resource.item.where(linkId='a').answer.value > 3"}
    form = a_form(
        asking("a", "integer"),
        asking("then", "string", extension(known.ENABLE_WHEN_EXPRESSION, valueExpression=expression)),
    )
    assert [("then" in shown(form, answers)) for answers in ({}, {"a": 3}, {"a": 4})] == [False, False, True]


def test_what_helps_with_a_question_is_shown_with_it_and_what_is_asked_under_it_once_it_is_answered() -> None:
    form = a_form(asking("q", "boolean", item=[asking("help", "display"), asking("more", "string")]))
    assert [sorted(shown(form, answers)) for answers in ({}, {"q": True})] == [["help", "q"], ["help", "more", "q"]]
