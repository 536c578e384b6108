"""A page as a FHIR Bundle: valid by a validator that is not ours, and true to the page."""

from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from services.dashboard.domain import assemble, open_words, without_clinical
from services.dashboard.pages.export.fhir import bundle_of
from shared.events import Body, SkipReason
from shared.sealing import Place, Words, WordsState
from tests.builders import (
    ANSWERS,
    PATIENT,
    VISIT_AT,
    a_lab,
    a_medication,
    a_step,
    a_survey,
    a_visit,
    an_assessment,
    an_enrollment,
    an_event,
    an_id,
    in_error,
)
from tests.services.dashboard.fhir_validator import findings
from tests.services.dashboard.histories import a_survey_in_july, a_year_of_care, folded

MADE_AT = datetime(2026, 10, 13, 15, 30, tzinfo=UTC)


def opened_page(*bodies: Body) -> dict[str, Any]:
    """The page of a patient of whom this is known, all of it before the visit is past."""
    events = [
        an_event(body, sequence=number, time=VISIT_AT - timedelta(hours=1)) for number, body in enumerate(bodies, 1)
    ]
    return open_words(assemble(folded(*events)), opened)


def opened(sealed: str, _place: Place) -> Words:
    return Words(WordsState.READABLE, f"words of {sealed}")


def organising_page() -> dict[str, Any]:
    """What a coordinator has of a full page whose site shows them nothing clinical."""
    events = [an_event(body, sequence=number) for number, body in enumerate(a_year_of_care(), 1)]
    return open_words(without_clinical(assemble(folded(*events))), opened)


def copied(*bodies: Body) -> list[dict[str, Any]]:
    """The resources of the copy."""
    made = bundle_of(opened_page(*bodies), made_at=MADE_AT, is_synthetic=True)
    return [entry["resource"] for entry in made["entry"]]


def one(resources: list[dict[str, Any]], kind: str, text: str = "") -> dict[str, Any]:
    (found,) = (r for r in resources if r["resourceType"] == kind and text in r.get("code", {}).get("text", ""))
    return found


def a_survey_with_gaps() -> Body:
    """Answered by somebody else; the score has a gap, and one question for each reason to skip it."""
    skipped = {
        "abdominal_pain": SkipReason.DO_NOT_KNOW,
        "opioid_use": SkipReason.PREFER_NOT_TO_SAY,
        "barriers": SkipReason.DOES_NOT_APPLY,
        "phq2_mood": SkipReason.PREFER_NOT_TO_SAY,
    }
    kept = {name: value for name, value in ANSWERS.items() if name not in {*skipped, "ct_scans"}}
    return a_survey(mode="proxy", answers=kept, skipped=skipped, concerns=(), matters_most=None)


TAKEN_BACK = [
    a_lab(lab_id=an_id("lab in error"), value=987),
    a_medication(medication_id=an_id("medicine in error"), name="Quaggamab", dose="987 mg"),
    an_assessment(assessment_id=an_id("rating in error"), activity="severe"),
    a_step(step_id=an_id("step in error")),
]
PATIENTS: dict[str, list[Body]] = {
    "full.json": a_year_of_care(),
    "enrolled-only.json": [an_enrollment()],
    "not-yet-enrolled.json": [a_visit()],
    "skipped.json": [
        an_enrollment(sex="unknown", language="other"),
        a_visit(),
        a_survey_in_july(),
        a_survey_with_gaps(),
    ],
    "taken-back.json": [an_enrollment(), a_lab(), *TAKEN_BACK, *map(in_error, TAKEN_BACK)],
    "taken-back-alone.json": [an_enrollment(), *TAKEN_BACK, *map(in_error, TAKEN_BACK)],
}


