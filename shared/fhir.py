"""What FHIR R4 calls the things that more than one service writes: systems of codes, and why a value is not there."""

from collections.abc import Mapping
from typing import Any

from shared.events import Diagnosis, SkipReason

OURS = "https://samepage.example/fhir"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"

TOTALS_IN_LOINC: Mapping[str, str] = {"phq-2": "55758-7", "phq-4": "70272-0"}
"""The code of a total score in LOINC, by the id of the instrument."""

DIAGNOSES: Mapping[Diagnosis, tuple[str, str]] = {
    Diagnosis.CROHNS: ("K50", "Crohn's disease [regional enteritis]"),
    Diagnosis.ULCERATIVE_COLITIS: ("K51", "Ulcerative colitis"),
    Diagnosis.IBD_UNCLASSIFIED: ("K52.3", "Indeterminate colitis"),
}
"""Code and display in ICD-10-CM."""

ABSENT: Mapping[SkipReason, str] = {
    SkipReason.PREFER_NOT_TO_SAY: "asked-declined",
    SkipReason.DOES_NOT_APPLY: "not-applicable",
    SkipReason.DO_NOT_KNOW: "asked-unknown",
}
"""Why a question has no answer, as a code of `absent`."""


def category(code: str, display: str) -> dict[str, Any]:
    """What kind of Observation it is: `survey`, `laboratory`, `exam`."""
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {"coding": [{"system": system, "code": code, "display": display}]}


def absent(code: str) -> dict[str, Any]:
    """An Observation's reason for having no value."""
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": code}]}


SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
"""The tag of a resource that is not all there is."""

SURVEY = category("survey", "Survey")


def ours(system: str, code: str, text: str) -> dict[str, Any]:
    """A concept of a system of our own."""
    return {"coding": [{"system": f"{OURS}/CodeSystem/{system}", "code": code, "display": text}], "text": text}


def instrument_concept(instrument: str, name: str) -> dict[str, Any]:
    """The concept of a score by an instrument, `id|version`: ours, and LOINC's where it has the total."""
    short, _, version = instrument.partition("|")
    concept = ours("instrument", short, name)
    concept["coding"][0]["version"] = version
    loinc = TOTALS_IN_LOINC.get(short)
    return concept if loinc is None else concept | {"coding": [{"system": LOINC, "code": loinc}, *concept["coding"]]}


def quantity(value: float, ucum: str, unit: str, comparator: str | None = None) -> dict[str, Any]:
    """A Quantity with its unit as a code of UCUM and as people read it."""
    said = {"value": value, "unit": unit, "system": UCUM, "code": ucum}
    return {**said, "comparator": comparator} if comparator else said
