"""Pages of a synthetic patient, made of events as the worker makes them: what they show cannot drift from the code."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from uuid import uuid5

from services.dashboard.domain import assemble, empty, fold, open_words, without_clinical
from shared.events import (
    ENROLLMENT_UPDATED,
    PATIENT_ERASED,
    SURVEY_COMPLETED,
    TOPIC_OF,
    VISIT_UPDATED,
    Assessment,
    Body,
    ClinicalChange,
    ClinicianDataUpdated,
    CorrectionReason,
    EnteredInError,
    Event,
    Lab,
    Medication,
    PlanStep,
    SurveyCompleted,
    VisitUpdated,
)
from shared.examples import EXAMPLES, PATIENT_ID, SITE_ID
from shared.instruments import IBD_10, PHQ_2, PRO_2_CD, PRO_3_CD, score_of
from shared.sealing import Words, WordsState

Told: TypeAlias = tuple[datetime, Body]
"""An event's body, and when it was recorded."""

SUMMARIES: Mapping[str, str] = {
    "page-full-history": "Two visits and what happened between them, as patient and clinician read it",
    "page-for-organising": "The same, as a coordinator reads it whose site does not show what is clinical",
    "page-nothing-yet": "A patient was enrolled, and nothing else is known yet",
    "page-erased": "The patient was erased",
}
_ENROLLED_AT = datetime(2025, 10, 2, 9, 0, tzinfo=UTC)
_JULY = datetime(2026, 7, 14, 15, 0, tzinfo=UTC)
_OCTOBER = datetime(2026, 10, 13, 15, 40, tzinfo=UTC)
_ERASED_AT = datetime(2026, 11, 2, 16, 30, tzinfo=UTC)
_VISIT = EXAMPLES[VISIT_UPDATED.name].model_dump()
_OF_SOMEBODY_ELSE = EnteredInError(reason=CorrectionReason.WRONG_PATIENT)
_IN_JULY = {"visit_id": uuid5(PATIENT_ID, "visit in July")}
_IN_OCTOBER = {"visit_id": _VISIT["visit_id"]}


def page_examples() -> dict[str, Any]:
    """Those of `SUMMARIES` by their names, as they stand in the components of an OpenAPI document."""
    enrolled = (_ENROLLED_AT, EXAMPLES[ENROLLMENT_UPDATED.name])
    full = _page([enrolled, *_visits(), *_surveys(), *_results(), *_medicines(), *_ratings(), *_steps()])
    erased = _page([enrolled, *_visits(), (_ERASED_AT, EXAMPLES[PATIENT_ERASED.name])])
    pages = (full, without_clinical(full), _page([enrolled]), erased)
    return {
        name: {"summary": summary, "value": open_words(page, lambda said, _place: Words(WordsState.READABLE, said))}
        for (name, summary), page in zip(SUMMARIES.items(), pages, strict=True)
    }


def _page(history: Iterable[Told]) -> dict[str, Any]:
    """The page of a history, of which nothing is sealed."""
    facts, published = empty(), Counter[str]()
    for at, body in sorted(history, key=lambda told: told[0]):
        topic = TOPIC_OF[type(body)].name
        published[topic] += 1
        event_id = uuid5(PATIENT_ID, f"{topic} {published[topic]}")
        facts = fold(facts, Event(event_id, topic, SITE_ID, str(PATIENT_ID), published[topic], at, body))
    return assemble(facts)


def _visits() -> Iterator[Told]:
    over_at = _JULY + timedelta(minutes=40)
    times = {"scheduled_at": _JULY, "checked_in_at": _JULY, "completed_at": over_at}
    yield over_at, VisitUpdated(**_VISIT | _IN_JULY | times | {"state": "completed"})
    yield _OCTOBER, VisitUpdated(**_VISIT)


def _surveys() -> Iterator[Told]:
    """One of July, and one of October in which the patient corrected an answer the day after."""
    well = {"loose_stools_per_day": 1.5, "abdominal_pain": 0, "in_remission": "yes", "ibd_control": 8, "phq2_mood": 0}
    steroids: dict[str, Any] = {"rank": 2, "topic": "steroids"}
    sent_at = _JULY - timedelta(days=2)
    first: dict[str, Any] = {"survey_id": uuid5(PATIENT_ID, "survey in July"), "skipped": {}, "submitted_at": sent_at}
    yield sent_at, _survey(well, **_IN_JULY, **first, concerns=[steroids | {"rank": 1}], matters_most=None)
    sent_at = datetime(2026, 10, 11, 18, 4, tzinfo=UTC)
    symptoms: dict[str, Any] = {"rank": 1, "topic": "symptoms", "words": "I wake up at night with cramps"}
    words: dict[str, Any] = {"concerns": [symptoms, steroids], "matters_most": "Being able to run again"}
    yield sent_at, _survey({"hospital_stays": 1}, **words)
    corrected: dict[str, Any] = {"version": 2, "change": "amended", "reason": "patient-corrected"}
    yield sent_at + timedelta(days=1), _survey({"hospital_stays": 0}, **words, **corrected)


