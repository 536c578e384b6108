"""The Bundle: who, what was said, what was recorded, what was agreed, from whom each is, and what is not there.

A collection and not a document: nobody has attested it. What a page says beyond what FHIR has a place for (whether the
readings agree, what changed since last time) is in the JSON copy.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.dashboard.pages.export.fhir import words
from services.dashboard.pages.export.fhir.answers import answers, scores
from services.dashboard.pages.export.fhir.clinic import plan, recorded
from services.dashboard.pages.export.fhir.parts import Json, an_id, patient_of, reference
from services.dashboard.pages.export.fhir.person import person
from services.dashboard.pages.export.fhir.words import ENGLISH
from services.dashboard.pages.export.words import made_words
from shared.events import EntryMode

Page = Mapping[str, Any]
_TEST = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST", "display": "test health data"}

_PARTICIPANTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def bundle_of(page: Page, *, made_at: datetime, is_synthetic: bool) -> Json:
    """An opened page as a Bundle of the type collection; every text on it must be readable."""
    at = made_at.astimezone(UTC).isoformat(timespec="seconds")
    said, computed, of_clinic = list(answers(page)), list(scores(page)), list(recorded(page))
    resources = [
        *person(page),
        *said,
        *computed,
        *of_clinic,
        *plan(page),
        *_provenance(page, said, computed, of_clinic),
        _not_there(page, at, is_synthetic=is_synthetic),
    ]
    return {
        "resourceType": "Bundle",
        **({"meta": {"security": [_TEST]}} if is_synthetic else {}),
        "type": "collection",
        "timestamp": at,
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }


def _provenance(page: Page, said: Sequence[Json], computed: Sequence[Json], of_clinic: Sequence[Json]) -> list[Json]:
    """Who said it: the patient, our sum of their answers, the clinic."""
    at = {name: source["recorded_at"] for name, source in page["sources"].items() if source}
    taken_back_at = (one["at"] for one in page.get("taken_back", ()))
    of_clinic_at = max((*taken_back_at, *(time for name, time in at.items() if name != "survey")), default=None)
    clinic = {"display": f"{words.OF_CLINIC} ({page['patient']['site_id']})"}
    given = (
        (said, at.get("survey"), "author", _respondent(page)),
        (computed, at.get("survey"), "assembler", {"who": {"display": f"Samepage: {words.COMPUTED}"}}),
        (of_clinic, of_clinic_at, "author", {"who": clinic}),
    )
    return [
        {
            "resourceType": "Provenance",
            "id": an_id(page, "provenance", resources[0]["id"]),
            "target": [reference(one["id"]) for one in resources],
            "recorded": time,
            "agent": [{"type": {"coding": [{"system": _PARTICIPANTS, "code": part}]}, **agent}],
        }
        for resources, time, part, agent in given
        if resources
    ]


def _respondent(page: Page) -> Json:
    patient = patient_of(page)
    if page["survey"] is not None and page["survey"]["mode"] == EntryMode.PROXY:
        return {"who": {"display": words.ON_BEHALF}, "onBehalfOf": patient}
    return {"who": patient}


def _not_there(page: Page, at: str, *, is_synthetic: bool) -> Json:
    """When it was made, and every gap, where a reader of the Bundle finds it."""
    said = [
        *([words.SYNTHETIC] if is_synthetic else []),
        made_words(at, page["as_of"], ENGLISH),
        words.NOT_ALL,
        *([words.HIDDEN] if page["clinical"] == "hidden" else []),
        *map(words.missing_words, page["missing"]),
    ]
    return {
        "resourceType": "OperationOutcome",
        "id": an_id(page, "not-there"),
        "issue": [{"severity": "information", "code": "informational", "details": {"text": text}} for text in said],
    }
