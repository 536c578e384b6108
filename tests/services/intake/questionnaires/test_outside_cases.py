"""Responses that others judged (FHIR/fhir-test-cases): the same verdicts, with as many errors.

The cases and HL7's examples are not in this repository; SAMEPAGE_FIXTURES names the folder that holds them.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.intake.domain.questionnaires import Given, check, extract, read_questionnaire
from tests.conftest import outside_fixtures

# What a terminology server would be asked for; without one, the answers are refused because they cannot be checked.
NEEDS_TERMINOLOGY = {
    "choice-gender-coding-async-qr": "whether a display belongs to a code of a value set of FHIR's own",
    "string-with-coding-async-qr": "which words are in a value set of the world's countries",
}
CASES = 37


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        (outside_fixtures("questionnaire-response") / "manifest.json").read_text()
    )["cases"]
    return found


def read(folder: str, name: str) -> Any:
    return json.loads((outside_fixtures(folder) / name).read_text())


def errors_of(case: dict[str, Any]) -> list[tuple[str | None, str]]:
    answers = read("questionnaire-response", case["response"])
    folder = outside_fixtures("questionnaire-response")
    at_hand = [name for name in case["questionnaire"] if (folder / name).exists()]
    # The one case whose form is nowhere is judged against another form, as a caller without it would have to.
    form = read("questionnaire-response", at_hand[0] if at_hand else "string-q.json")
    checked = check(read_questionnaire(form), Given.of_response(answers))
    return [(issue.link_id, str(issue.rule)) for issue in checked.errors]


def test_every_case_has_the_verdict_and_the_number_of_errors_that_others_gave_it() -> None:
    judged = {case["name"]: (case["valid"], case["errors"]) for case in cases()}
    assert len(judged) == CASES
    ours = {case["name"]: errors_of(case) for case in cases()}
    assert {name: (not found, len(found)) for name, found in ours.items()} == judged


@pytest.mark.parametrize("name", NEEDS_TERMINOLOGY)
def test_cases_that_need_a_terminology_server_are_refused_because_their_list_is_away(name: str) -> None:
    (case,) = [case for case in cases() if case["name"] == name]
    assert [rule for _, rule in errors_of(case)] == ["list-away"]


@pytest.mark.parametrize(
    ("form", "answers", "observations"),
    [
        ("phq-9-example", "phq-9-example", "Observation-PHQ9-*.json"),
        ("AUDIT-C", "AUDIT-C", "Observation-AUDIT-C-*.json"),
    ],
)
def test_extraction_gives_the_codes_and_values_of_the_observations_that_hl7_derived(
    form: str, answers: str, observations: str
) -> None:
    definition = read_questionnaire(read("us-core", f"Questionnaire-{form}.json"))
    given = read("us-core", f"QuestionnaireResponse-{answers}.json")
    assert check(definition, Given.of_response(given)).issues == ()
    ours = said_by([entry["resource"] for entry in extract(definition, given)["entry"]])
    theirs = said_by([json.loads(file.read_text()) for file in files(observations)])
    assert len(ours) > 4
    assert ours == theirs


def files(pattern: str) -> list[Path]:
    return sorted(outside_fixtures("us-core").glob(pattern))


def said_by(observations: list[dict[str, Any]]) -> dict[str, object]:
    """By code: the coding, the number, or the codes of the members."""
    said: dict[str, object] = {}
    for one in observations:
        (code,) = one["code"]["coding"]
        said[f"{code['system']}|{code['code']}"] = value_of(one) if "hasMember" not in one else len(one["hasMember"])
    return said


def value_of(observation: dict[str, Any]) -> object:
    if "valueCodeableConcept" in observation:
        (coding,) = observation["valueCodeableConcept"]["coding"]
        return coding
    # HL7 wrote the total of the PHQ-9, which has no unit, as a string.
    number = observation.get("valueQuantity", {}).get("value", observation.get("valueString"))
    return Decimal(str(number))
