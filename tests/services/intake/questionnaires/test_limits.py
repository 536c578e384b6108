"""What limits an answer: lengths, patterns, ends, places, options, units, files, references."""

import base64
import time
from decimal import Decimal
from typing import Any

import pytest

from services.intake.domain.questionnaires import Definition, Given, UnsoundDefinition, check, read_questionnaire
from services.intake.domain.questionnaires import extensions as known
from services.intake.domain.questionnaires.patterns import matcher
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

UCUM = "http://unitsofmeasure.org"


def rules(kind: str, answer: object, *extensions: Json, **parts: Any) -> list[str]:
    """The rules that an answer to one item breaks."""
    return [rule for _, rule in wrong(plainly(a_form(asking("q", kind, *extensions, **parts)), {"q": answer}))]


def kilograms(value: float, code: str = "kg") -> Json:
    return {"value": value, "unit": code, "system": UCUM, "code": code}


@pytest.mark.parametrize(
    ("words", "broken"), [("ab", ["too-short"]), ("abc", []), ("abcde", []), ("abcdef", ["too-long"])]
)
def test_words_have_a_shortest_and_a_longest_length(words: str, broken: list[str]) -> None:
    assert rules("string", words, extension(known.MIN_LENGTH, valueInteger=3), maxLength=5) == broken


@pytest.mark.parametrize(("words", "broken"), [("AB-12", []), ("AB-1", ["pattern"]), ("xAB-12x", ["pattern"])])
def test_a_pattern_is_of_the_whole_answer(words: str, broken: list[str]) -> None:
    assert rules("string", words, extension(known.REGEX, valueString="[A-Z]{2}-[0-9]{2}")) == broken


def test_no_pattern_takes_more_than_linear_time() -> None:
    form = a_form(asking("q", "text", extension(known.REGEX, valueString="(a+)+b|(a|aa)+c|(.*)*d")))
    began = time.process_time()
    assert wrong(plainly(form, {"q": "a" * 20_000})) == [("q", "pattern")]
    assert time.process_time() - began < 0.5, "an engine that goes back would not come back"


