"""What the clinic and its laboratory recorded, and the plan that both made."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.dashboard.pages import labels
from services.dashboard.pages.export.fhir import words
from services.dashboard.pages.export.fhir.parts import Json, an_id, encounter_of, patient_of, staff
from services.dashboard.pages.export.fhir.words import ENGLISH
from services.dashboard.pages.export.words import before_words
from services.dashboard.pages.reader import limit_words
from shared.fhir import LOINC, category, ours, quantity

Page = Mapping[str, Any]
_LABORATORY, _EXAM = category("laboratory", "Laboratory"), category("exam", "Exam")
_SIDES = {"over": ("H", "High"), "under": ("L", "Low"), "within": ("N", "Normal")}
# What was meant to end so: the medicine, or one dose of it.
_COMPLETED = ("course-completed", "dose-changed")


def recorded(page: Page) -> Iterator[Json]:
    """Ratings, laboratory results and medicines, in the order of the page."""
    rating = page["readings"]["clinician"]
    if rating is not None:
        yield _rating(page, rating, by=rating["clinician_id"], visit_id=rating["visit_id"])
        if rating["last"] is not None:
            yield _rating(page, rating["last"])
    for medication in page["medications"]:
        yield _medication(page, medication)
    for series in page["labs"]:
        for point in series["points"]:
            yield _result(page, series, point)
    for mistake in page.get("taken_back", ()):
        if mistake["kind"] != "plan-step":
            yield _entered_in_error(page, mistake)


def _entered_in_error(page: Page, mistake: Mapping[str, Any]) -> Json:
    """For who holds an earlier copy: what stands there under this id is to go. It has nothing of what was said.

    A plan is one resource, whole in each copy: a step that is not in it any more needs none.
    """
    what = {"text": words.IN_ERROR[mistake["kind"]]}
    withdrawn = {"id": mistake["id"], "status": "entered-in-error", "subject": patient_of(page)}
    if mistake["kind"] == "medication":
        asserted = {"medicationCodeableConcept": what, "dateAsserted": mistake["at"]}
        return {"resourceType": "MedicationStatement", **withdrawn, **asserted}
    return {"resourceType": "Observation", **withdrawn, "code": what, "issued": mistake["at"]}


def plan(page: Page) -> Iterator[Json]:
    """The shared plan, if a step was agreed."""
    if page["plan"]:
        yield {
            "resourceType": "CarePlan",
            "id": an_id(page, "plan"),
            "status": "active" if any(not step["is_done"] for step in page["plan"]) else "completed",
            "intent": "plan",
            "title": words.NEXT_STEPS,
            "subject": patient_of(page),
            "created": min(step["agreed_at"] for step in page["plan"]),
            "activity": [_activity(page, step) for step in page["plan"]],
        }


def _rating(page: Page, rating: Mapping[str, Any], by: str | None = None, visit_id: str | None = None) -> Json:
    activity = rating["activity"]
    return {
        "resourceType": "Observation",
        "id": rating.get("assessment_id") or an_id(page, "assessment", rating["at"]),
        "status": "final",
        "category": [_EXAM],
        "code": ours("instrument", "pga", words.GLOBAL_ASSESSMENT),
        "subject": patient_of(page),
        **encounter_of(page, visit_id),
        "effectiveDateTime": rating["at"],
        **({"performer": [staff(by)]} if by else {}),
        "valueCodeableConcept": ours("activity", activity, ENGLISH.say(labels.ACTIVITIES[activity])),
    }


def _result(page: Page, series: Mapping[str, Any], point: Mapping[str, Any]) -> Json:
    made: Json = {
        "resourceType": "Observation",
        "id": point["lab_id"],
        "status": "corrected" if point["was"] else "final",
        "category": [_LABORATORY],
        "code": {"coding": [{"system": LOINC, "code": series["loinc"]}], "text": series["name"]},
        "subject": patient_of(page),
        "effectiveDateTime": point["at"],
        "performer": [{"display": words.OF_CLINIC}],
        "valueQuantity": quantity(point["value"], point["unit"], ENGLISH.unit(point["unit"]), point["comparator"]),
        "referenceRange": _ranges(series, point),
        "note": [{"text": before_words(was, ENGLISH)} for was in point["was"]],
    }
    if point["side"] is not None:
        made["interpretation"] = [_interpretation(point, is_of_laboratory=not series["marker"])]
    if point["method"] is not None:
        made["method"] = {"text": point["method"]}
    return {name: value for name, value in made.items() if value != []}


def _interpretation(point: Mapping[str, Any], *, is_of_laboratory: bool) -> Json:
    """Coded where the laboratory set the range; within a target is not the same as normal."""
    text = limit_words(point, ENGLISH)
    if not is_of_laboratory:
        return {"text": text}
    code, display = _SIDES[point["side"]]
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text}


def _ranges(series: Mapping[str, Any], point: Mapping[str, Any]) -> list[Json]:
    """The limits that the page holds a result against, and who set them."""
    ends = {"low": point["limit_low"], "high": point["limit_high"]}
    code, printed = point["unit"], ENGLISH.unit(point["unit"])
    limits = {end: quantity(value, code, printed) for end, value in ends.items() if value is not None}
    return [{**limits, "text": series["limit"]["source"]}] if limits and series["limit"] else []


def _medication(page: Page, medication: Mapping[str, Any]) -> Json:
    reason, drug_class = medication["stop_reason"], medication["drug_class"]
    period = {"start": medication["started_on"], "end": medication["stopped_on"]}
    made: Json = {
        "resourceType": "MedicationStatement",
        "id": medication["medication_id"],
        "status": _taken(medication),
        "medicationCodeableConcept": ours("drug-class", drug_class, ENGLISH.named({}, drug_class))
        | {"text": medication["name"]},
        "subject": patient_of(page),
        "effectivePeriod": {end: day for end, day in period.items() if day is not None},
    }
    if reason is not None:
        made["statusReason"] = [ours("stop-reason", reason, ENGLISH.named(labels.STOPPED, reason))]
    dosage = {"text": medication["dose"]} if medication["dose"] else {}
    route = {"route": {"text": medication["route"]}} if medication["route"] else {}
    return {**made, "dosage": [{**dosage, **route}]} if dosage or route else made


def _taken(medication: Mapping[str, Any]) -> str:
    if medication["stopped_on"] is None:
        return "active"
    return "completed" if medication["stop_reason"] in _COMPLETED else "stopped"


def _activity(page: Page, step: Mapping[str, Any]) -> Json:
    who = patient_of(page) if step["who"] == "patient" else {"display": ENGLISH.named(labels.WHO, step["who"])}
    detail = {
        "status": "completed" if step["is_done"] else "not-started",
        **({"description": step["what"]} if step["what"] else {}),
        "performer": [who],
    }
    if step["due_on"] is not None:
        detail["scheduledPeriod"] = {"end": step["due_on"]}
    return {"detail": detail, **({"progress": [_done(step)]} if step["is_done"] else {})}


def _done(step: Mapping[str, Any]) -> Json:
    return {**({"time": step["done_on"]} if step["done_on"] else {}), "text": words.DONE}
