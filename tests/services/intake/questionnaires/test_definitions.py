"""Questionnaires as definitions: what is read out of them, and what is refused."""

import dataclasses
from typing import Any

import pytest

from services.intake.domain.questionnaires import (
    Coding,
    Definition,
    UnsoundDefinition,
    compile_questionnaire,
    read_questionnaire,
)
from services.intake.domain.questionnaires import extensions as known
from tests.questionnaires import SYSTEM, URL, Json, a_form, asking, extension, group, option, questionnaire, when


def translated(**words: str) -> Json:
    """What stands beside a primitive: its words in other languages."""
    return {
        "extension": [
            extension(
                known.TRANSLATION,
                extension=[extension("lang", valueCode=language), extension("content", valueString=said)],
            )
            for language, said in words.items()
        ]
    }


def refused(*items: Json, **parts: Any) -> list[tuple[str | None, str]]:
    """Why a form was not taken, by item."""
    with pytest.raises(UnsoundDefinition) as unsound:
        compile_questionnaire(questionnaire(*items, **parts))
    return [(issue.link_id, issue.sentence()) for issue in unsound.value.issues]


@pytest.fixture(scope="module")
def form() -> Definition:
    hidden, exclusive = extension(known.HIDDEN, valueBoolean=True), extension(known.OPTION_EXCLUSIVE, valueBoolean=True)
    control = {"coding": [{"code": "help"}]}
    helping = asking(
        "pain-help", "display", extension(known.ITEM_CONTROL, valueCodeableConcept=control), text="Think of the week."
    )
    return a_form(
        group(
            "bowels",
            asking(
                "pain", "choice", item=[helping], answerOption=[option("none", exclusive), option("some")], prefix="1"
            ),
            asking("score", "decimal", hidden, readOnly=True),
            _text=translated(es="Intestino"),
        ),
        asking("note", "text", repeats=True, required=True),
        _title=translated(es="Prueba"),
        code=[{"system": SYSTEM, "code": "panel"}],
        extension=[extension(known.INSTRUMENT, valueCanonical="pro-3-cd|1.0")],
    )


def test_a_definition_is_known_by_its_url_and_version(form: Definition) -> None:
    assert (form.key, form.status) == (f"{URL}|1.0", "active")
    assert form.instruments == ("pro-3-cd|1.0",)
    assert form.codes == (Coding(SYSTEM, "panel"),)


def test_items_stand_in_a_tree_and_are_found_by_their_id(form: Definition) -> None:
    assert list(form.by_id) == ["bowels", "pain", "pain-help", "score", "note"]
    assert [section.link_id for section in form.sections] == ["bowels"]
    assert form.by_id["pain"].ancestors == ("bowels",)
    assert (form.by_id["note"].repeats, form.by_id["note"].required) == (True, True)
    assert [item.link_id for item in form.walk() if item.is_asked] == ["pain", "note"]


def test_words_are_said_in_a_language_or_as_they_stand(form: Definition) -> None:
    bowels = form.by_id["bowels"]
    assert [bowels.text(language) for language in ("en", "es", "other")] == ["bowels", "Intestino", "bowels"]
    assert (form.title("es"), form.title("en")) == ("Prueba", "Test")
    assert (form.by_id["pain"].help("en"), form.by_id["pain"].prefix) == ("Think of the week.", "1")


def test_options_carry_their_code_words_and_whether_they_stand_alone(form: Definition) -> None:
    options = form.by_id["pain"].options or ()
    assert [(one.code, one.text("en"), one.is_exclusive) for one in options] == [
        ("none", "None", True),
        ("some", "Some", False),
    ]


def test_a_definition_cannot_be_changed(form: Definition) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        form.version = "2.0"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        form.by_id["pain"].required = True  # type: ignore[misc]


