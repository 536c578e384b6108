"""Who the patient is, by pseudonym, and their visits."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.dashboard.domain import PATIENT_SYSTEM
from services.dashboard.pages import labels
from services.dashboard.pages.export.fhir.parts import Json, an_id, patient_of, staff
from services.dashboard.pages.export.fhir.words import ENGLISH
from shared.events import Diagnosis, Language, VisitState
from shared.fhir import DIAGNOSES, ICD_10_CM, ours

_STATES: Mapping[str, str] = {
    VisitState.SCHEDULED: "planned",
    VisitState.CHECKED_IN: "arrived",
    VisitState.COMPLETED: "finished",
    VisitState.CANCELLED: "cancelled",
}
_AMBULATORY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "ambulatory"}


def person(page: Mapping[str, Any]) -> Iterator[Json]:
    """The Patient, then the Condition that the page is about, then an Encounter for each visit."""
    yield _patient(page["patient"])
    if page["patient"]["diagnosis"] is not None:
        yield _condition(page)
    for visit in page["visits"]:
        yield _encounter(page, visit)


def _patient(known: Mapping[str, Any]) -> Json:
    made: Json = {
        "resourceType": "Patient",
        "id": known["patient_id"],
        "identifier": [{"system": PATIENT_SYSTEM, "value": known["patient_id"]}],
        "managingOrganization": {"display": known["site_id"]},
    }
    if known["sex"] is not None:
        made["gender"] = known["sex"]
    if known["birth_year"] is not None:
        made["birthDate"] = f"{known['birth_year']:04d}"
    if known["language"] in (Language.ENGLISH, Language.SPANISH):
        coding = {"system": "urn:ietf:bcp:47", "code": known["language"]}
        made["communication"] = [{"language": {"coding": [coding]}, "preferred": True}]
    if known["clinician_id"] is not None:
        made["generalPractitioner"] = [staff(known["clinician_id"])]
    return made


def _condition(page: Mapping[str, Any]) -> Json:
    diagnosis = Diagnosis(page["patient"]["diagnosis"])
    code, display = DIAGNOSES[diagnosis]
    concept = ours("diagnosis", diagnosis, ENGLISH.say(labels.DIAGNOSES[diagnosis]))
    concept["coding"].append({"system": ICD_10_CM, "code": code, "display": display})
    return {
        "resourceType": "Condition",
        "id": an_id(page, "condition"),
        "code": concept,
        "subject": patient_of(page),
    }


def _encounter(page: Mapping[str, Any], visit: Mapping[str, Any]) -> Json:
    period = {"start": visit["checked_in_at"] or visit["scheduled_at"]}
    if visit["completed_at"] is not None and visit["completed_at"] >= period["start"]:
        period["end"] = visit["completed_at"]
    return {
        "resourceType": "Encounter",
        "id": visit["visit_id"],
        "status": _STATES[visit["state"]],
        "class": _AMBULATORY,
        "subject": patient_of(page),
        "participant": [{"individual": staff(visit["clinician_id"])}],
        "period": period,
    }
