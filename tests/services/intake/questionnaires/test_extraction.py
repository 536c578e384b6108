"""Observations out of answers."""

from typing import Any

from services.intake.domain.questionnaires import Given, extract, read_questionnaire, to_response
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
    questionnaire,
    response,
)

UCUM = "http://unitsofmeasure.org"


def coded(code: str) -> dict[str, Any]:
    return {"code": [{"system": SYSTEM, "code": code}]}


def extracted(form: Any, given: Json) -> dict[str, Json]:
    """Observations by their code, without what they all share."""
    found = {}
    for entry in extract(form, given)["entry"]:
        observation = entry["resource"]
        code = observation["code"]["coding"][0]["code"]
        found[code] = {
            name: part
            for name, part in observation.items()
            if name.startswith("value") or name in ("hasMember", "dataAbsentReason")
        }
    return found


def plain(form: Any, answers: Json, skipped: Json | None = None) -> Json:
    return to_response(form, Given.of_plain(answers, skipped))


def test_each_type_of_answer_becomes_a_value_that_an_observation_can_have() -> None:
    kg = extension(known.UNIT, valueCoding={"system": UCUM, "code": "kg"})
    form = a_form(
        asking("b", "boolean", **coded("b")),
        asking("i", "integer", **coded("i")),
        asking("m", "integer", kg, **coded("m")),
        asking("d", "decimal", **coded("d")),
        asking("w", "date", **coded("w")),
        asking("t", "time", **coded("t")),
        asking("s", "string", **coded("s")),
        asking("c", "choice", answerOption=[option("a")], **coded("c")),
        asking("q", "quantity", **coded("q")),
        asking("r", "reference", **coded("r")),
        asking("n", "string"),
    )
    answers = {"b": True, "i": 1, "m": 2, "d": 1.5, "w": "2026-01", "t": "09:00:00", "s": "x", "c": "a"}
    more = {"q": {"value": 1, "unit": "kg"}, "r": {"reference": "Patient/1"}, "n": "no code"}
    assert extracted(form, plain(form, answers | more)) == {
        "b": {"valueBoolean": True},
        "i": {"valueInteger": 1},
        "m": {"valueQuantity": {"value": 2, "unit": "kg", "system": UCUM, "code": "kg"}},
        "d": {"valueQuantity": {"value": 1.5}},
        "w": {"valueDateTime": "2026-01"},
        "t": {"valueTime": "09:00:00"},
        "s": {"valueString": "x"},
        "c": {"valueCodeableConcept": {"coding": [{"system": SYSTEM, "code": "a", "display": "A"}], "text": "A"}},
        "q": {"valueQuantity": {"value": 1, "unit": "kg"}},
    }


def test_a_question_that_was_skipped_says_why_and_one_that_was_not_shown_says_nothing() -> None:
    form = a_form(
        asking("a", "boolean", **coded("a")),
        asking("b", "string", enableWhen=[{"question": "a", "operator": "=", "answerBoolean": True}], **coded("b")),
    )
    reason = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "asked-declined"}]
    }
    given = plain(form, {}, {"a": "prefer-not-to-say"})
    assert extracted(form, given) == {"a": {"dataAbsentReason": reason}}
    no = answered("a", {"valueBoolean": False})
    assert list(extracted(form, response(no, answered("b", {"valueString": "x"})))) == ["a"]


def test_coded_groups_and_a_coded_form_gather_what_is_inside() -> None:
    form = a_form(
        group(
            "g", group("h", asking("a", "integer", **coded("a"))), asking("b", "integer", **coded("b")), **coded("g")
        ),
        asking("c", "integer", **coded("c")),
        **coded("panel"),
    )
    bundle = extract(form, plain(form, {"a": 1, "b": 2, "c": 3}))
    names = {entry["fullUrl"]: entry["resource"]["code"]["coding"][0]["code"] for entry in bundle["entry"]}
    members = {
        names[entry["fullUrl"]]: [names[one["reference"]] for one in entry["resource"].get("hasMember", [])]
        for entry in bundle["entry"]
    }
    assert members == {"a": [], "b": [], "g": ["a", "b"], "c": [], "panel": ["g", "c"]}


def test_each_answer_and_each_occurrence_has_its_own() -> None:
    form = a_form(
        asking("many", "string", repeats=True, **coded("many")),
        group("g", asking("in", "integer", **coded("in")), repeats=True, **coded("g")),
    )
    bundle = extract(form, plain(form, {"many": ["a", "b"], "g": [{"in": 1}, {"in": 2}]}))
    codes = [entry["resource"]["code"]["coding"][0]["code"] for entry in bundle["entry"]]
    assert codes == ["many", "many", "in", "g", "in", "g"]
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == 6


def test_answers_that_differ_only_under_one_that_repeats_are_not_the_same() -> None:
    why = asking("why", "string", **coded("why"))
    form = read_questionnaire(questionnaire(asking("topic", "string", repeats=True, item=[why])))

    def names(said: str) -> list[str]:
        under = {"item": [answered("why", {"valueString": said})]}
        return [
            entry["fullUrl"]
            for entry in extract(form, response(answered("topic", {"valueString": "a", **under})))["entry"]
        ]

    assert len(names("x")) == 1
    assert names("x") == names("x") != names("y")


def test_where_a_form_marks_what_to_extract_only_that_is() -> None:
    yes, no = (extension(known.OBSERVATION_EXTRACT, valueBoolean=said) for said in (True, False))
    form = a_form(
        group("g", asking("a", "integer", **coded("a")), asking("b", "integer", no, **coded("b")), extension=[yes]),
        asking("c", "integer", **coded("c")),
    )
    assert list(extracted(form, plain(form, {"a": 1, "b": 2, "c": 3}))) == ["a"]


def test_who_when_and_how_sure_come_from_the_response() -> None:
    form = a_form(asking("a", "integer", **coded("a")))
    head = {
        "id": "r",
        "subject": {"reference": "Patient/1"},
        "author": {"reference": "Patient/1"},
        "encounter": {"reference": "Encounter/1"},
        "authored": "2026-11-26T09:30:00Z",
    }
    states = {
        "completed": "final",
        "amended": "amended",
        "in-progress": "preliminary",
        "entered-in-error": "entered-in-error",
    }
    for status, expected in states.items():
        given = response(answered("a", {"valueInteger": 1}), **head, status=status)
        (entry,) = extract(form, given)["entry"]
        observation = entry["resource"]
        assert observation["status"] == expected
        assert observation["subject"] == {"reference": "Patient/1"}
        assert observation["performer"] == [{"reference": "Patient/1"}]
        assert observation["encounter"] == {"reference": "Encounter/1"}
        assert observation["effectiveDateTime"] == "2026-11-26T09:30:00Z"
        assert observation["derivedFrom"] == [{"reference": "QuestionnaireResponse/r"}]
        assert observation["category"][0]["coding"][0]["code"] == "survey"
