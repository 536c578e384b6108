"""Answers to a form: given, skipped or not asked, in plain JSON and in FHIR."""

from typing import Any

import pytest

from services.intake.domain.questionnaires import (
    Disabled,
    Given,
    Severity,
    check,
    operation_outcome,
    read_questionnaire,
    shown,
    to_response,
)
from services.intake.domain.questionnaires import extensions as known
from shared.events import SkipReason
from tests.questionnaires import (
    SYSTEM,
    URL,
    Json,
    a_form,
    a_survey,
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

STOMA = asking("stoma", "boolean")
STOOLS = asking("stools", "integer", enableWhen=[when("stoma", "!=", answerBoolean=True)])
SURVEY = a_survey(
    group("bowels", STOMA, STOOLS), asking("score", "decimal", extension(known.HIDDEN, valueBoolean=True))
)


def in_fhir(form: Any, *items: Json, **parts: Any) -> list[tuple[str | None, str]]:
    return wrong(check(form, Given.of_response(response(*items, **parts))))


def test_a_question_is_answered_skipped_or_not_shown_and_the_three_are_told_apart() -> None:
    checked = plainly(SURVEY, {"stoma": True})
    assert (checked.issues, checked.answers, checked.skipped) == ((), {"stoma": True}, {})
    assert checked.not_shown == {"stools"}
    checked = plainly(SURVEY, {"stoma": False}, {"stools": "do-not-know"})
    assert (checked.issues, checked.answers) == ((), {"stoma": False})
    assert (checked.skipped, checked.not_shown) == ({"stools": SkipReason.DO_NOT_KNOW}, frozenset())


@pytest.mark.parametrize("reason", SkipReason)
def test_every_question_of_a_survey_may_be_skipped_for_any_reason(reason: SkipReason) -> None:
    checked = plainly(SURVEY, {}, {"stoma": reason, "stools": reason})
    assert (checked.issues, checked.skipped) == ((), {"stoma": reason, "stools": reason})


def test_a_survey_leaves_no_question_out_in_silence_but_asks_nobody_for_what_is_hidden() -> None:
    checked = plainly(SURVEY, {})
    assert wrong(checked) == [("stoma", "unexplained"), ("stools", "unexplained")]
    assert checked.issues[0].sentence() == "Answer this question, or choose why you skip it."
    assert checked.issues[0].sentence("es") == "Responda a esta pregunta o elija por qué la omite."


def test_a_plain_fhir_form_asks_only_for_what_is_required_and_only_where_it_is_shown() -> None:
    form = a_form(
        asking("a", "boolean"),
        asking("b", "string", required=True, enableWhen=[when("a", "=", answerBoolean=True)]),
    )
    assert wrong(plainly(form, {})) == []
    assert wrong(plainly(form, {"a": False})) == []
    assert wrong(plainly(form, {"a": True})) == [("b", "required")]
    skipped = plainly(form, {"a": True}, {"b": "do-not-know"})
    assert (wrong(skipped), skipped.skipped) == ([], {"b": "do-not-know"})


def test_what_is_required_in_a_group_that_was_left_out_is_not_missing() -> None:
    form = a_form(group("g", asking("a", "string", required=True), asking("b", "string")))
    assert in_fhir(form) == []
    assert in_fhir(form, {"linkId": "g"}) == [("a", "required")]
    assert wrong(plainly(form, {"b": "x"})) == [("a", "required")]
    required = a_form(group("g", asking("a", "string", required=True), required=True))
    assert in_fhir(required) == [("g", "required")]


def test_a_question_is_not_both_answered_and_skipped() -> None:
    assert wrong(plainly(SURVEY, {"stoma": True}, {"stoma": "do-not-know"})) == [("stoma", "answered-and-skipped")]


def test_a_reason_outside_the_vocabulary_is_refused_and_not_repeated() -> None:
    checked = plainly(SURVEY, {"stoma": False}, {"stools": "too personal, I am M.K."})
    assert wrong(checked) == [("stools", "unknown-reason")]
    assert "M.K." not in checked.issues[0].sentence()


def test_answers_to_what_is_not_shown_are_refused_or_stripped_and_reported() -> None:
    given = {"stoma": True, "stools": "many"}
    refused = plainly(SURVEY, given)
    assert (wrong(refused), refused.answers) == ([("stools", "not-shown")], {"stoma": True})
    stripped = plainly(SURVEY, given, disabled=Disabled.STRIP)
    assert (stripped.is_valid, stripped.answers, stripped.stripped) == (True, {"stoma": True}, ("stools",))
    assert [issue.severity for issue in stripped.issues] == [Severity.WARNING]


def test_what_hangs_on_an_answer_that_is_stripped_is_not_shown_either() -> None:
    last = asking("last", "string", enableWhen=[when("stools", ">", answerInteger=3)])
    form = a_survey(last, STOMA, STOOLS)
    checked = plainly(form, {"stoma": True, "stools": 5, "last": "x"}, disabled=Disabled.STRIP)
    assert (checked.answers, checked.stripped) == ({"stoma": True}, ("last", "stools"))


def test_errors_come_in_the_order_of_the_form_and_unknown_questions_last() -> None:
    checked = plainly(SURVEY, {"nobody": 1, "stools": "x", "stoma": "y"})
    assert wrong(checked) == [("stoma", "wrong-type"), ("stools", "wrong-type"), ("nobody", "unknown-question")]


def test_pages_ask_what_is_shown_after_some_answers() -> None:
    assert shown(SURVEY, {}) == {"bowels", "stoma", "stools", "score"}
    assert shown(SURVEY, {"stoma": True}) == {"bowels", "stoma", "score"}
    assert shown(SURVEY, {"stoma": True, "stools": "nonsense", "nobody": 1}) == {"bowels", "stoma", "score"}


@pytest.mark.parametrize(
    ("kind", "plain", "name", "value"),
    [
        ("boolean", False, "valueBoolean", False),
        ("integer", 3.0, "valueInteger", 3),
        ("decimal", 1.25, "valueDecimal", 1.25),
        ("date", "2026-11", "valueDate", "2026-11"),
        ("dateTime", "2026-11-26T09:30:00+01:00", "valueDateTime", "2026-11-26T09:30:00+01:00"),
        ("time", "09:30", "valueTime", "09:30:00"),
        ("string", "so so", "valueString", "so so"),
        ("text", "two\nlines", "valueString", "two\nlines"),
        ("url", "https://example.org/a", "valueUri", "https://example.org/a"),
        ("quantity", {"value": 2, "unit": "kg"}, "valueQuantity", {"value": 2, "unit": "kg"}),
        ("attachment", {"url": "https://example.org/a"}, "valueAttachment", {"url": "https://example.org/a"}),
        ("reference", {"reference": "Patient/1"}, "valueReference", {"reference": "Patient/1"}),
    ],
)
def test_each_type_is_read_from_plain_json_and_written_as_fhir(
    kind: str, plain: object, name: str, value: object
) -> None:
    form = a_form(asking("q", kind))
    given = Given.of_plain({"q": plain})
    assert check(form, given).issues == ()
    written = to_response(form, given)
    assert written["item"] == [answered("q", {name: value})]
    assert check(form, Given.of_response(written)).answers == check(form, given).answers


@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        ("boolean", ["yes", 1, 0, None]),
        ("integer", ["3", 2.5, True, 2**31, float("nan"), None, [1]]),
        ("decimal", ["3", True, float("nan"), float("inf"), 10**400]),
        ("date", ["26.11.2026", "2026-13", "2026-02-30", "0000", 2026, "2026-11-26T09:30:00Z"]),
        ("dateTime", ["2026-11-26T09:30:00", "2026-11-26T25:00:00Z", "2026-11-26 09:30:00Z", "now"]),
        ("time", ["24:00:00", "9:30", "09:60:00", "noon", 9]),
        ("string", ["", "  ", 3, "a\x00b", "\ud800", {"a": 1}]),
        ("url", ["example", "not an address", "https://exa mple.org", ""]),
        ("choice", ["", 3, {}, []]),
        ("quantity", [3, {"value": "3"}, {"unit": "kg"}, {"value": 3, "unit": 4}, {"value": 3, "comparator": "~"}]),
        ("attachment", ["file", {}, {"url": 3}, {"data": "YQ==", "size": -1}, {"data": "YQ==", "size": True}]),
        ("reference", ["Patient/1", {}, {"reference": 3}, {"identifier": "x"}]),
    ],
)
def test_values_of_another_type_are_told_what_was_expected(kind: str, refused: list[object]) -> None:
    form = a_form(asking("q", kind, **({"answerOption": [option("a")]} if kind == "choice" else {})))
    for value in refused:
        checked = plainly(form, {"q": value})
        assert wrong(checked) == [("q", "wrong-type")], value
        assert (checked.answers, checked.issues[0].code) == ({}, "value")