def _survey(answers: Mapping[str, Any], **changes: Any) -> SurveyCompleted:
    """That of the contracts' examples with these answers among its own; scores follow the answers."""
    said = EXAMPLES[SURVEY_COMPLETED.name].model_dump() | changes
    given = said["answers"] | dict(answers)
    scores = [score_of(instrument, given) for instrument in (PRO_3_CD, PRO_2_CD, IBD_10, PHQ_2)]
    return SurveyCompleted(**said | {"answers": given, "scores": scores})


def _results() -> Iterator[Told]:
    """Calprotectin below what can be measured, then by another method; CRP, once corrected; one other check, and one of
    another patient that was taken back.
    """
    calprotectin: dict[str, Any] = {"loinc": "38445-3", "name": "Fecal calprotectin", "unit": "ug/g"}
    yield _lab(date(2026, 1, 8), **calprotectin, value=16, comparator="<", method="ELISA")
    yield _lab(date(2026, 7, 7), **calprotectin, value=95, method="ELISA")
    yield _lab(date(2026, 10, 7), **calprotectin, value=312, method="CLIA")
    crp: dict[str, Any] = {"loinc": "1988-5", "name": "C-reactive protein", "unit": "mg/L", "reference_high": 5}
    yield _lab(date(2026, 7, 7), **crp, value=3, comparator="<")
    yield _lab(date(2026, 10, 7), **crp, value=46)
    yield _lab(date(2026, 10, 7), **crp, value=4.6, is_corrected=True)
    yield _lab(date(2026, 10, 7), loinc="718-7", name="Hemoglobin", value=11.6, unit="g/dL", reference_low=12)
    ferritin: dict[str, Any] = {"loinc": "2276-4", "name": "Ferritin", "unit": "ng/mL", "value": 22}
    yield _lab(date(2026, 1, 8), **ferritin)
    yield _lab(date(2026, 1, 8), **ferritin, entered_in_error=_OF_SOMEBODY_ELSE, is_corrected=True)


def _lab(day: date, *, is_corrected: bool = False, **said: Any) -> Told:
    taken_at = datetime(day.year, day.month, day.day, 14, 0, tzinfo=UTC)
    lab = Lab(lab_id=uuid5(PATIENT_ID, f"{said['loinc']} {day}"), taken_at=taken_at, **said)
    return _by_clinic(taken_at + timedelta(days=2 if is_corrected else 1), lab)


def _medicines() -> Iterator[Told]:
    """One whose dose was changed in July, and one that was stopped."""
    adalimumab: dict[str, Any] = {"name": "adalimumab", "drug_class": "anti-tnf", "route": "subcutaneous"}
    until = {"started_on": date(2025, 11, 3), "stopped_on": date(2026, 7, 31), "stop_reason": "loss-of-response"}
    yield _medicine(**adalimumab, dose="40 mg every 2 weeks", **until)
    yield _medicine(**adalimumab, dose="40 mg every week", started_on=date(2026, 7, 31))
    course = {"started_on": date(2026, 3, 2), "stopped_on": date(2026, 5, 11), "stop_reason": "course-completed"}
    yield _medicine(name="prednisone", drug_class="steroid-systemic", route="oral", dose="40 mg, tapered", **course)


def _medicine(**said: Any) -> Told:
    medication = Medication(medication_id=uuid5(PATIENT_ID, f"{said['name']} {said['dose']}"), **said)
    return _by_clinic(_JULY if medication.stopped_on else _OCTOBER, medication)


def _ratings() -> Iterator[Told]:
    for at, visit, activity in ((_JULY, _IN_JULY, "remission"), (_OCTOBER, _IN_OCTOBER, "mild")):
        rating: dict[str, Any] = {"clinician_id": "dr-rowe", "activity": activity, "assessed_at": at, **visit}
        yield _by_clinic(at, Assessment(assessment_id=uuid5(PATIENT_ID, f"rating {at}"), **rating))


def _steps() -> Iterator[Told]:
    """One done, one open until a day, one of the front desk's own."""
    done: dict[str, Any] = {"is_done": True, "done_on": date(2026, 7, 31)}
    yield _step(_JULY, what="Take adalimumab every week", who="patient", due_on=date(2026, 7, 31), **_IN_JULY, **done)
    level: dict[str, Any] = {"what": "Measure the drug level and call", "due_on": date(2026, 10, 27), **_IN_OCTOBER}
    yield _step(_OCTOBER, who="clinician", **level)
    yield _step(_OCTOBER, who="front-desk", what="Book the next visit in three months")


def _step(agreed_at: datetime, **said: Any) -> Told:
    step = PlanStep(step_id=uuid5(PATIENT_ID, said["what"]), agreed_at=agreed_at, **said)
    return _by_clinic(agreed_at, step)


def _by_clinic(at: datetime, change: ClinicalChange) -> Told:
    return at, ClinicianDataUpdated(patient_id=PATIENT_ID, effective_at=at, change=change)