def test_the_validator_of_hapi_fhir_finds_no_error_in_any_copy(tmp_path: Path) -> None:
    copies: dict[str, Any] = {
        name: bundle_of(opened_page(*bodies), made_at=MADE_AT, is_synthetic=True) for name, bodies in PATIENTS.items()
    }
    copies["organising.json"] = bundle_of(organising_page(), made_at=MADE_AT, is_synthetic=True)
    copies["broken.json"] = {"resourceType": "Bundle", "type": "heap"}
    found = [one for one in findings(copies, tmp_path) if one.severity in ("ERROR", "FATAL")]
    assert {one.document for one in found} == {"broken.json"}, [one for one in found if one.document != "broken.json"]


def test_answers_that_somebody_else_gave_name_nobody_as_who_performed_them() -> None:
    made = bundle_of(opened_page(*PATIENTS["skipped.json"]), made_at=MADE_AT, is_synthetic=True)
    said = [one for one in map(itemgetter("resource"), made["entry"]) if one["resourceType"] == "Observation"]
    performed = {one["effectiveDateTime"][:10] for one in said if "performer" in one}
    assert performed == {"2026-07-11"}, "of the survey before nobody knows"


@pytest.mark.parametrize("bodies", PATIENTS.values(), ids=PATIENTS)
def test_every_reference_leads_to_a_resource_of_the_copy_and_every_id_stands_once(bodies: list[Body]) -> None:
    made = bundle_of(opened_page(*bodies), made_at=MADE_AT, is_synthetic=True)
    urls = [entry["fullUrl"] for entry in made["entry"]]
    assert len(urls) == len(set(urls))
    assert set(_references(made)) <= set(urls)


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if "reference" in value else []
        return own + [found for part in value.values() for found in _references(part)]
    return [found for part in value for found in _references(part)] if isinstance(value, list) else []


def test_the_patient_is_a_pseudonym_a_year_and_a_sex() -> None:
    patient = one(copied(an_enrollment()), "Patient")
    assert patient["identifier"][0]["value"] == str(PATIENT)
    assert (patient["birthDate"], patient["gender"]) == ("1992", "female")
    assert {"name", "telecom", "address"}.isdisjoint(patient)


def test_a_skipped_answer_has_its_reason_and_no_value_and_is_not_one_that_was_not_asked() -> None:
    resources = copied(an_enrollment(), a_visit(), a_survey_with_gaps())
    reasons = {
        "Opioids": "asked-declined",
        "Trouble with": "not-applicable",
        "Low mood": "asked-declined",
        "CT scans": "not-asked",
    }
    for text, code in reasons.items():
        answer = one(resources, "Observation", text)
        assert answer["dataAbsentReason"]["coding"][0]["code"] == code
        assert not any(name.startswith("value") for name in answer)