@pytest.mark.parametrize("pattern", ["(?=a)", r"(a)\1", "(", "a{1000}{1000}{1000}", "x" * 1_001])
def test_patterns_that_cannot_be_bounded_are_none(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        matcher(pattern)


@pytest.mark.parametrize(
    ("kind", "low", "high", "answers"),
    [
        ("integer", 0, 10, {-1: ["too-low"], 0: [], 10: [], 11: ["too-high"]}),
        ("decimal", 0.5, 2.5, {0.49: ["too-low"], 0.5: [], 2.5: [], 2.51: ["too-high"]}),
        (
            "date",
            "2026-02-10",
            "2026-03-31",
            {"2026-02-09": ["too-low"], "2026-02-10": [], "2026-02": [], "2026": [], "2026-01": ["too-low"],
             "2026-03": [], "2026-04": ["too-high"]},
        ),
        (
            "dateTime",
            "2026-02-10T10:00:00Z",
            "2026-02-10T12:00:00Z",
            {"2026-02-10T10:30:00+01:00": ["too-low"], "2026-02-10T12:30:00+01:00": [], "2026-02-10": []},
        ),
        ("time", "08:00:00", "17:00:00", {"07:59:59": ["too-low"], "08:00:00": [], "17:00:00.5": ["too-high"]}),
    ],
)  # fmt: skip
def test_an_answer_lies_between_its_ends_where_that_is_sure(
    kind: str, low: object, high: object, answers: dict[Any, list[str]]
) -> None:
    name = f"value{kind[0].upper()}{kind[1:]}"
    ends = [extension(known.MIN_VALUE, **{name: low}), extension(known.MAX_VALUE, **{name: high})]
    assert {answer: rules(kind, answer, *ends) for answer in answers} == answers


@pytest.mark.parametrize(
    ("quantity", "broken"),
    [
        (kilograms(50), []),
        (kilograms(4999, "g"), ["too-low"]),
        (kilograms(5000, "g"), []),
        (kilograms(51), ["too-high"]),
        (kilograms(10, "[lb_av]"), ["too-low"]),
        (kilograms(10, "[mi_i]"), ["other-unit", "other-unit"]),
        ({"value": 10, "unit": "stone"}, ["other-unit", "other-unit"]),
    ],
)
def test_quantities_are_compared_in_units_of_one_kind_only(quantity: Json, broken: list[str]) -> None:
    ends = [
        extension(known.MIN_QUANTITY, valueQuantity=kilograms(5)),
        extension(known.MAX_QUANTITY, valueQuantity=kilograms(50)),
    ]
    assert rules("quantity", quantity, *ends) == broken


@pytest.mark.parametrize(
    ("number", "broken"),
    [(1.25, []), (1.255, ["too-precise"]), (3, []), (2.0, []), (Decimal("1.250"), ["too-precise"])],
)
def test_a_number_has_so_many_decimal_places(number: object, broken: list[str]) -> None:
    assert rules("decimal", number, extension(known.MAX_DECIMAL_PLACES, valueInteger=2)) == broken
    quantity = {"value": number, "unit": "kg"}
    assert rules("quantity", quantity, extension(known.MAX_DECIMAL_PLACES, valueInteger=2)) == broken


@pytest.mark.parametrize(("count", "broken"), [(1, ["too-few"]), (2, []), (3, []), (4, ["too-many"])])
def test_a_question_has_a_lowest_and_a_highest_number_of_answers(count: int, broken: list[str]) -> None:
    ends = [extension(known.MIN_OCCURS, valueInteger=2), extension(known.MAX_OCCURS, valueInteger=3)]
    answers = [f"a{place}" for place in range(count)]
    assert rules("string", answers, *ends, repeats=True) == broken


def test_a_group_has_a_lowest_and_a_highest_number_of_occurrences() -> None:
    ends = [extension(known.MIN_OCCURS, valueInteger=2), extension(known.MAX_OCCURS, valueInteger=3)]
    form = a_form(group("g", asking("q", "string"), repeats=True, required=True, extension=ends))
    found = {count: wrong(plainly(form, {"g": [{"q": "a"}] * count})) for count in range(5)}
    assert found == {0: [("g", "required")], 1: [("g", "too-few")], 2: [], 3: [], 4: [("g", "too-many")]}


def test_more_occurrences_than_anybody_needs_are_refused_in_little_time() -> None:
    then = asking("then", "string", enableWhen=[when("far", "exists", answerBoolean=True)])
    far = group("h", asking("far", "string"), repeats=True)
    form = a_form(group("g", asking("q", "string"), then, repeats=True), far)
    many = [{"linkId": "g", "item": [answered("q", {"valueString": "x"})]}] * 200_000
    began = time.process_time()
    assert wrong(check(form, Given.of_response(response(*many)))) == [("g", "too-many")]
    assert time.process_time() - began < 2


def test_an_answer_that_stands_alone_is_not_chosen_with_others() -> None:
    none = option("none", extension(known.OPTION_EXCLUSIVE, valueBoolean=True))
    offered = {"repeats": True, "answerOption": [option("pain"), option("fever"), none]}
    assert rules("choice", ["pain", "fever"], **offered) == []
    assert rules("choice", ["none"], **offered) == []
    assert rules("choice", ["pain", "none"], **offered) == ["stands-alone"]


def test_a_code_of_another_system_is_not_offered() -> None:
    form = a_form(asking("q", "choice", answerOption=[option("a")]))
    refused = [("q", "not-offered")]
    for system, expected in (({"system": SYSTEM}, []), ({"system": "urn:other"}, refused), ({}, refused)):
        coding = {**system, "code": "a", "display": "Whatever"}
        assert wrong(check(form, Given.of_response(response(answered("q", {"valueCoding": coding}))))) == expected


def test_answers_to_a_list_that_is_away_are_refused_as_nobody_can_check_them() -> None:
    document = questionnaire(asking("q", "choice", answerValueSet="https://example.org/ValueSet/countries"))
    checked = check(read_questionnaire(document), Given.of_plain({"q": "AU"}))
    assert wrong(checked) == [("q", "list-away")]
    assert "https://example.org/ValueSet/countries" in checked.issues[0].sentence()


@pytest.mark.parametrize(
    ("quantity", "broken"),
    [
        (kilograms(1, "km"), []),
        ({"value": 1, "unit": "kilometer"}, []),
        ({"value": 1, "unit": "km"}, []),
        (kilograms(1, "kg"), ["wrong-unit"]),
        ({"value": 1}, ["wrong-unit"]),
    ],
)
def test_a_quantity_is_in_one_of_the_units(quantity: Json, broken: list[str]) -> None:
    units = [
        extension(known.UNIT_OPTION, valueCoding={"system": UCUM, "code": code, "display": display})
        for code, display in (("km", "kilometer"), ("m", "meter"))
    ]
    assert rules("quantity", quantity, *units) == broken


def test_units_may_come_from_a_contained_value_set() -> None:
    units = {
        "resourceType": "ValueSet",
        "id": "units",
        "compose": {"include": [{"system": UCUM, "concept": [{"code": "km"}]}]},
    }
    form = a_form(asking("q", "quantity", extension(known.UNIT_VALUE_SET, valueCanonical="#units")), contained=[units])
    assert [wrong(plainly(form, {"q": kilograms(1, code)})) for code in ("km", "kg")] == [[], [("q", "wrong-unit")]]


@pytest.mark.parametrize(
    ("attachment", "broken"),
    [
        ({"contentType": "image/png", "data": base64.b64encode(b"12345").decode(), "size": 5}, []),
        ({"contentType": "image/png", "data": base64.b64encode(b"12345").decode()}, []),
        ({"contentType": "image/png", "data": base64.b64encode(b"12345").decode(), "size": 6}, ["other-size"]),
        ({"contentType": "image/png", "data": base64.b64encode(b"123456").decode()}, ["too-large"]),
        ({"contentType": "image/png", "url": "https://example.org/a.png", "size": 6}, ["too-large"]),
        ({"contentType": "text/html", "data": "YQ=="}, ["media-type"]),
        ({"data": "YQ=="}, ["media-type"]),
        ({"contentType": "application/pdf; version=1", "data": "YQ=="}, []),
        ({"contentType": "image/png", "data": "no base64!"}, ["not-base64"]),
    ],
)
def test_a_file_is_of_its_type_and_size(attachment: Json, broken: list[str]) -> None:
    limits = [
        extension(known.MAX_SIZE, valueDecimal=5),
        extension(known.MIME_TYPE, valueCode="image/*"),
        extension(known.MIME_TYPE, valueCode="application/pdf"),
    ]
    assert rules("attachment", attachment, *limits) == broken


@pytest.mark.parametrize(
    ("reference", "broken"),
    [
        ({"reference": "Patient/a-1.b"}, []),
        ({"reference": "https://example.org/fhir/Patient/1/_history/2"}, []),
        ({"reference": "urn:uuid:0b1c56ab-8e64-5bec-b3af-df30b6b8fb71"}, []),
        ({"reference": "#p"}, []),
        ({"identifier": {"system": "urn:mrn", "value": "1"}, "type": "Patient"}, []),
        ({"reference": "Practitioner/1"}, ["reference-type"]),
        ({"display": "Somebody", "type": "Group"}, ["reference-type"]),
        ({"reference": "Pat ient"}, ["no-address"]),
        ({"reference": "Teapot/1"}, ["no-address"]),
        ({"reference": "Patient"}, ["no-address"]),
    ],
)
def test_a_reference_is_to_a_record_of_its_type(reference: Json, broken: list[str]) -> None:
    assert rules("reference", reference, extension(known.REFERENCE_RESOURCE, valueCode="Patient")) == broken


def test_a_read_only_answer_that_comes_with_the_form_is_not_changed() -> None:
    parts: dict[str, Any] = {"readOnly": True, "initial": [{"valueString": "as it is"}]}
    assert rules("string", "as it is", **parts) == []
    assert rules("string", "otherwise", **parts) == ["read-only"]
    assert rules("string", "from elsewhere", readOnly=True) == []


def test_words_to_read_and_groups_take_no_answer() -> None:
    form = a_form(asking("d", "display"), group("g", asking("q", "string")))
    assert wrong(plainly(form, {"d": "x", "g": "x"})) == [("d", "takes-no-answer"), ("g", "takes-no-answer")]


@pytest.mark.parametrize(
    ("most", "unit", "answer", "in_unit", "broken"),
    [
        (1, "mg/L", 0.1, "mg/dL", []),
        (1, "mg/L", 0.11, "mg/dL", ["too-high"]),
        (250, "ug/g", 250, "mg/kg", []),
        (400, "10*3/uL", 401, "10*9/L", ["too-high"]),
        (5, "mmol/L", 5001, "umol/L", ["too-high"]),
        (5, "mmol/L", 90, "mg/dL", ["other-unit"]),
        (40, "Cel", 98.6, "[degF]", []),
        (37, "Cel", 98.6, "[degF]", []),
        (37, "Cel", 98.7, "[degF]", ["too-high"]),
        (98.6, "[degF]", 37.1, "Cel", ["too-high"]),
        (40, "Cel", 40, "g", ["other-unit"]),
        (36, "km/h", 10, "m/s", []),
        (1, "mg/L", 1, "mg/", ["other-unit"]),
    ],
)
def test_concentrations_rates_and_temperatures_are_compared_exactly(
    most: float, unit: str, answer: float, in_unit: str, broken: list[str]
) -> None:
    end = extension(known.MAX_QUANTITY, valueQuantity=kilograms(most, unit))
    assert rules("quantity", kilograms(answer, in_unit), end) == broken


def test_a_limit_that_no_unit_of_the_form_can_be_compared_with_is_refused_with_the_form() -> None:
    def form(*units: str) -> Definition:
        offered = [extension(known.UNIT_OPTION, valueCoding={"system": UCUM, "code": code}) for code in units]
        return a_form(asking("q", "quantity", extension(known.MAX_QUANTITY, valueQuantity=kilograms(5)), *offered))

    assert form("kg", "[lb_av]").flaws == ()
    with pytest.raises(UnsoundDefinition, match="An answer in mmol/L cannot be compared with the limit of 5 kg"):
        form("kg", "mmol/L")
