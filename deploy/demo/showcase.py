"""The patient to show first: her chapters as the bodies that everybody else has."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from deploy.demo.answers import shown_of
from deploy.demo.chapters import CHAPTERS, GOAL, Chapter, Step
from deploy.demo.laboratory import censored
from deploy.demo.network import Body, Patient, Visit
from deploy.demo.people import Person
from deploy.demo.places import Place
from deploy.demo.treatment import Interval, Regimen, taper
from services.intake.domain import form_for
from shared.events import (
    ConsentState,
    Diagnosis,
    Education,
    Language,
    Sex,
    SkipReason,
    ViewContext,
    ViewerRole,
    VisitState,
)

SURVEYS = len(CHAPTERS)
TODAY = SURVEYS - 1
_USUAL: Body = {
    "has_stoma_or_pouch": False,
    "rectal_bleeding": 0,
    "urgency": 1,
    "nights_woken": 0,
    "pain_nrs": 1,
    "phq4_nervous": 0,
    "phq4_worry": 0,
    "phq2_interest": 0,
    "phq2_mood": 0,
    "ed_visits": 0,
    "ed_in_2_weeks": False,
    "urgent_contacts": 0,
    "hospital_stays": 0,
    "ct_scans": 0,
    "steroid_courses": 0,
    "opioid_use": False,
    "takes_medicines": True,
    "taking_as_agreed": True,
    "missed_doses": 0,
    "side_effects": False,
    "barriers": "none",
}
_ADALIMUMAB = Regimen("adalimumab", "40 mg every 2 weeks", "subcutaneous")
_MEDICINES = (
    Interval(Regimen("mesalamine", "2.4 g daily", "oral"), -900, -359, "no-response"),
    Interval(Regimen("adalimumab", "160 mg, then 80 mg after 2 weeks", "subcutaneous"), -359, -331, "dose-changed"),
    Interval(_ADALIMUMAB, -331),
    *taper(-369),
)


def showcase_person(chair: Person, today: date) -> Person:
    """Her, in the place of the person who would have sat there."""
    return replace(
        chair,
        sex=Sex.FEMALE,
        birth_year=today.year - 34,
        education=Education.COLLEGE_DEGREE,
        language=Language.ENGLISH,
        diagnosis=Diagnosis.CROHNS,
        enrolled_day=-385,
        consent=ConsentState.CONSENTED,
        engagement=1.0,
        has_stoma=False,
    )


def showcase_patient(person: Person, today: date) -> Patient:
    """All that is known of her; her visit of today is the last one, and she is checked in."""
    return Patient(
        enrolment=person.enrolment(today),
        visits=tuple(_visit(person, chapter, today) for chapter in CHAPTERS),
        labs=tuple(lab for chapter in CHAPTERS for lab in _labs(person.place, chapter, today)),
        medications=tuple(interval.body(today) for interval in _MEDICINES),
    )


def _visit(person: Person, chapter: Chapter, today: date) -> Visit:
    weekday = (today + timedelta(days=chapter.day)).weekday()
    day = chapter.day - (weekday - 4 if weekday > 4 and chapter.day < 0 else 0)
    at = person.place.instant(today, day, 10, 20)
    schedule = {"clinician_id": person.clinician_id, "scheduled_at": at.isoformat()}
    rated = at - timedelta(minutes=75) if day < 0 else person.place.instant(today, -1, 16, 40)
    ended = at + timedelta(minutes=32)
    times = {"checked_in_at": (at - timedelta(minutes=6)).isoformat(), "completed_at": ended.isoformat()}
    change = {"state": VisitState.COMPLETED.value, **times} if day < 0 else {"state": VisitState.CHECKED_IN.value}
    return Visit(
        schedule=schedule,
        changes=(change,),
        survey=_survey(person.place, chapter, today),
        assessments=(
            {
                "clinician_id": person.clinician_id,
                "activity": chapter.rated.value,
                "assessed_at": rated.isoformat(),
            },
        ),
        plan_steps=tuple(_step(step, day, (ended - timedelta(minutes=4)).isoformat(), today) for step in chapter.steps),
        views=(_view((at + timedelta(minutes=4)).isoformat()),) if day < 0 else (),
    )


def _survey(place: Place, chapter: Chapter, today: date) -> Body:
    at = place.instant(today, chapter.day - 2, 18, 4)
    stools, pain, well_being = chapter.index
    answers = {
        **_USUAL,
        "loose_stools_per_day": stools,
        "abdominal_pain": pain,
        "well_being": well_being,
        "ibd_control": chapter.control,
        "in_remission": chapter.in_remission,
        **chapter.others,
    }
    form, skipped = form_for(Diagnosis.CROHNS), dict[str, SkipReason]()
    if chapter.day == 0:
        del answers["opioid_use"]
        skipped["opioid_use"] = SkipReason.PREFER_NOT_TO_SAY
    asked, unanswered = shown_of(form, answers, skipped)
    return {
        "form": form.key,
        "language": Language.ENGLISH.value,
        "started_at": (at - timedelta(minutes=4)).isoformat(),
        "submitted_at": at.isoformat(),
        "answers": asked,
        "skipped": {item: reason.value for item, reason in unanswered.items()},
        "concerns": [{"topic": topic, "words": said} for topic, said in chapter.concerns],
        "matters_most": GOAL,
    }


def _step(step: Step, day: int, agreed_at: str, today: date) -> Body:
    what, who, due, done = step
    body: Body = {"what": what, "who": who, "agreed_at": agreed_at}
    if due is not None:
        body["due_on"] = (today + timedelta(days=day + due)).isoformat()
    if done is not None:
        body |= {"is_done": True, "done_on": (today + timedelta(days=day + done)).isoformat()}
    return body


def _labs(place: Place, chapter: Chapter, today: date) -> Iterator[Body]:
    day = chapter.day - 6
    calprotectin, crp, hemoglobin, ferritin = chapter.results
    changed = place.new_method_from
    method = "chemiluminescence" if changed is not None and day >= changed else "ELISA"
    taken_at = place.instant(today, day, 8, 15).isoformat()
    blood = {"unit": "g/dL", "reference_low": 12.0, "reference_high": 15.5}
    for body in (
        {"loinc": "38445-3", "unit": "ug/g", "method": method, **censored(calprotectin, low=16)},
        {"loinc": "1988-5", "unit": "mg/L", "reference_high": 5, **censored(crp, low=3)},
        {"loinc": "718-7", "value": hemoglobin, **blood},
        {"loinc": "2276-4", "value": ferritin, "unit": "ng/mL"},
    ):
        yield {**body, "taken_at": taken_at}


def _view(opened_at: str) -> Body:
    return {
        "role": ViewerRole.CLINICIAN.value,
        "context": ViewContext.IN_VISIT.value,
        "is_shared_screen": True,
        "opened_at": opened_at,
        "duration_ms": 540_000,
        "panels": ["concerns", "how", "trends", "care", "plan"],
    }