@pytest.mark.parametrize("weight", known.WEIGHTS)
def test_weights_are_found_on_the_option_its_coding_or_the_code_system(weight: str) -> None:
    def worth(value: float) -> list[Json]:
        return [extension(weight, valueDecimal=value)]

    on_coding = {"valueCoding": {"system": SYSTEM, "code": "b", "extension": worth(2)}}
    system = {"resourceType": "CodeSystem", "url": SYSTEM, "concept": [{"code": "c", "extension": worth(3)}]}
    options = [option("a", *worth(1)), on_coding, option("c"), option("d")]
    form = a_form(asking("q", "choice", answerOption=options), contained=[system])
    assert [one.weight for one in form.by_id["q"].options or ()] == [1, 2, 3, None]


def test_a_contained_value_set_gives_the_options_with_their_translations_and_weights() -> None:
    concepts = [
        {"code": "a", "display": "Apple", "designation": [{"language": "es", "value": "Manzana"}]},
        {"code": "b", "display": "Pear", "extension": [extension(known.WEIGHTS[1], valueDecimal=2)]},
        {"code": "x", "display": "Left out"},
    ]
    fruit = {
        "resourceType": "ValueSet",
        "id": "fruit",
        "url": "https://samepage.example/fhir/ValueSet/fruit",
        "compose": {
            "include": [{"system": SYSTEM, "concept": concepts}],
            "exclude": [{"system": SYSTEM, "concept": [{"code": "x"}]}],
        },
    }
    for address in ("#fruit", "https://samepage.example/fhir/ValueSet/fruit|1.0"):
        form = a_form(asking("q", "choice", answerValueSet=address), contained=[fruit])
        options = form.by_id["q"].options or ()
        assert [(one.code, one.text("es"), one.weight) for one in options] == [("a", "Manzana", None), ("b", "Pear", 2)]


def test_a_whole_code_system_and_an_expansion_are_listed_when_they_are_contained() -> None:
    system = {"resourceType": "CodeSystem", "url": SYSTEM, "concept": [{"code": "a", "concept": [{"code": "b"}]}]}
    composed = {"resourceType": "ValueSet", "id": "v", "compose": {"include": [{"system": SYSTEM}]}}
    expanded = {
        "resourceType": "ValueSet",
        "id": "w",
        "expansion": {"contains": [{"system": SYSTEM, "code": "a", "abstract": True, "contains": [{"code": "b"}]}]},
    }
    form = a_form(
        asking("q", "choice", answerValueSet="#v"),
        asking("r", "choice", answerValueSet="#w"),
        contained=[system, composed, expanded],
    )
    assert [[one.code for one in form.by_id[name].options or ()] for name in "qr"] == [["a", "b"], ["b"]]


def test_a_list_of_answers_that_needs_a_terminology_server_is_refused() -> None:
    filtered = {
        "resourceType": "ValueSet",
        "id": "v",
        "compose": {"include": [{"system": SYSTEM, "filter": [{"property": "a", "op": "=", "value": "b"}]}]},
    }
    sentence = "The value set #v must be contained in the form, with its codes listed."
    assert refused(asking("q", "choice", answerValueSet="#v"), contained=[filtered]) == [("q", sentence)]
    assert refused(asking("q", "choice", answerValueSet="#v")) == [("q", sentence)]


def many_codes(count: int) -> Json:
    concepts = [{"code": f"c{place}"} for place in range(count)]
    return {"resourceType": "ValueSet", "id": "v", "compose": {"include": [{"system": SYSTEM, "concept": concepts}]}}


def test_a_value_set_is_listed_once_however_many_items_name_it() -> None:
    form = a_form(*(asking(name, "choice", answerValueSet="#v") for name in "qr"), contained=[many_codes(3)])
    assert form.by_id["q"].options is form.by_id["r"].options


