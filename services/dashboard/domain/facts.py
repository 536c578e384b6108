"""What is known of one patient, folded from events. The facts are a JSON document and nothing else is kept.

Guarantee: any order, any interleaving of topics and any repetition of the same events folds to equal facts.
Every item (a visit, a survey, a laboratory result ...) is replaced only by an event of its topic with a
higher `sequence`; no clock, no chance and no order of arrival enters. Sealed words stay sealed. Of an
erased patient nothing is kept but that and how far their events were read, whatever came before or comes after.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from services.dashboard.domain.history import BOUNDS, Bounds, bounded, newest_surveys, pointed, with_newest_versions
from shared.events import (
    Assessment,
    Body,
    ClinicianDataUpdated,
    EnrollmentUpdated,
    Event,
    Lab,
    Medication,
    PatientErased,
    PlanStep,
    SurveyCompleted,
    VisitUpdated,
)

Section = Literal["enrollment", "visits", "surveys", "assessments", "labs", "medications", "steps"]
SECTIONS: tuple[Section, ...] = (
    "enrollment",
    "visits",
    "surveys",
    "assessments",
    "labs",
    "medications",
    "steps",
)
_WITH_WORDS = ("surveys", "steps")
_OF_EARLIER = ("version", "change", "reason", "mode", "submitted_at", "recorded_at", "answers", "skipped", "scores")

Item = Mapping[str, Any]
"""The body of the newest event about one thing, with `sequence` and `recorded_at` of its envelope, and where
there can be words in it the `event_id` that they are sealed for.

A correction must not hide what stood there before. A laboratory result also has `versions`: its value by the sequence
of every event about it; a survey that was corrected has its `earlier` versions by theirs, without words. What was
entered in error stays with its mark, so that an older event that comes late brings nothing back; no page has it
(domain.items).
"""


Facts = dict[str, Any]
"""All that is known of a patient: `site_id` and `patient_id`; `items` by section and id; `sources` by topic,
each with the highest `sequence` and the newest event `time` that has been folded; `erased` when and why; and for their
bounds (domain.history) the `floors` of sections and the `newest_surveys`.
"""


def empty() -> Facts:
    """A patient of whom nothing is known yet."""
    return {
        "site_id": None,
        "patient_id": None,
        "sources": {},
        "items": {section: {} for section in SECTIONS},
        "floors": {},
        "newest_surveys": {},
        "erased": None,
    }


def fold(facts: Facts, event: Event, bounds: Bounds = BOUNDS) -> Facts:
    """The facts with this event in them, within bounds; `facts` itself is left as it is.

    Events that say nothing of the patient's care (sites, views) are not folded in, and feedback never is: it
    is private, and no page of a clinic may ever show it.
    """
    place = _place(event.body)
    if place is None:
        return facts
    time = stamp(event.time)
    sources = {**facts["sources"], event.topic: _further(facts["sources"].get(event.topic), event.sequence, time)}
    known = {**facts, "site_id": event.site_id, "patient_id": event.key, "sources": sources}
    section, item_id, content = place
    if section == "erased":
        erased = _newest(facts["erased"], {**content, "sequence": event.sequence})
        return {**empty(), **{name: known[name] for name in ("site_id", "patient_id", "sources")}, "erased": erased}
    if facts["erased"]:
        return known
    new = {**content, "sequence": event.sequence, "recorded_at": time}
    if section in _WITH_WORDS:
        new["event_id"] = str(event.event_id)
    if section == "labs":
        new["versions"] = {str(event.sequence): {name: content[name] for name in ("value", "comparator", "unit")}}
    if section == "surveys":
        return _with_survey(known, item_id, new, bounds)
    return _with(known, section, item_id, new, bounds)


def _with_survey(facts: Facts, survey_id: str, new: Item, bounds: Bounds) -> Facts:
    newest = newest_surveys(facts["newest_surveys"], survey_id, new["submitted_at"], bounds)
    facts = _with(facts, "surveys", survey_id, new, bounds)
    items = {**facts["items"], "surveys": pointed(facts["items"]["surveys"], newest, bounds)}
    return {**facts, "items": items, "newest_surveys": newest}


def _with(facts: Facts, section: Section, item_id: str, new: Item, bounds: Bounds) -> Facts:
    before = facts["floors"].get(section, 0)
    if new["sequence"] <= before:
        return facts
    held, newest = facts["items"][section], _newest_survey if section == "surveys" else _newest
    item = with_newest_versions(section, newest(held.get(item_id), new), bounds)
    kept, floor = bounded(section, {**held, item_id: item}, before, bounds)
    floors = facts["floors"] if floor == before else {**facts["floors"], section: floor}
    return {**facts, "items": {**facts["items"], section: kept}, "floors": floors}


def stamp(time: datetime) -> str:
    """A time in UTC with microseconds, so that the order of the texts is the order of the times."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _place(body: Body) -> tuple[Section | Literal["erased"], str, Item] | None:
    match body:
        case PatientErased():
            return "erased", "", {"at": stamp(body.erased_at), "reason": body.reason}
        case EnrollmentUpdated():
            return "enrollment", str(body.patient_id), body.model_dump(mode="json")
        case VisitUpdated():
            return "visits", str(body.visit_id), body.model_dump(mode="json")
        case SurveyCompleted():
            at = stamp(body.submitted_at)
            return "surveys", str(body.survey_id), {**body.model_dump(mode="json"), "submitted_at": at}
        case ClinicianDataUpdated():
            return *_clinical_place(body.change), body.change.model_dump(mode="json")
    return None


def _clinical_place(change: Assessment | Lab | Medication | PlanStep) -> tuple[Section, str]:
    match change:
        case Assessment():
            return "assessments", str(change.assessment_id)
        case Lab():
            return "labs", str(change.lab_id)
        case Medication():
            return "medications", str(change.medication_id)
        case PlanStep():
            return "steps", str(change.step_id)


def _newest(held: Item | None, new: Item) -> Item:
    if held is None:
        return new
    kept = held if held["sequence"] >= new["sequence"] else new
    if "versions" not in new:
        return kept
    return {**kept, "versions": {**held["versions"], **new["versions"]}}


def _newest_survey(held: Item | None, new: Item) -> Item:
    if held is None or held["sequence"] == new["sequence"]:
        return held or new
    older, newer = sorted((held, new), key=lambda version: int(version["sequence"]))
    earlier = {str(older["sequence"]): {name: older.get(name) for name in _OF_EARLIER}}
    return {**newer, "earlier": {**held.get("earlier", {}), **earlier}}


def _further(held: Mapping[str, Any] | None, sequence: int, time: str) -> Mapping[str, Any]:
    new = {"sequence": sequence, "time": time}
    return new if held is None else {name: max(held[name], value) for name, value in new.items()}
