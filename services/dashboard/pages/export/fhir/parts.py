"""Small pieces of FHIR R4 resources, as plain dicts. A page keeps its own ids; what has none gets one from its name."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from shared.fhir import ABSENT, LOINC, OURS, TOTALS_IN_LOINC, absent, ours

Json = dict[str, Any]


def an_id(page: Mapping[str, Any], *name: object) -> str:
    """The id of what stands on this patient's page under a name; the same in every copy."""
    patient = page["patient"]["patient_id"]
    return str(uuid5(NAMESPACE_URL, "|".join(map(str, (OURS, patient, *name)))))


def reference(resource_id: str) -> Json:
    return {"reference": f"urn:uuid:{resource_id}"}


def patient_of(page: Mapping[str, Any]) -> Json:
    return reference(page["patient"]["patient_id"])


def encounter_of(page: Mapping[str, Any], visit_id: str | None) -> Json:
    """The member that names a visit, if it is one of the page's."""
    is_there = any(visit["visit_id"] == visit_id for visit in page["visits"])
    return {"encounter": reference(str(visit_id))} if is_there else {}


def staff(name: str) -> Json:
    """Somebody of the clinic, by the pseudonym that the clinic gives."""
    return {"identifier": {"system": f"{OURS}/NamingSystem/clinician-id", "value": name}, "display": name}


def item_concept(item: str, text: str) -> Json:
    concept = ours("survey-item", item, text)
    if item == "phq_2":
        concept["coding"].insert(0, {"system": LOINC, "code": TOTALS_IN_LOINC["phq-2"]})
    return concept


def answer_value(answer: Mapping[str, Any], words: str) -> Json:
    """The value of an answer, or why there is none. `words` are those of a coded answer."""
    if answer["state"] == "skipped":
        return {"dataAbsentReason": {**absent(ABSENT[answer["reason"]]), "text": words}}
    if answer["state"] != "answered":
        return {"dataAbsentReason": {**absent("not-asked"), "text": words}}
    value = answer["value"]
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, str):
        return {"valueCodeableConcept": ours("survey-answer", value, words)}
    return number_value(value)


def number_value(value: float) -> Json:
    """A number without a unit; R4's Observation has no decimal."""
    return {"valueInteger": int(value)} if value == int(value) else {"valueQuantity": {"value": value}}
