"""What the patient answered, now and last time: urgent care, well-being, medicines day to day, concerns."""

from collections.abc import Mapping
from datetime import date, timedelta

from services.dashboard.domain.facts import Facts, Item
from services.dashboard.domain.items import Json, Surveys, answer, counting, instant, sealed_text, utc, value_of
from services.dashboard.domain.scales import BLEEDING, FATIGUE, MOOD, NIGHTS, PAIN, Scale
from shared.events import DrugClass
from shared.instruments import PHQ_2

URGENT_CARE = ("ed_visits", "hospital_stays", "ct_scans", "steroid_courses", "opioid_use")
URGENT_CARE_DAYS = 183
WELL_BEING = (FATIGUE, PAIN, NIGHTS)
WHEN_UNUSUAL: Mapping[str, float | str] = {"rectal_bleeding": 0, "output_change": "usual"}
"""Shown only where now or last time it was not as usual: each with what is usual."""
_LAST_OUTPUT = 3.0  # of less, usual, more, much-more
_SYMPTOMS = {scale.item: scale for scale in (BLEEDING, *WELL_BEING)}
DAY_TO_DAY = ("taking_as_agreed", "missed_doses", "side_effects", "barriers")


def concerns_of(surveys: Surveys) -> list[Json]:
    """Ranked, with the words still sealed; `raised_before`: when the survey before had the same topic."""
    if surveys.now is None:
        return []
    last = surveys.last
    before = {concern["topic"] for concern in last["concerns"]} if last else set()
    at = utc(last["submitted_at"]) if last else None
    ranked = sorted(surveys.now["concerns"], key=lambda concern: (concern["rank"], concern["topic"]))
    return [
        {
            **concern,
            "words": sealed_text(concern["words"], surveys.now, f"concerns.{concern['rank']}.words"),
            "raised_before": at if concern["topic"] in before else None,
        }
        for concern in ranked
    ]


def urgent_care_of(facts: Facts, surveys: Surveys) -> list[Json]:
    """Use of urgent care, steroids and opioids in the six months before each of the two surveys.

    `differs` is true when the patient reports a course of steroids and the clinic's list has none in that
    time.
    """
    is_unlisted = _steroids_are_unlisted(facts, surveys)
    return [
        {**_now_and_last(surveys, item), "differs": is_unlisted and item == "steroid_courses"} for item in URGENT_CARE
    ]


def well_being_of(surveys: Surveys) -> list[Json]:
    """Symptoms of the past week and low mood, higher is worse, with the word for the number now."""
    unusual = [item for item, usual in WHEN_UNUSUAL.items() if _is_unusual(surveys, item, usual)]
    rows = [_symptom(surveys, item) for item in (*unusual, *(scale.item for scale in WELL_BEING))]
    mood = {"item": MOOD.item, "now": _score(surveys.now), "last": _score(surveys.last)}
    return [*rows, _on_scale(MOOD, mood)]


def _is_unusual(surveys: Surveys, item: str, usual: float | str) -> bool:
    return any(value_of(survey, item) not in (None, usual) for survey in (surveys.now, surveys.last))


def day_to_day_of(surveys: Surveys) -> list[Json]:
    return [_now_and_last(surveys, item) for item in DAY_TO_DAY]


def _now_and_last(surveys: Surveys, item: str) -> Json:
    return {"item": item, "now": answer(surveys.now, item), "last": answer(surveys.last, item)}


def _symptom(surveys: Surveys, item: str) -> Json:
    row = _now_and_last(surveys, item)
    scale = _SYMPTOMS.get(item)
    return {**row, "of": _LAST_OUTPUT, "words": None} if scale is None else _on_scale(scale, row)


def _on_scale(scale: Scale, row: Json) -> Json:
    now = row["now"]
    is_answered = now is not None and now["state"] == "answered"
    return {**row, "of": scale.high, "words": scale.band_of(now["value"]).words if is_answered else None}


def _score(survey: Item | None) -> Json | None:
    """PHQ-2 as an answer: its value, or why the first question without an answer has none."""
    scores = survey["scores"] if survey else ()
    score = next((score for score in scores if score["instrument"] == PHQ_2.key), None)
    if score is None:
        return None if survey is None else {"state": "not-asked"}
    if score["value"] is None:
        return answer(survey, score["missing"][0]) if score["missing"] else {"state": "not-asked"}
    return {"state": "answered", "value": score["value"], "band": score["band"]}


def _steroids_are_unlisted(facts: Facts, surveys: Surveys) -> bool:
    survey = surveys.now
    if survey is None or not value_of(survey, "steroid_courses"):
        return False
    until = instant(survey["submitted_at"]).date()
    medications = counting(facts, "medications")
    return not any(m["drug_class"] == DrugClass.SYSTEMIC_STEROID and _overlaps(m, until) for m in medications)


def _overlaps(medication: Item, until: date) -> bool:
    """Whether it was taken in the time that the question is about."""
    has_started = date.fromisoformat(medication["started_on"]) <= until
    stopped_on = medication["stopped_on"]
    return has_started and (
        stopped_on is None or date.fromisoformat(stopped_on) >= until - timedelta(days=URGENT_CARE_DAYS)
    )
