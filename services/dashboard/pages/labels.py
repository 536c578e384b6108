"""The words for codes, in plain English: what a person calls it comes first."""

from collections.abc import Mapping

DIAGNOSES: Mapping[str, tuple[str, str]] = {
    "crohns-disease": ("Crohn's disease", "can be anywhere in the gut"),
    "ulcerative-colitis": ("Ulcerative colitis", "of the large bowel"),
    "ibd-unclassified": ("IBD, not classified", "not clear yet whether Crohn's or colitis"),
}
"""Name and one plain gloss."""

SEXES: Mapping[str, str] = {
    "female": "female",
    "male": "male",
    "other": "other sex",
    "unknown": "sex not recorded",
}

ERASED: Mapping[str, str] = {
    "patient-request": "The patient asked for it.",
    "enrolled-in-error": "It had been opened by mistake.",
    "retention-ended": "The time for keeping it had ended.",
    "legal-order": "The law asked for it.",
}

TOPICS: Mapping[str, str] = {
    "symptoms": "Symptoms",
    "medicine": "Medicine",
    "side-effects": "Side effects",
    "steroids": "Steroids",
    "diet": "Diet",
    "work-or-school": "Work or school",
    "family": "Family",
    "mood": "Mood",
    "cost": "Cost",
    "other": "Something else",
}

ITEMS: Mapping[str, str] = {
    "ed_visits": "Emergency (ED) visits",
    "hospital_stays": "Hospital stays",
    "ct_scans": "CT scans",
    "steroid_courses": "Steroid courses",
    "opioid_use": "Opioids",
    "fatigue": "Tiredness",
    "pain_nrs": "Pain",
    "nights_woken": "Nights woken",
    "phq_2": "Low mood, PHQ-2",
    "taking_as_agreed": "As agreed",
    "missed_doses": "Missed doses",
    "side_effects": "Side effects",
    "barriers": "In the way",
    "in_remission": "In remission",
    "ibd_control": "IBD control",
    "loose_stools_per_day": "Stools a day",
    "abdominal_pain": "Belly pain 0–3",
    "well_being": "Well-being 0–4",
    "stool_frequency": "Stools 0–3",
    "rectal_bleeding": "Bleeding 0–3",
    "phq2_interest": "Interest",
    "phq2_mood": "Mood",
}

ANSWER_TO: Mapping[str, str] = {
    "opioid_use": "opioid",
    "phq_2": "mood",
    "ibd_control": "IBD control",
    "barriers": "barriers",
}
"""What an answer is called in a list of what is missing, where the name of its row does not do."""

COUNTED: Mapping[str, tuple[str, str]] = {
    "ed_visits": ("ED visit", "ED visits"),
    "hospital_stays": ("hospital stay", "hospital stays"),
    "ct_scans": ("CT scan", "CT scans"),
    "steroid_courses": ("steroid course", "steroid courses"),
}

RECORDED: Mapping[str, str] = {
    "visits": "visits",
    "surveys": "surveys",
    "assessments": "clinician's ratings",
    "labs": "laboratory results",
    "medications": "entries of medicines",
    "steps": "agreed steps",
}

SKIPPED: Mapping[str, str] = {
    "prefer-not-to-say": "chose not to answer",
    "does-not-apply": "does not apply",
    "do-not-know": "does not know",
}

BARRIERS: Mapping[str, str] = {
    "none": "nothing",
    "cost": "cost",
    "forgetting": "forgetting",
    "side-effects": "side effects",
    "time": "time, work or school",
    "supply": "getting the medicine",
    "worry": "worry about the medicine",
    "other": "something else",
}

WHO: Mapping[str, str] = {
    "patient": "Patient",
    "clinician": "Clinician",
    "nurse": "Nurse",
    "front-desk": "Front desk",
}

ACTIVITIES: Mapping[str, str] = {
    "remission": "In remission",
    "mild": "Mild activity",
    "moderate": "Moderate activity",
    "severe": "Severe activity",
}

REMISSION: Mapping[str, str] = {"yes": "In remission", "no": "Not in remission", "unsure": "Not sure"}


def plain(code: str) -> str:
    """A code that has no words here, readable all the same."""
    return code.replace("-", " ").replace("_", " ")


def item_words(item: str) -> str:
    return ITEMS.get(item, plain(item))