def test_a_choice_is_named_by_its_code_and_becomes_the_coding_of_its_option() -> None:
    form = a_form(asking("q", "choice", answerOption=[option("mild"), option("severe")]))
    given = Given.of_plain({"q": "mild"})
    assert check(form, given).answers == {"q": "mild"}
    coding = {"system": SYSTEM, "code": "mild", "display": "Mild"}
    assert to_response(form, given)["item"] == [answered("q", {"valueCoding": coding})]
    assert wrong(plainly(form, {"q": "Mild"})) == [("q", "not-offered")]


def test_an_open_choice_takes_other_words_too() -> None:
    form = a_form(asking("q", "open-choice", answerOption=[option("mild")]))
    assert to_response(form, Given.of_plain({"q": "it stings"}))["item"] == [
        answered("q", {"valueString": "it stings"})
    ]
    assert in_fhir(form, answered("q", {"valueCoding": {"system": SYSTEM, "code": "fierce"}})) == [("q", "not-offered")]


def test_options_may_be_words_and_numbers() -> None:
    words = a_form(asking("q", "string", answerOption=[{"valueString": "one"}, {"valueString": "two"}]))
    assert [wrong(plainly(words, {"q": said})) for said in ("two", "six")] == [[], [("q", "not-offered")]]
    numbers = a_form(asking("q", "choice", answerOption=[{"valueInteger": 1}, {"valueInteger": 2}]))
    assert to_response(numbers, Given.of_plain({"q": 2}))["item"] == [answered("q", {"valueInteger": 2})]
    assert [wrong(plainly(numbers, {"q": said})) for said in ("2", 3)] == [[], [("q", "not-offered")]]
    assert in_fhir(numbers, answered("q", {"valueInteger": 3})) == [("q", "not-offered")]


