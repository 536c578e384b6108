"""The words of copies that the page itself does not have, in plain English."""

from collections.abc import Mapping
from typing import Any

from services.dashboard.pages.labels import SKIPPED, item_words
from shared.pages.words import number

RECALL: Mapping[str, str] = {
    **dict.fromkeys(
        ("ed_visits", "hospital_stays", "ct_scans", "steroid_courses", "opioid_use"), "in the past 6 months"
    ),
    **dict.fromkeys(("fatigue", "pain_nrs", "nights_woken"), "in the past 7 days"),
    **dict.fromkeys(("ibd_control", "missed_doses", "phq_2"), "in the past 2 weeks"),
}
"""The time that a question is about, where it is about one."""

_SIDES: Mapping[str, str] = {"over": "over", "under": "under", "within": "within"}

_MISSING: Mapping[str, str] = {
    "enrollment": "who the patient is",
    "survey": "a survey",
    "survey-for-visit": "a survey for the visit at hand",
    "assessment": "a rating by a clinician",
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
CORRECTED = "Before a correction"
DONE = "Done"
SYNTHETIC = "Synthetic data: no real person."
NOT_ALL = "What has no place in FHIR is in the JSON copy."
UNDRAWN = (
    "Some letters or signs cannot be printed in this file: empty places or boxes stand for them. The page has them."
)
NOT_FOR_EMERGENCIES = "Not for emergencies. No diagnosis or dosing advice."

TITLE = "Same page: visit summary"
WHO = "Who and when"
FRESH = "How fresh each source is"
MISSING = "Missing"
NOTHING = "nothing"
TALK_ABOUT = "What I want to talk about"
MATTERS_MOST = "What matters most to me"
HOW = "How am I doing?"
I_SAY = "I say"
ANSWERS_SAY = "My answers say"
CLINICIAN_SAYS = "My clinician says"
DISAGREE = "These do not agree."
SCORE = "My symptom score"
MEDICINES = "My medicines"
LABS = "Labs: signs of inflammation"
CARE = "Urgent care, past 6 months"
WELL_BEING = "Well-being and mood, higher is worse"
DAY_TO_DAY = "Medicines, day to day"
CHECKS = "Other checks"
PLAN = "Next steps we agreed"
EMPTY: Mapping[str, str] = {
    TALK_ABOUT: "No survey yet: nobody has told us what they want to talk about.",
    SCORE: "No score yet. It is computed from the first survey.",
    MEDICINES: "No medicine on the clinic's list. That is not the same as taking none.",
    LABS: "No calprotectin or CRP yet.",
    CARE: "No answers yet.",
    WELL_BEING: "No answers yet.",
    DAY_TO_DAY: "No answers yet.",
    CHECKS: "No other result yet.",
    PLAN: "No step agreed yet.",
}
"""What a section says that has nothing to show."""

NO_CONCERN = "No concern named: asked, and left empty."
LEFT_EMPTY = "Asked, and left empty."
NOBODY = {I_SAY: "No survey yet", ANSWERS_SAY: "No score yet", CLINICIAN_SAYS: "No rating yet"}
NOT_ENROLLED = "Enrollment has not arrived: age and diagnosis are not known."

ANSWERED, BAND, POINTS = "Answered", "Band", "Score"
MEDICINE, DOSE, FROM, TO, WHY_STOPPED = "Medicine", "Dose", "From", "To", "Why stopped"
TAKEN, TEST, RESULT, LIMIT, METHOD = "Taken", "Test", "Result", "Limit", "Method"
STEP, WHO_DOES, BY_WHEN = "Step", "Who", "By when"
QUESTION, NOW = "Question", "Now"
UNLISTED = "no steroid in the clinic's list for that time"
STILL, NO_DOSE, NO_METHOD, NO_LIMIT, NO_DAY, NO_ANSWER = (
    "still on it",
    "not recorded",
    "not said",
    "no limit",
    "no day set",
    "no answer",
)


def made_words(made_at: str, up_to: str | None) -> str:
    return f"Made {made_at} from events up to {up_to or 'none'}. A copy: it is not kept up to date."


def missing_words(gap: Mapping[str, Any]) -> str:
    """What is not there, in full: `Not there: Calprotectin: no result.`"""
    named = {
        "name": gap.get("name", ""),
        "item": item_words(gap.get("item", "")),
        "reason": SKIPPED.get(gap.get("reason", ""), ""),
    }
    return f"Not there: {_MISSING.get(gap['what'], gap['what']).format(**named)}."


def limit_words(side: str | None, low: float | None, high: float | None) -> str:
    """On which side of its limits a result is: `over (250 or less)`; the limits alone where it cannot be judged."""
    if low is not None and high is not None:
        limit = f"{number(low)}–{number(high)}"
    elif low is not None:
        limit = f"{number(low)} or more"
    else:
        limit = NO_LIMIT if high is None else f"{number(high)} or less"
    return f"{_SIDES[side]} ({limit})" if side else limit


def late_words(day: str) -> str:
    return f"was due {day}"


def raised_words(day: str | None) -> str:
    return f"topic also raised on {day}" if day else "new"