def test_a_form_offers_only_so_many_answers_over_all_its_items() -> None:
    sentence = [(None, "A form offers at most 100,000 answers over all its items.")]
    choices = [asking(f"q{place}", "choice", answerValueSet="#v") for place in range(101)]
    assert len(a_form(*choices[:100], contained=[many_codes(1_000)]).by_id) == 100
    assert refused(*choices, contained=[many_codes(1_000)]) == sentence
    unit = extension(known.UNIT_VALUE_SET, valueCanonical="#v")
    measured = [asking(f"q{place}", "quantity", unit) for place in range(101)]
    assert refused(*measured, contained=[many_codes(1_000)]) == sentence
    options = [option(f"c{place}") for place in range(1_000)]
    assert refused(*(asking(f"q{place}", "choice", answerOption=options) for place in range(101))) == sentence


def test_a_whole_code_system_included_again_and_again_is_refused() -> None:
    system = {"resourceType": "CodeSystem", "url": SYSTEM, "concept": [{"code": f"c{n}"} for n in range(1_000)]}
    value_set = {"resourceType": "ValueSet", "id": "v", "compose": {"include": [{"system": SYSTEM}] * 10_000}}
    found = refused(asking("q", "choice", answerValueSet="#v"), contained=[system, value_set])
    assert found == [(None, "A form offers at most 100,000 answers over all its items.")]


def test_ids_must_be_there_and_differ() -> None:
    assert refused({"type": "string"}) == [(None, "Each item needs a linkId.")]
    twice = refused(asking("a", "string"), group("g", asking("a", "string")))
    assert twice == [("a", "The linkId a is used 2 times.")]


def test_conditions_must_name_a_question_of_the_form_that_can_be_answered() -> None:
    unknown = asking("a", "string", enableWhen=[when("b", "exists", answerBoolean=True)])
    assert refused(unknown) == [("a", "enableWhen names b, which is not in the form.")]
    about_words = asking("a", "string", enableWhen=[when("b", "exists", answerBoolean=True)])
    assert refused(about_words, asking("b", "display")) == [("a", "enableWhen names b, which takes no answers.")]


@pytest.mark.parametrize(
    "answer",
    [
        {"answerCoding": {"system": SYSTEM, "code": "c"}},
        {"answerString": "a"},
        {"answerInteger": 1},
        {"answerQuantity": {"value": 1}},
    ],
)
def test_conditions_must_compare_with_what_can_be_an_answer(answer: Json) -> None:
    question = asking("q", "choice", answerOption=[option("a"), option("b")])
    sentence = "enableWhen compares q with what can be no answer to it."
    assert refused(question, asking("then", "string", enableWhen=[when("q", "=", **answer)])) == [("then", sentence)]


def test_conditions_must_be_whole_and_say_how_several_go_together() -> None:
    missing = asking("a", "string", enableWhen=[when("b", "like", answerString="x")])
    operators = "enableWhen needs an answer, and an operator of exists, =, !=, >, <, >=, <=."
    assert refused(missing, asking("b", "string")) == [("a", operators)]
    conditions = [when("b", "=", answerString="x"), when("b", "=", answerString="y")]
    several = refused(asking("a", "string", enableWhen=conditions), asking("b", "string"))
    assert several == [("a", "An item with several enableWhen needs enableBehavior all or any.")]
    exists = asking("a", "string", enableWhen=[when("b", "exists", answerString="yes")])
    assert refused(exists, asking("b", "string")) == [("a", "enableWhen with the operator exists needs answerBoolean.")]


def test_conditions_must_not_lead_in_a_circle() -> None:
    found = refused(
        asking("a", "boolean", enableWhen=[when("b", "exists", answerBoolean=True)]),
        asking("b", "boolean", enableWhen=[when("a", "exists", answerBoolean=True)]),
        asking("c", "boolean", enableWhen=[when("b", "exists", answerBoolean=True)]),
    )
    assert found == [(name, "The conditions of this item lead back to it.") for name in "ab"]
    inside = group("g", asking("q", "boolean"), enableWhen=[when("q", "exists", answerBoolean=True)])
    assert ("g", "The conditions of this item lead back to it.") in refused(inside)


