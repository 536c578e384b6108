"""A year with Crohn's disease, told visit by visit. Invented from beginning to end.

A flare, a new medicine, three quiet visits, an emergency since the last one. Today she says "not in remission", her
answers say mild activity, and her clinician, before the visit, rated remission.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deploy.demo.network import Body
from shared.events import Activity

GOAL = "Work a full shift without planning around bathrooms."
Step = tuple[str, str, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One visit. `index`: loose stools a day, pain, well-being. `results`: calprotectin, CRP, hemoglobin, ferritin.

    A step is what, who, due in days after the visit, done after how many.
    """

    day: int
    index: tuple[float, float, float]
    control: int
    in_remission: str
    rated: Activity
    results: tuple[float, float, float, float]
    concerns: Sequence[tuple[str, str]]
    steps: Sequence[Step] = ()
    others: Body = field(default_factory=dict)


CHAPTERS = (
    Chapter(
        -371,
        (6.0, 2.0, 2.5),
        2,
        "no",
        Activity.MODERATE,
        (1180, 24.0, 10.9, 9),
        (("symptoms", "I am up four times a night and I bleed."), ("medicine", "Mesalamine does nothing for me.")),
        (
            ("Start adalimumab; nurse teaches the injection", "nurse", 14, 12),
            ("Prednisone, lowered over six weeks", "patient", 42, 42),
        ),
        {
            "rectal_bleeding": 2,
            "nights_woken": 4,
            "fatigue": 8,
            "pain_nrs": 6,
            "phq2_interest": 2,
            "phq2_mood": 1,
            "ed_visits": 1,
        },
    ),
    Chapter(
        -287,
        (3.0, 1.0, 1.0),
        5,
        "unsure",
        Activity.MILD,
        (365, 7.4, 11.8, 21),
        (("medicine", "It wears off two days before the next shot."),),
        (("Iron for three months", "patient", 90, 85), ("Stool test before the next visit", "patient", 75, 74)),
        {"nights_woken": 1, "fatigue": 5, "pain_nrs": 3, "phq2_interest": 1, "steroid_courses": 1},
    ),
    Chapter(
        -203,
        (1.5, 0.5, 0.5),
        8,
        "yes",
        Activity.REMISSION,
        (96, 2.1, 12.6, 36),
        (("family", "Can I get pregnant safely on this medicine?"),),
        (("Talk with the pregnancy clinic", "front-desk", 40, 33),),
        {"fatigue": 3, "steroid_courses": 1},
    ),
    Chapter(
        -132,
        (1.5, 0.5, 0.5),
        7,
        "yes",
        Activity.REMISSION,
        (118, 2.8, 12.4, 31),
        (("cost", "My copay doubled this year."), ("family", "Can I get pregnant safely on this medicine?")),
        (
            ("Renew the insurance approval early", "nurse", 60, 55),
            ("Book a colonoscopy (last one over two years ago)", "front-desk", 120, None),
        ),
        {"fatigue": 4, "barriers": "cost"},
    ),
    Chapter(
        -62,
        (1.0, 0.5, 0.5),
        8,
        "yes",
        Activity.REMISSION,
        (88, 1.9, 12.5, 29),
        (("family", "Can I get pregnant safely on this medicine?"),),
        (
            ("Keep a symptom diary for two weeks", "patient", 14, 13),
            ("Blood test: adalimumab level and antibodies", "clinician", 66, None),
        ),
        {"fatigue": 3},
    ),
    Chapter(
        0,
        (2.5, 1.0, 1.0),
        5,
        "no",
        Activity.REMISSION,
        (318, 5.6, 11.7, 16),
        (
            ("symptoms", "The cramps are back after lunch at work. Is the shot wearing off?"),
            ("steroids", "I do not want prednisone again before my wedding in spring."),
            ("family", "Can I get pregnant safely on this medicine?"),
        ),
        (),
        {
            "nights_woken": 2,
            "fatigue": 6,
            "pain_nrs": 4,
            "phq2_interest": 1,
            "phq2_mood": 1,
            "ed_visits": 1,
            "ed_in_2_weeks": True,
            "ct_scans": 1,
            "steroid_courses": 1,
            "missed_doses": 1,
            "barriers": "supply",
        },
    ),
)
