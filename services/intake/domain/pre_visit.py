"""The questions of the pre-visit surveys, version 1.0, in English.

The wording is our own, except for the two PHQ-2 items, which may be reproduced freely. Words that change what
is asked make another version of the form.
"""

from services.intake.domain.questions import Choice, Item, Number, Section, YesNo

_DAYS_3 = "past 3 days"
_DAYS_7 = "past 7 days"
_WEEKS_2 = "past 2 weeks"
_MONTHS_6 = "past 6 months"
_COUNT = Number(0, 99)

_STOMA_OR_POUCH = Item("has_stoma_or_pouch", "Do you have a stoma or a pouch?", YesNo())

_LOOSE_STOOLS = Item(
    "loose_stools_per_day",
    "How many loose or watery stools on an average day? Count day and night. A guess is fine.",
    Number(0, 60, is_whole=False),
    _DAYS_7,
    not_asked_if="has_stoma_or_pouch",
)

_ABDOMINAL_PAIN = Item(
    "abdominal_pain",
    "How was your belly pain on average?",
    Number(
        0,
        3,
        (
            (0, "None"),
            (1, "Mild: I notice it"),
            (2, "Moderate: it gets in my way"),
            (3, "Severe: it stops me"),
        ),
        is_whole=False,
    ),
    _DAYS_7,
)

_WELL_BEING = Item(
    "well_being",
    "How did you feel in general, on average?",
    Number(
        0,
        4,
        ((0, "Well"), (1, "A little off"), (2, "Unwell"), (3, "Very unwell"), (4, "As bad as it gets")),
        is_whole=False,
    ),
    _DAYS_7,
)

_STOOL_FREQUENCY = Item(
    "stool_frequency",
    "How often did you pass stool? Compare with your normal when the disease is quiet.",
    Number(
        0,
        3,
        ((0, "As usual for me"), (1, "1–2 more a day"), (2, "3–4 more a day"), (3, "5 or more extra a day")),
    ),
    _DAYS_3,
    not_asked_if="has_stoma_or_pouch",
)

_RECTAL_BLEEDING = Item(
    "rectal_bleeding",
    "Did you see blood when you used the toilet?",
    Number(
        0,
        3,
        (
            (0, "No blood"),
            (1, "A little, fewer than half of the times"),
            (2, "Plain to see, most of the times"),
            (3, "Blood came without stool"),
        ),
    ),
    _DAYS_3,
)

_NIGHTS_WOKEN = Item("nights_woken", "On how many nights did your bowels wake you?", Number(0, 7), _DAYS_7)

_PAIN = Item(
    "pain_nrs",
    "How strong was your pain, anywhere?",
    Number(0, 10, ((0, "None"), (10, "Worst possible"))),
    _DAYS_7,
)


def _bowels(*items: Item) -> Section:
    return Section("bowels", "Belly and bowels", (_STOMA_OR_POUCH, *items, _NIGHTS_WOKEN, _PAIN))


BOWELS_CROHNS = _bowels(_LOOSE_STOOLS, _ABDOMINAL_PAIN)
BOWELS_ULCERATIVE_COLITIS = _bowels(_STOOL_FREQUENCY, _RECTAL_BLEEDING)
BOWELS_UNCLASSIFIED = _bowels(_STOOL_FREQUENCY, _RECTAL_BLEEDING, _ABDOMINAL_PAIN)

_FATIGUE = Item(
    "fatigue",
    "How tired were you?",
    Number(0, 10, ((0, "Not at all"), (10, "Worst possible"))),
    _DAYS_7,
)

_CONTROL = Item(
    "ibd_control",
    "How well is your disease under control?",
    Number(0, 10, ((0, "Not at all"), (10, "Fully"))),
    _WEEKS_2,
)

_REMISSION = Item(
    "in_remission",
    "Are you in remission now? Remission means your disease is quiet.",
    Choice((("yes", "Yes"), ("no", "No"), ("unsure", "Not sure"))),
)

FEELING = Section("feeling", "How you feel", (_FATIGUE, _CONTROL, _REMISSION))
FEELING_WITH_WELL_BEING = Section("feeling", "How you feel", (_WELL_BEING, *FEELING.items))

_PHQ = Number(
    0,
    3,
    (
        (0, "Not at all"),
        (1, "Several days"),
        (2, "More than half the days"),
        (3, "Nearly every day"),
    ),
)

MOOD = Section(
    "mood",
    "Mood",
    (
        Item("phq2_interest", "Little interest or pleasure in doing things", _PHQ, "last 2 weeks"),
        Item("phq2_mood", "Feeling down, depressed, or hopeless", _PHQ, "last 2 weeks"),
    ),
    intro="Over the last 2 weeks, how often have you been bothered by any of the following problems?",
    notice=(
        "PHQ-2: developed by Drs. Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke and colleagues, with "
        "an educational grant from Pfizer Inc. No permission required to reproduce, translate, display or "
        "distribute."
    ),
)

URGENT_CARE = Section(
    "urgent-care",
    "Urgent care",
    (
        Item("ed_visits", "How many times did you go to an emergency department?", _COUNT, _MONTHS_6),
        Item("hospital_stays", "How many times did you stay in hospital overnight?", _COUNT, _MONTHS_6),
        Item("ct_scans", "How many CT scans of your belly did you have?", _COUNT, _MONTHS_6),
        Item(
            "steroid_courses",
            "How many courses of steroids did you take, such as prednisone?",
            _COUNT,
            _MONTHS_6,
        ),
        Item("opioid_use", "Did you take an opioid pain medicine, such as oxycodone?", YesNo(), _MONTHS_6),
    ),
)

MEDICINES = Section(
    "medicines",
    "Medicines",
    (
        Item("taking_as_agreed", "Did you take your medicines as we agreed?", YesNo(), _WEEKS_2),
        Item("missed_doses", "How many doses did you miss?", _COUNT, _WEEKS_2),
        Item("side_effects", "Did side effects of your medicines bother you?", YesNo(), _WEEKS_2),
    ),
)

BARRIERS = Section(
    "barriers",
    "What gets in the way",
    (
        Item(
            "barriers",
            "What makes your plan hardest to follow?",
            Choice(
                (
                    ("none", "Nothing"),
                    ("cost", "Cost"),
                    ("forgetting", "I forget"),
                    ("side-effects", "Side effects"),
                    ("time", "Time, work or school"),
                    ("supply", "Getting the medicine"),
                    ("worry", "I worry about the medicine"),
                    ("other", "Something else"),
                )
            ),
        ),
    ),
)