def test_a_score_without_all_its_answers_has_no_value_and_never_a_zero() -> None:
    score = one(copied(an_enrollment(), a_visit(), a_survey_with_gaps()), "Observation", "PRO-3")
    assert "valueQuantity" not in score
    assert score["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert [("dataAbsentReason" in part) for part in score["component"]] == [False, True, False]


def test_answers_of_somebody_else_are_not_said_to_be_the_patients_own() -> None:
    resources = copied(an_enrollment(), a_visit(), a_survey_with_gaps())
    agents = [r["agent"][0] for r in resources if r["resourceType"] == "Provenance"]
    assert agents[0]["onBehalfOf"] == {"reference": f"urn:uuid:{PATIENT}"}
    assert agents[0]["who"] != agents[0]["onBehalfOf"]


def test_a_result_keeps_its_comparator_its_unit_its_range_and_what_it_was_before() -> None:
    ends = {"reference_low": 12.0, "reference_high": 15.5}
    low = a_lab(lab_id=an_id("hb"), loinc="718-7", name="Hemoglobin", value=11.6, unit="g/dL", **ends)
    resources = copied(an_enrollment(), a_lab(value=9), a_lab(value=3, comparator="<"), low)
    crp, hemoglobin = one(resources, "Observation", "CRP"), one(resources, "Observation", "Hemoglobin")
    assert crp["code"]["coding"] == [{"system": "http://loinc.org", "code": "1988-5"}]
    ucum = "http://unitsofmeasure.org"
    assert crp["valueQuantity"] == {"value": 3.0, "comparator": "<", "unit": "mg/L", "system": ucum, "code": "mg/L"}
    assert (crp["status"], crp["note"]) == ("corrected", [{"text": "Before a correction: 9 mg/L"}])
    assert hemoglobin["referenceRange"][0]["low"]["value"] == 12.0
    assert hemoglobin["interpretation"][0]["coding"][0]["code"] == "L"
    assert "coding" not in crp["interpretation"][0], "within a target is not the same as normal"


def test_what_was_taken_back_stands_under_its_id_as_entered_in_error_without_what_it_said() -> None:
    before, after = copied(an_enrollment(), *TAKEN_BACK), copied(*PATIENTS["taken-back-alone.json"])
    gone = {r["id"]: r for r in after if r.get("status") == "entered-in-error"}
    held = {r["id"]: r["resourceType"] for r in before if r["resourceType"] in ("Observation", "MedicationStatement")}
    assert {one: r["resourceType"] for one, r in gone.items()} == held
    assert len(held) == 3
    for resource in gone.values():
        assert not {"dosage", "category", "interpretation", "effectivePeriod"} & resource.keys()
        assert not any(name.startswith("value") for name in resource)
    assert not any(said in str(gone) for said in ("Quaggamab", "anti-tnf", "severe", "CRP", "1988-5"))
    assert "CarePlan" not in {resource["resourceType"] for resource in after}


def test_the_plan_and_the_words_of_the_patient_are_in_it() -> None:
    done = a_step(step_id=an_id("done"), who="patient", is_done=True, done_on="2026-10-14", what="sealed:diary")
    resources = copied(an_enrollment(), a_visit(), a_survey(), a_step(), done, a_medication(), an_assessment())
    details = [activity["detail"] for activity in one(resources, "CarePlan")["activity"]]
    assert [(d["description"], d["status"]) for d in details] == [
        ("words of sealed:step", "not-started"),
        ("words of sealed:diary", "completed"),
    ]
    assert details[0]["scheduledPeriod"] == {"end": "2026-10-16"}
    assert one(resources, "Observation", "talk about: 1")["valueString"] == "words of sealed:cramps"
    assert "valueString" not in one(resources, "Observation", "talk about: 2"), "a topic without words"
    assert one(resources, "Goal")["description"]["text"] == "words of sealed:matters"


def test_a_copy_without_what_is_clinical_has_who_does_what_by_when_and_says_that_the_rest_is_hidden() -> None:
    made = bundle_of(organising_page(), made_at=MADE_AT, is_synthetic=False)
    resources = [entry["resource"] for entry in made["entry"]]
    kinds = {"Patient", "Condition", "Encounter", "CarePlan", "OperationOutcome"}
    assert {resource["resourceType"] for resource in resources} == kinds
    details = [activity["detail"] for activity in one(resources, "CarePlan")["activity"]]
    assert len(details) == 7
    assert all("description" not in detail for detail in details)
    assert all({"performer", "scheduledPeriod"} <= detail.keys() for detail in details)
    said = [issue["details"]["text"] for issue in one(resources, "OperationOutcome")["issue"]]
    assert "What the patient and the clinician say is not in it" in " ".join(said)


def test_a_copy_says_when_it_was_made_up_to_which_events_and_what_is_not_there() -> None:
    said = [issue["details"]["text"] for issue in one(copied(an_enrollment(), a_visit()), "OperationOutcome")["issue"]]
    assert said[0] == "Synthetic data: no real person."
    assert said[1].startswith("Made 2026-10-13T15:30:00+00:00 from events up to 2026-10-13T14:20:00+00:00.")
    assert "Not there: a survey." in said
    assert "Not there: CRP: no result." in said