def test_conditions_that_look_ahead_must_not_lead_too_far() -> None:
    def chain(length: int) -> list[Json]:
        links = [
            asking(f"q{place}", "boolean", enableWhen=[when(f"q{place + 1}", "=", answerBoolean=True)])
            for place in range(length)
        ]
        return [*links, asking(f"q{length}", "boolean")]

    assert refused(*chain(60)) == [(None, "Conditions that look ahead may lead through at most 50 items.")]
    assert a_form(*chain(40)).flaws == ()
    assert a_form(*reversed(chain(60))).flaws == (), "what only looks back is known already"


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (asking("q", "choice"), "An item of type choice needs answerOption or answerValueSet."),
        (asking("q", "question"), "The type question is abstract: choose the type of the answer."),
        (group("q"), "A group needs at least one item."),
        (
            asking("q", "choice", answerOption=[option("a"), option("a")]),
            "The options must have different codes.",
        ),
        (
            asking("q", "choice", answerOption=[{"valueReference": {"reference": "Patient/1"}}]),
            "Each answerOption needs a coding, a string, a whole number, a date or a time.",
        ),
        (
            asking("q", "string", extension(known.REGEX, valueString="(a)\\1")),
            "The regex cannot be used: not a pattern without looking around or back, or too large a one.",
        ),
        (
            asking("q", "string", extension(known.REGEX, valueString="a)|(b")),
            "The regex cannot be used: not a pattern without looking around or back, or too large a one.",
        ),
        (
            asking(
                "q",
                "integer",
                extension(known.MIN_VALUE, valueInteger=3),
                extension(known.MAX_VALUE, valueInteger=2),
            ),
            "The lowest that is allowed must not be above the highest.",
        ),
        (
            asking("q", "integer", extension(known.MIN_VALUE, valueDate="2026-01-01")),
            "The lowest or highest value of an item of type integer must be of its type.",
        ),
        (asking("q", "boolean", initial=[{"valueString": "yes"}]), "The initial value is not of the type of the item."),
        (asking("q", "display", initial=[{"valueString": "yes"}]), "The initial value is not of the type of the item."),
        (
            asking("q", "integer", extension(known.CALCULATED_EXPRESSION, valueExpression={"expression": "1 +"})),
            "An expression cannot be evaluated: it does not parse.",
        ),
        (
            asking("q", "integer", extension(known.CALCULATED_EXPRESSION, valueExpression={"expression": "1 2"})),
            "An expression cannot be evaluated: it does not parse.",
        ),
        (
            asking("q", "integer", extension(known.CALCULATED_EXPRESSION, valueExpression={"expression": "%nobody"})),
            "An expression cannot be evaluated: there is no variable %nobody.",
        ),
        (
            asking("q", "integer", extension(known.CALCULATED_EXPRESSION, valueExpression={"expression": "dance()"})),
            "An expression cannot be evaluated: there is no function dance().",
        ),
        (
            asking(
                "q",
                "string",
                extension(known.CALCULATED_EXPRESSION, valueExpression={"expression": "'a'.replaceMatches('a', 'b')"}),
            ),
            "An expression cannot be evaluated: there is no function replaceMatches().",
        ),
        (
            asking("q", "integer", extension(known.INITIAL_EXPRESSION, valueExpression={"language": "text/cql"})),
            "An expression must be FHIRPath (text/fhirpath).",
        ),
    ],
)
def test_what_an_author_must_mend_is_told_at_its_item(item: Json, sentence: str) -> None:
    assert ("q", sentence) in refused(item)


def test_a_question_that_repeats_has_only_words_under_it() -> None:
    found = refused(asking("q", "string", repeats=True, item=[asking("why", "string")]))
    assert found == [("q", "A question that repeats cannot have questions under it: take a group that repeats.")]
    assert a_form(asking("q", "string", repeats=True, item=[asking("help", "display")])).flaws == ()