def test_a_quantity_with_one_unit_is_a_number_in_plain_json() -> None:
    kg = {"system": "http://unitsofmeasure.org", "code": "kg", "display": "kg"}
    form = a_form(asking("q", "quantity", extension(known.UNIT_OPTION, valueCoding=kg)))
    quantity = {"value": 70.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    assert to_response(form, Given.of_plain({"q": 70.5}))["item"] == [answered("q", {"valueQuantity": quantity})]


def test_a_question_that_repeats_has_a_list_and_any_other_one_answer() -> None:
    many = a_form(asking("q", "string", repeats=True))
    assert plainly(many, {"q": ["a", "b"]}).answers == {"q": ["a", "b"]}
    assert plainly(many, {"q": "a"}).answers == {"q": ["a"]}
    one = a_form(asking("q", "string"))
    assert wrong(plainly(one, {"q": ["a", "b"]})) == [("q", "wrong-type")]
    assert in_fhir(one, answered("q", {"valueString": "a"}, {"valueString": "b"})) == [("q", "one-only")]


def test_a_group_that_repeats_has_an_object_for_each_occurrence() -> None:
    reason = asking("why", "string", enableWhen=[when("took", "=", answerBoolean=False)])
    form = a_survey(group("medicine", asking("name", "string"), asking("took", "boolean"), reason, repeats=True))
    given = Given.of_plain(
        {
            "medicine": [
                {"name": "a", "took": True},
                {"name": "b", "took": False, "skipped": {"why": "prefer-not-to-say"}},
            ]
        }
    )
    checked = check(form, given)
    assert (checked.issues, checked.answers) == ((), given.answers)
    assert check(form, Given.of_response(to_response(form, given))).answers == given.answers
    missing = plainly(form, {"medicine": [{"name": "a", "took": False}, {"name": "b", "took": True, "why": "x"}]})
    assert wrong(missing) == [("why", "unexplained"), ("why", "not-shown")]
    assert wrong(plainly(form, {"name": "a"})) == [("name", "misplaced")]
    assert wrong(plainly(form, {"medicine": "a"})) == [("medicine", "unreadable")]


def test_what_is_asked_under_an_answer_is_asked_once_there_is_one() -> None:
    form = a_form(asking("smokes", "boolean", item=[asking("packs", "integer", required=True)]))
    assert wrong(plainly(form, {})) == []
    assert wrong(plainly(form, {"smokes": True})) == [("packs", "required")]
    assert wrong(plainly(form, {"packs": 1})) == [("packs", "not-shown")]
    given = Given.of_plain({"smokes": True, "packs": 1})
    written = to_response(form, given)
    assert written["item"] == [
        answered("smokes", {"valueBoolean": True, "item": [answered("packs", {"valueInteger": 1})]})
    ]
    assert check(form, Given.of_response(written)).answers == {"smokes": True, "packs": 1}


def test_each_answer_of_a_repeating_question_has_its_own_questions() -> None:
    form = read_questionnaire(
        questionnaire(asking("child", "string", repeats=True, item=[asking("age", "integer", required=True)]))
    )
    first = {"valueString": "a", "item": [answered("age", {"valueInteger": 3})]}
    assert in_fhir(form, answered("child", first, {"valueString": "b"})) == [("age", "required")]
    second = {"valueString": "b", "item": [answered("age", {"valueString": "x"})]}
    assert in_fhir(form, answered("child", first, second)) == [("age", "wrong-type")]


def test_a_skip_is_an_answer_without_a_value_in_fhir() -> None:
    given = Given.of_plain({"stoma": False}, {"stools": "prefer-not-to-say"})
    written = to_response(SURVEY, given, {"subject": {"reference": "Patient/1"}})
    reason = {"extension": [{"url": known.DATA_ABSENT_REASON, "valueCode": "asked-declined"}]}
    assert written == {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{URL}|1.0",
        "status": "completed",
        "subject": {"reference": "Patient/1"},
        "item": [
            {"linkId": "bowels", "item": [answered("stoma", {"valueBoolean": False}), answered("stools", reason)]}
        ],
    }
    checked = check(SURVEY, Given.of_response(written))
    assert (checked.issues, checked.skipped) == ((), {"stools": SkipReason.PREFER_NOT_TO_SAY})
    beside = answered("stools", {"_valueInteger": reason})
    again = response({"linkId": "bowels", "item": [answered("stoma", {"valueBoolean": False}), beside]})
    assert check(SURVEY, Given.of_response(again)).skipped == checked.skipped


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([answered("nobody", {"valueString": "x"})], [("nobody", "unknown-question")]),
        ([answered("stoma", {"valueBoolean": True})], [("stoma", "misplaced")]),
        ([{"linkId": "bowels", "answer": [{"valueString": "x"}]}], [("bowels", "takes-no-answer")]),
        ([{"linkId": "bowels"}, {"linkId": "bowels"}], [("bowels", "one-only")]),
        ([{}], [(None, "unreadable")]),
        (["x"], [(None, "unreadable")]),
        ([{"linkId": "bowels", "item": [{"linkId": "stoma", "answer": []}]}], [("stoma", "unreadable")]),
        ([{"linkId": "bowels", "item": [{"linkId": "stoma", "answer": None}]}], [("stoma", "unreadable")]),
        ([{"linkId": "bowels", "item": [{"linkId": "stoma", "answer": ["x"]}]}], [("stoma", "unreadable")]),
        ([{"linkId": "bowels", "item": [{"linkId": "stoma", "answer": [{}]}]}], [("stoma", "unreadable")]),
        ([{"linkId": "bowels", "item": [{"linkId": "stoma", "item": []}]}], [("stoma", "unreadable")]),
        ([{"linkId": "bowels", "item": None}], [(None, "unreadable")]),
        (
            [{"linkId": "bowels", "item": [answered("stoma", {"valueBoolean": True, "valueString": "x"})]}],
            [("stoma", "unreadable")],
        ),
        (
            [{"linkId": "bowels", "item": [answered("stoma", {"valueBoolean": True}), {"linkId": "stoma"}]}],
            [("stoma", "unreadable")],
        ),
    ],
)
def test_what_does_not_stand_as_fhir_asks_for_is_named(items: list[Any], expected: list[tuple[str, str]]) -> None:
    form = a_form(group("bowels", STOMA))
    assert in_fhir(form, *items) == expected


