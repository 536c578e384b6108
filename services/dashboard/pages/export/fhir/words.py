"""What a Bundle says in words: English, whoever takes it. Programs read it, and codes carry what it means."""

from collections.abc import Mapping
from typing import Any

from services.dashboard.pages.labels import ITEMS, SKIPPED
from shared.pages.speaking import Speaks

ENGLISH = Speaks()

RECALL: Mapping[str, str] = {
    **dict.fromkeys(
        ("ed_visits", "hospital_stays", "ct_scans", "steroid_courses", "opioid_use"), "in the past 6 months"
    ),
    **dict.fromkeys(("fatigue", "pain_nrs", "nights_woken", "output_change"), "in the past 7 days"),
    "rectal_bleeding": "in the past 3 days",
    **dict.fromkeys(("ibd_control", "missed_doses", "phq_2"), "in the past 2 weeks"),
}
"""The time that a question is about, where it is about one."""

_MISSING: Mapping[str, str] = {
    "enrollment": "who the patient is",
    "survey": "a survey",
    "survey-for-visit": "a survey for the visit at hand",
    "own-form": "other answers to “{title}”, a form of the clinic's own",
    "assessment": "a rating by a clinician",
    "assessment-for-visit": "a rating by a clinician for the visit at hand",
    "no-score": "the symptom score: the survey asked for no answers that make one",
    "score": "the symptom score: not every question that it needs was answered",
    "lab": "{name}: no result",
    "medications": "a medicine on the clinic's list, which is not the same as taking none",
    "answer": "an answer to {item}: {reason}",
}

CONCERN = "What the patient wants to talk about"
TOPIC = "Topic"
GLOBAL_ASSESSMENT = "Physician global assessment of disease activity"
NEXT_STEPS = "Next steps that patient and clinician agreed on"
OF_CLINIC = "The clinic or its laboratory"
COMPUTED = "computed from the patient's answers"
ON_BEHALF = "Somebody on the patient's behalf"
NO_SCORE = "Not every question that it needs was answered"
DONE = "Done"
IN_ERROR: Mapping[str, str] = {
    "assessment": "A clinician's rating that was entered in error",
    "lab": "A laboratory result that was entered in error",
    "medication": "A medicine that was entered in error",
}
SYNTHETIC = "Synthetic data: no real person."
NOT_ALL = "What has no place in FHIR is in the JSON copy."
HIDDEN = "What the patient and the clinician say is not in it: the clinic shows coordinators what organises care."


def missing_words(gap: Mapping[str, Any]) -> str:
    """What is not there, in full: `Not there: Calprotectin: no result.`"""
    named = {
        "name": gap.get("name", ""),
        "title": gap.get("title", ""),
        "item": ENGLISH.named(ITEMS, gap.get("item", "")),
        "reason": ENGLISH.named(SKIPPED, gap.get("reason", "")),
    }
    return f"Not there: {_MISSING.get(gap['what'], gap['what']).format(**named)}."