@pytest.mark.parametrize("around", [{"type": "group"}, {"type": "string"}])
def test_what_repeats_is_not_calculated(around: Json) -> None:
    two = extension(known.CALCULATED_EXPRESSION, valueExpression={"expression": "1 + 1"})
    inside = {"linkId": "r", "repeats": True, "item": [group("g", asking("q", "integer", two, readOnly=True))]}
    assert ("q", "What stands in or under an item that repeats cannot be calculated.") in refused(inside | around)


def test_a_form_says_only_so_much_in_expressions() -> None:
    long = extension(known.CALCULATED_EXPRESSION, valueExpression={"expression": f"'{'x' * 3_900}'"})
    found = refused(*(asking(f"q{place}", "string", long) for place in range(30)))
    assert found == [(None, "The expressions of a form have at most 100,000 characters together.")]


def test_an_unknown_type_is_told_with_those_there_are() -> None:
    ((link_id, sentence),) = refused(asking("q", "slider"))
    assert (link_id, sentence.startswith("The type of this item must be one of group, display")) == ("q", True)


@pytest.mark.parametrize("missing", ["url", "version", "status", "item"])
def test_a_form_needs_an_address_a_version_a_status_and_items(missing: str) -> None:
    document = {name: part for name, part in questionnaire(asking("q", "string")).items() if name != missing}
    with pytest.raises(UnsoundDefinition) as unsound:
        compile_questionnaire(document)
    assert len(unsound.value.issues) == 1


@pytest.mark.parametrize(
    "document", [None, [], "form", {}, {"resourceType": "Patient"}, questionnaire(item={}), questionnaire(item=[1])]
)
def test_what_is_no_form_is_not_read(document: object) -> None:
    with pytest.raises(UnsoundDefinition):
        read_questionnaire(document)


def test_a_form_that_is_too_deep_or_too_long_is_not_read() -> None:
    deep = asking("q", "string")
    for level in range(30):
        deep = group(f"g{level}", deep)
    for document in (questionnaire(deep), questionnaire(*(asking(f"q{place}", "string") for place in range(5_001)))):
        with pytest.raises(UnsoundDefinition, match="at most"):
            read_questionnaire(document)


def test_what_others_wrote_is_read_with_its_flaws_where_answers_can_be_told_apart() -> None:
    form = read_questionnaire({"resourceType": "Questionnaire", "item": [asking("q", "choice")]})
    assert (form.key, [flaw.link_id for flaw in form.flaws]) == ("", [None, None, None, "q"])


def test_drafts_retired_forms_and_those_out_of_their_time_take_no_new_answers() -> None:
    in_2026 = {"effectivePeriod": {"start": "2026-01", "end": "2026-12-31"}}
    form = a_form(asking("q", "string"), **in_2026)
    assert form.out_of_use("2026-06-01T10:00:00Z") == []
    assert form.out_of_use("2025-12-31") == ["The form is in use from 2026-01."]
    assert form.out_of_use("2027-01-01") == ["The form was in use until 2026-12-31."]
    for status in ("draft", "retired"):
        drafted = a_form(asking("q", "string"), status=status)
        assert drafted.out_of_use("2026-06-01") == [f"The form is {status}, not active."]


def test_what_repeats_is_not_shown_by_an_expression_that_would_be_one_for_all() -> None:
    shown = extension(known.ENABLE_WHEN_EXPRESSION, valueExpression={"expression": "%resource.item.exists()"})
    found = refused(group("g", asking("a", "boolean"), asking("b", "string", shown), repeats=True))
    assert found == [
        ("b", "In or under an item that repeats an enableWhenExpression would be one for all: take enableWhen.")
    ]
    assert a_form(group("g", asking("a", "boolean"), repeats=True), asking("b", "string", shown)).flaws == ()