@pytest.mark.parametrize("canonical", [f"{URL}|2.0", "https://samepage.example/other", 3])
def test_a_response_to_another_form_or_version_is_that_and_nothing_else(canonical: object) -> None:
    assert in_fhir(SURVEY, answered("x", {"valueString": "y"}), questionnaire=canonical) == [(None, "another-form")]


def test_a_response_needs_a_status_and_a_draft_may_lack_answers() -> None:
    assert in_fhir(SURVEY, status="in-progress") == []
    assert in_fhir(SURVEY, status="done")[0] == (None, "unreadable")
    assert in_fhir(SURVEY, status="in-progress", authored="yesterday") == [(None, "unreadable")]


def test_the_outcome_names_each_item_with_its_place_and_says_so_when_all_is_well() -> None:
    (issue,) = operation_outcome(plainly(SURVEY, {"stoma": "no"}, {"stools": "do-not-know"}).issues)["issue"]
    assert issue == {
        "severity": "error",
        "code": "value",
        "details": {"text": "The answer must be yes or no (true or false)."},
        "diagnostics": "linkId stoma",
        "expression": ["QuestionnaireResponse.item.where(linkId='bowels').item.where(linkId='stoma')"],
    }
    assert [issue["severity"] for issue in operation_outcome([])["issue"]] == ["information"]


def test_a_hidden_item_that_is_required_must_be_sent_also_where_the_form_asks_people_for_reasons() -> None:
    hidden = extension(known.HIDDEN, valueBoolean=True)
    items = asking("source", "string", hidden, required=True), asking("note", "string", hidden)
    for form in (a_form(*items), a_survey(*items)):
        assert wrong(plainly(form, {})) == [("source", "required")]
        assert wrong(plainly(form, {"source": "device"})) == []
