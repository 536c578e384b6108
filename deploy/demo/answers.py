"""What a patient answers before a visit: the course, seen through this person.

Scores are the intake's own, so whether somebody calls a quiet disease remission is decided by the same index that
the page shows: 37% with Crohn's disease and 23% with ulcerative colitis do not (the study's network, 3,257 surveys).
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from random import Random

from deploy.demo import words
from deploy.demo.network import Body
from deploy.demo.shares import one_of, pick
from deploy.demo.story import Story
from services.intake.domain import Form, form_for, index_of, score
from services.intake.domain.questionnaires import Disabled, Given, check
from shared.events import Activity, ConcernTopic, Diagnosis, Language, SkipReason

Answer = float | str | bool
_HALF_YEAR = 182
_FORTNIGHT = 14
_SKIPPED = {
    "opioid_use": (0.05, SkipReason.PREFER_NOT_TO_SAY),
    "phq2_interest": (0.035, SkipReason.PREFER_NOT_TO_SAY),
    "phq2_mood": (0.035, SkipReason.PREFER_NOT_TO_SAY),
    "abdominal_pain": (0.01, SkipReason.DO_NOT_KNOW),
    "stool_frequency": (0.015, SkipReason.DO_NOT_KNOW),
    "loose_stools_per_day": (0.015, SkipReason.DO_NOT_KNOW),
    "ct_scans": (0.02, SkipReason.DO_NOT_KNOW),
    "steroid_courses": (0.01, SkipReason.DO_NOT_KNOW),
    "barriers": (0.03, SkipReason.PREFER_NOT_TO_SAY),
    "nights_woken": (0.01, SkipReason.PREFER_NOT_TO_SAY),
}
_UNSAID = {
    "concerns": ("concern_1_topic", SkipReason.DOES_NOT_APPLY),
    "matters_most": ("matters_most", SkipReason.PREFER_NOT_TO_SAY),
}
_DOUBT = {Diagnosis.CROHNS: 0.37, Diagnosis.ULCERATIVE_COLITIS: 0.23, Diagnosis.IBD_UNCLASSIFIED: 0.3}
_REMISSION_THOUGH_ACTIVE = 0.21


def survey(rng: Random, story: Story, day: int, today: date) -> Body:
    """A finished survey of that day, as `POST /v1/surveys` takes it; it passes the check of its form."""
    form = form_for(story.person.diagnosis)
    answers, skipped = _answers_and_skips(rng, story, form, day)
    submitted_at = story.person.place.instant(today, day, rng.randint(7, 22), rng.randrange(60))
    lasting = story.person.random("goal")
    goal = words.spoken(lasting, one_of(lasting, words.GOALS), story.person.language)
    said: Body = {"concerns": _concerns(rng, story, day), "matters_most": goal if rng.random() < 0.72 else None}
    unsaid = dict(skip for name, skip in _UNSAID.items() if not said[name])
    return {
        "form": form.key,
        "language": _form_language(story.person.language).value,
        "started_at": (submitted_at - timedelta(seconds=rng.randint(110, 620))).isoformat(),
        "submitted_at": submitted_at.isoformat(),
        "answers": answers,
        "skipped": {item: reason.value for item, reason in {**skipped, **unsaid}.items()},
        **{name: value for name, value in said.items() if value is not None},
    }


def shown_of(
    form: Form, answers: Mapping[str, Answer], skipped: Mapping[str, SkipReason]
) -> tuple[dict[str, Answer], dict[str, SkipReason]]:
    """Those of the answers and reasons that the form asks for after them."""
    asked = form.definition.by_id
    given = ({item: value for item, value in part.items() if item in asked} for part in (answers, skipped))
    found = check(form.definition, Given.of_plain(*given), disabled=Disabled.STRIP)
    return dict(found.answers), dict(found.skipped)


def _form_language(spoken: Language) -> Language:
    return Language.SPANISH if spoken is Language.SPANISH else Language.ENGLISH


def _answers_and_skips(
    rng: Random, story: Story, form: Form, day: int
) -> tuple[dict[str, Answer], dict[str, SkipReason]]:
    drawn = {**_symptoms(rng, story, day), **_care(rng, story, day), **_medicines(rng, story, day)}
    skips = {item: reason for item in drawn if (reason := _skip(rng, story, item)) is not None}
    answers, skipped = shown_of(form, {item: drawn[item] for item in drawn if item not in skips}, skips)
    answers["in_remission"] = _remission(rng, story, form, answers)
    return answers, skipped


def _skip(rng: Random, story: Story, item: str) -> SkipReason | None:
    share, reason = _SKIPPED.get(item, (0.0, SkipReason.PREFER_NOT_TO_SAY))
    return reason if rng.random() < share * 2 * story.person.reserve else None


def _symptoms(rng: Random, story: Story, day: int) -> dict[str, Answer]:
    felt = min(1.0, max(0.0, story.course.activity(day) + rng.gauss(0, 0.035)))
    low = min(1.0, max(0.0, 0.6 * felt + 0.34 * story.person.doubt + rng.gauss(0, 0.1)))
    return {
        "has_stoma_or_pouch": story.person.has_stoma,
        "loose_stools_per_day": _halves(0.3 + 9.5 * felt**1.15, 14),
        "abdominal_pain": _halves(2.9 * felt, 3),
        "well_being": _halves(3.3 * felt + 0.3 * story.person.doubt, 4),
        "stool_frequency": _whole(3.4 * felt - 0.25, 3),
        "rectal_bleeding": _whole(3.1 * felt - 0.45 + rng.gauss(0, 0.15), 3),
        "empties_per_day": _whole(4 + 5 * felt, 14),
        "output_change": pick(rng, {"usual": 60, "more": round(80 * felt), "much-more": round(20 * felt), "less": 4}),
        "urgency": _whole(3.2 * felt - 0.3, 3),
        "nights_woken": _whole(6.5 * felt - 0.8 + rng.gauss(0, 0.5), 7),
        "pain_nrs": _whole(7.5 * felt + rng.gauss(0, 0.7), 10),
        "fatigue": _whole(1.2 + 5.5 * felt + 2.5 * story.person.doubt + rng.gauss(0, 0.7), 10),
        "ibd_control": _whole(9.6 - 7.8 * felt - 0.9 * story.person.doubt + rng.gauss(0, 0.5), 10),
        "phq4_nervous": _whole(4.0 * low - 0.6, 3),
        "phq4_worry": _whole(4.0 * low - 0.8 + rng.gauss(0, 0.25), 3),
        "phq2_interest": _whole(4.2 * low - 0.75, 3),
        "phq2_mood": _whole(4.2 * low - 0.85 + rng.gauss(0, 0.25), 3),
    }


def _care(rng: Random, story: Story, day: int) -> dict[str, Answer]:
    recent = [
        flare.onset
        for flare in story.course.flares
        if flare.onset.emergency_day is not None and day - _HALF_YEAR <= flare.onset.emergency_day <= day
    ]
    unrelated = int(rng.random() < 0.03)
    return {
        "ed_visits": len(recent) + unrelated,
        "ed_in_2_weeks": any(day - onset.emergency_day <= _FORTNIGHT for onset in recent if onset.emergency_day),
        "urgent_contacts": _whole(len(recent) + rng.gauss(0.2, 0.6), 9),
        "hospital_stays": sum(onset.is_admitted for onset in recent) + int(rng.random() < 0.02),
        "ct_scans": sum(onset.has_ct for onset in recent) + int(rng.random() < 0.03),
        "steroid_courses": story.treatment.steroid_courses(day),
        "opioid_use": story.treatment.had_opioids(day) or rng.random() < 0.045,
    }


def _medicines(rng: Random, story: Story, day: int) -> dict[str, Answer]:
    forgets = story.person.reserve * 0.25 + (0.15 if story.course.activity(day) > 0.5 else 0)
    missed = rng.randint(1, 4) if rng.random() < forgets else 0
    has_side_effects = rng.random() < 0.13 + (0.25 if story.treatment.is_on_steroids(day) else 0)
    barriers = {
        "none": 52,
        "cost": 9,
        "forgetting": 6,
        "side-effects": 7,
        "time": 11,
        "supply": 7,
        "worry": 6,
        "other": 2,
    }
    likely = {"forgetting": 30} if missed else {"side-effects": 30} if has_side_effects else {}
    return {
        "takes_medicines": story.treatment.maintenance(day) is not None,
        "taking_as_agreed": missed < 2,
        "missed_doses": missed,
        "side_effects": has_side_effects,
        "barriers": pick(rng, {**barriers, **likely}),
    }


def _remission(rng: Random, story: Story, form: Form, answers: dict[str, Answer]) -> str:
    """By the person, given the index that their own answers make; by the latent activity where there is none."""
    index = index_of(story.person.diagnosis).key
    band = next(result.band for result in score(form, answers) if result.instrument == index)
    if band == Activity.REMISSION:
        if story.person.doubt >= _DOUBT[story.person.diagnosis]:
            return "yes"
        return "no" if rng.random() < 0.55 else "unsure"
    if rng.random() < _REMISSION_THOUGH_ACTIVE:
        return "yes"
    return "unsure" if rng.random() < 0.2 else "no"


def _concerns(rng: Random, story: Story, day: int) -> list[Body]:
    """None to three, ranked; a worry of the person's own comes back from survey to survey."""
    wanted = pick(rng, {0: 0.12, 1: 0.3, 2: 0.34, 3: 0.24})
    bank = words.WHEN_ACTIVE if story.course.activity(day) > 0.35 else words.WHEN_QUIET
    own = story.person.random("worry")
    lasting = _concern(own, one_of(own, list(words.WHEN_QUIET)), story, words.WHEN_QUIET)
    found = [
        _concern(rng, topic, story, bank) for topic in _topics(rng, list(bank)) if topic.value != lasting["topic"]
    ][:wanted]
    if found and rng.random() < 0.4:
        found[-1] = lasting
    return [concern if rng.random() < 0.88 else {"topic": concern["topic"]} for concern in found]


def _topics(rng: Random, topics: list[ConcernTopic]) -> Iterator[ConcernTopic]:
    """In an order in which the first named, the most pressing, tends to come first."""
    return iter(sorted(topics, key=lambda topic: topics.index(topic) + rng.uniform(0, 4)))


def _concern(rng: Random, topic: ConcernTopic, story: Story, bank: words.Bank) -> Body:
    return {"topic": topic.value, "words": words.spoken(rng, one_of(rng, bank[topic]), story.person.language)}


def _halves(value: float, most: int) -> float:
    """To the half, as a mean of seven days."""
    return min(float(most), max(0.0, round(value * 2) / 2))


def _whole(value: float, most: int) -> int:
    return min(most, max(0, round(value)))
