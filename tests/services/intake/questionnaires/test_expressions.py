"""Rules in FHIRPath: what must hold, what is calculated, what is filled in beforehand."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.domain.questionnaires import (
    Given,
    UnsoundDefinition,
    calculate,
    check,
    populate,
    read_questionnaire,
)
from services.intake.domain.questionnaires import extensions as known
from services.intake.domain.questionnaires.expressions import NotEvaluated, evaluate, holds, wrong_with
from services.intake.domain.questionnaires.steps import Steps
from tests.questionnaires import (
    SYSTEM,
    Json,
    a_form,
    answered,
    asking,
    calculated,
    constraint,
    extension,
    group,
    option,
    plainly,
    questionnaire,
    response,
    value_of,
    when,
    wrong,
)

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
NOBODY = frozenset[str]()


def initial(expression: str) -> Json:
    return extension(known.INITIAL_EXPRESSION, valueExpression={"language": "text/fhirpath", "expression": expression})


def filled(form: Any, *arguments: Any) -> dict[str, object]:
    """What a form is begun with, as plain answers."""
    begun = populate(form, *arguments, at=NOW)
    assert begun["status"] == "in-progress"
    checked = check(form, Given.of_response(begun))
    assert checked.issues == ()
    return dict(checked.answers)


def test_a_constraint_of_the_form_is_told_in_its_own_words() -> None:
    rule = constraint(f"{value_of('begin')} <= {value_of('end')}")
    form = a_form(asking("begin", "date"), asking("end", "date"), extension=[rule])
    assert plainly(form, {"begin": "2026-01-01", "end": "2026-01-02"}).issues == ()
    (issue,) = plainly(form, {"begin": "2026-01-03", "end": "2026-01-02"}).issues
    assert (issue.link_id, issue.code, issue.sentence()) == (None, "invariant", "The dates do not fit.")


def test_a_constraint_of_an_item_is_about_each_place_where_it_is_answered() -> None:
    form = a_form(group("g", asking("q", "integer", constraint("answer.value < 3")), repeats=True))
    assert wrong(plainly(form, {"g": [{"q": 1}, {"q": 3}, {"q": 5}]})) == [("q", "constraint")]
    assert wrong(plainly(form, {"g": [{"q": 1}, {}]})) == []


def test_a_constraint_that_finds_nothing_is_kept_and_one_that_is_a_warning_is_no_error() -> None:
    form = a_form(asking("q", "integer", constraint("answer.value < 3", severity="warning")), asking("r", "integer"))
    assert plainly(form, {"r": 1}).issues == ()
    checked = plainly(form, {"q": 4})
    assert (wrong(checked), checked.is_valid) == ([("q", "constraint")], True)
    assert [holds(found) for found in ([], [True], [False], ["x"])] == [True, True, False, True]
    with pytest.raises(NotEvaluated):
        holds([True, True])


def test_a_constraint_that_cannot_be_evaluated_is_not_passed_over() -> None:
    form = a_form(asking("q", "string", constraint("answer.value + 1 = 2")))
    assert wrong(plainly(form, {"q": "x"})) == [("q", "not-evaluated")]


def test_variables_are_named_once_and_used_by_the_form_and_its_items() -> None:
    total = extension(
        known.VARIABLE, valueExpression={"name": "total", "expression": "%resource.item.answer.value.sum()"}
    )
    form = a_form(
        asking("a", "integer"),
        asking("b", "integer", constraint("%total < 5")),
        extension=[total, constraint("%total > 1")],
    )
    assert wrong(plainly(form, {"a": 1, "b": 2})) == []
    assert wrong(plainly(form, {"a": 1, "b": 4})) == [("b", "constraint")]
    assert wrong(plainly(form, {"a": 1})) == [(None, "constraint")]


def test_a_group_names_variables_for_what_is_inside() -> None:
    half = extension(known.VARIABLE, valueExpression={"name": "half", "expression": "item.answer.value.sum() / 2"})
    form = a_form(group("g", asking("a", "integer"), asking("b", "integer", constraint("%half < 5")), extension=[half]))
    assert [wrong(plainly(form, {"a": 4, "b": said})) for said in (5, 6)] == [[], [("b", "constraint")]]


def test_what_a_group_names_in_one_occurrence_is_not_known_in_another() -> None:
    most = extension(
        known.VARIABLE, valueExpression={"name": "most", "expression": "item.where(linkId='a').answer.value"}
    )
    asked = asking("a", "integer"), asking("b", "integer", constraint("answer.value <= %most"))
    form = a_form(group("g", *asked, repeats=True, extension=[most]))
    assert wrong(plainly(form, {"g": [{"a": 9, "b": 9}, {"a": 1, "b": 5}]})) == [("b", "constraint")]
    assert wrong(plainly(form, {"g": [{"a": 1, "b": 1}, {"a": 9, "b": 5}]})) == []


def test_a_score_is_calculated_from_weights() -> None:
    offered = [
        option("no", extension(known.WEIGHTS[1], valueDecimal=0)),
        option("yes", extension(known.WEIGHTS[0], valueDecimal=2)),
    ]
    form = a_form(
        asking("a", "choice", answerOption=offered),
        asking("b", "choice", answerOption=offered),
        asking("total", "integer", calculated("%resource.item.answer.value.weight().sum()"), readOnly=True),
        asking("double", "decimal", calculated(f"{value_of('total')} * 2.5")),
    )
    assert calculate(form, Given.of_plain({"a": "yes", "b": "yes"})) == {"total": 4, "double": 10}
    assert calculate(form, Given.of_plain({"a": "no"})) == {"total": 0, "double": 0}
    assert wrong(plainly(form, {"a": "yes", "b": "no", "total": 2})) == []
    assert wrong(plainly(form, {"a": "yes", "b": "no", "total": 4})) == [("total", "calculated")]
    assert wrong(plainly(form, {"a": "yes", "b": "no", "double": 4})) == []


def test_what_is_not_shown_counts_for_no_score() -> None:
    form = a_form(
        asking("a", "boolean"),
        asking("b", "integer", enableWhen=[when("a", "=", answerBoolean=True)]),
        asking("total", "integer", calculated("%resource.item.where(linkId='b').answer.value.sum()")),
    )
    assert calculate(form, Given.of_plain({"a": False, "b": 7})) == {"total": 0}


def test_no_expression_reads_a_clock() -> None:
    assert evaluate("today()", {}, {}, NOW, Steps()) == ["2026-11-26"]
    assert evaluate("now()", {}, {}, NOW, Steps()) == ["2026-11-26T09:30:00.000+00:00"]
    with pytest.raises(NotEvaluated):
        evaluate("today()", {}, {}, None, Steps())
    form = a_form(asking("born", "date", constraint("answer.value <= today()")))
    given = Given.of_plain({"born": "2026-11-27"})
    assert [wrong(check(form, given, at=at)) for at in (NOW, None)] == [
        [("born", "constraint")],
        [("born", "not-evaluated")],
    ]


def test_patterns_in_expressions_take_no_more_than_linear_time() -> None:
    assert evaluate("'aaa'.matches('^a+$')", {}, {}, None, Steps()) == [True]
    assert evaluate("'baab'.matches('a+')", {}, {}, None, Steps()) == [True]
    assert evaluate(f"'{'a' * 3_000}'.matches('(a+)+b')", {}, {}, None, Steps()) == [False]
    with pytest.raises(NotEvaluated):
        evaluate("'a'.matches('(?=a)')", {}, {}, None, Steps())


@pytest.mark.parametrize("expression", ["", "1 +", "(((", "a b", "#", "1 = 1 = 1 x", "x" * 4_001, "(" * 2_000])
def test_expressions_that_do_not_parse_are_told(expression: str) -> None:
    assert wrong_with(expression, NOBODY) is not None


def test_numbers_are_summed_and_compared_whatever_they_were_read_from() -> None:
    given = response(answered("a", {"valueInteger": 3}, {"valueDecimal": 1.5}))
    found = [evaluate(f"item.answer.value.{name}()", given, {}, None, Steps()) for name in ("sum", "min", "max", "avg")]
    assert [float(one) for (one,) in found] == [4.5, 1.5, 3, 2.25]
    assert evaluate("item.answer.value.where($this > 9).max()", given, {}, None, Steps()) == []


def test_a_form_is_begun_with_what_it_fixes_and_what_it_finds_in_resources() -> None:
    launch = extension(
        known.LAUNCH_CONTEXT,
        extension=[extension("name", valueCoding={"code": "patient"}), extension("type", valueCode="Patient")],
    )
    form = a_form(
        asking("born", "date", initial("%patient.birthDate")),
        asking("day", "date", initial("today()")),
        asking("sex", "choice", initial("%patient.gender"), answerOption=[option("female"), option("male")]),
        asking("fixed", "string", initial=[{"valueString": "as it is"}]),
        asking("picked", "choice", answerOption=[option("a"), option("b", initialSelected=True)]),
        asking("broken", "integer", initial("%patient.birthDate")),
        asking("years", "integer", calculated("2 + 2")),
        extension=[launch],
    )
    patient = {"resourceType": "Patient", "birthDate": "1990-02-01", "gender": "female"}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": patient}]}
    assert filled(form, None, [bundle]) == {
        "born": "1990-02-01",
        "day": "2026-11-26",
        "sex": "female",
        "fixed": "as it is",
        "picked": "b",
        "years": 4,
    }


def test_the_newest_observation_that_is_young_enough_fills_a_coded_question() -> None:
    code = {"system": "http://loinc.org", "code": "29463-7"}
    period = extension(
        known.OBSERVATION_LINK_PERIOD, valueDuration={"value": 1, "system": "http://unitsofmeasure.org", "code": "mo"}
    )
    unit = extension(known.UNIT, valueCoding={"system": "http://unitsofmeasure.org", "code": "kg"})
    form = a_form(asking("weight", "decimal", period, unit, code=[code]), asking("other", "decimal", period))

    def weighed(taken: str, value: float, unit: str = "kg") -> Json:
        quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
        return {
            "resourceType": "Observation",
            "code": {"coding": [code]},
            "effectiveDateTime": taken,
            "valueQuantity": quantity,
        }

    observations = [weighed("2026-11-20", 71), weighed("2026-11-22", 72.5), weighed("2026-11-24", 160, "[lb_av]")]
    assert filled(form, None, observations) == {"weight": 72.5}
    assert filled(form, None, [weighed("2026-10-01", 71), weighed("2026-12-01", 70)]) == {}


def test_the_last_answers_are_taken_over_where_the_form_says_so_and_they_still_fit() -> None:
    again = extension(known.FROM_LAST, valueBoolean=True)
    form = a_form(
        asking("stoma", "boolean", again),
        asking("pain", "integer"),
        asking("gone", "choice", again, answerOption=[option("a")]),
        asking("hidden", "string", again, enableWhen=[when("stoma", "=", answerBoolean=False)]),
    )
    last = response(
        answered("stoma", {"valueBoolean": True}),
        answered("pain", {"valueInteger": 3}),
        answered("gone", {"valueCoding": {"system": SYSTEM, "code": "b"}}),
        answered("hidden", {"valueString": "x"}),
        questionnaire="https://samepage.example/fhir/Questionnaire/test|0.9",
    )
    assert filled(form, last) == {"stoma": True}


TEN = "(1|2|3|4|5|6|7|8|9|10)"
NESTED = TEN + f".select({TEN}" * 6 + ")" * 6 + ".exists()"
ENDLESS = ("1.repeat($this+1).exists()", "1.repeat(iif($this < 1000000, $this + 1, {})).exists()")


@pytest.mark.parametrize("expression", ENDLESS)
def test_what_may_run_for_ever_is_refused_with_the_form_in_words(expression: str) -> None:
    with pytest.raises(UnsoundDefinition, match=r"repeat\(\) may run without an end: it takes names of elements only"):
        a_form(asking("a", "string", constraint(expression)))


def test_what_only_leads_inward_may_be_repeated() -> None:
    names = "%resource.repeat(item | answer.item).linkId contains 'b'"
    form = a_form(group("g", asking("a", "string"), asking("b", "string")), extension=[constraint(names)])
    inside = {"linkId": "g", "item": [answered("b", {"valueString": "yes"})]}
    assert wrong(check(form, Given.of_response(response(inside)))) == []
    assert wrong(plainly(form, {"a": "yes"})) == [(None, "constraint")]


@pytest.mark.parametrize(
    "expression",
    [
        *ENDLESS,
        NESTED,
        "(1|2)" + ".select($this.combine($this))" * 60 + ".exists()",
        "%resource" + ".select(%resource.combine(%resource))" * 60 + ".descendants().exists()",
        "'aaaa'" + ".select($this & $this)" * 60 + " = 'a'",
        "99999" + ".select($this * $this)" * 60 + " = 1",
        "10.power(999999).toInteger() = 1",
        "1.5.round(999999) = 1",
        "'aaaa'{0}.replace('a', 'aaaa'{0}) = 'a'".format(".select($this & $this)" * 12),
    ],
)
def test_an_expression_ends_after_so_many_steps_and_the_refusal_names_it(expression: str) -> None:
    form = read_questionnaire(questionnaire(asking("a", "string"), extension=[constraint(expression)]))
    checked = plainly(form, {"a": "kept"})
    assert wrong(checked) == [(None, "too-costly")]
    assert expression[:100] in checked.errors[0].sentence()
    assert checked.answers == {"a": "kept"}


def test_all_expressions_of_a_form_share_the_steps_and_the_first_that_has_too_few_is_named() -> None:
    costly = f"{TEN}.select({TEN}.select({TEN}.count()).count()).exists()"
    conditions = [extension(known.ENABLE_WHEN_EXPRESSION, valueExpression={"expression": costly})]
    form = a_form(*(asking(f"a{number}", "string", *conditions) for number in range(100)))
    assert wrong(plainly(form, {"a0": "first"})) == [(None, "too-costly")]
    assert wrong(plainly(a_form(asking("a0", "string", *conditions)), {"a0": "first"})) == []


def test_patterns_are_written_out_and_tried_when_the_form_comes_in() -> None:
    said = "matches() takes a pattern that is written out, without looking around or back, and not too large"
    for pattern in ("'a' & $index.toString()", "'(?=a)'", r"'\\w{1000}'"):
        assert wrong_with(f"'a'.matches({pattern})", NOBODY) == said
    assert wrong_with("'a'.matches('^a+$')", NOBODY) is None


def test_nothing_that_was_answered_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    given = response(answered("a", {"valueString": "secret"}))
    assert evaluate("item.answer.value.trace('words').exists()", given, {}, None, Steps()) == [True]
    assert capsys.readouterr().out == ""
