"""How am I doing: three readings side by side, never merged, and the rule that says when they do not agree.

The patient's own word, the activity index computed from the answers, the clinician's global assessment (PGA).
All three can be asked one question: remission or not. The rule compares their answers to it; "not sure" and a
missing answer are no answer. The PGA is compared only when it was given within 30 days of the survey, for an
older or newer one may differ because time has passed. Index and PGA also differ when both are active but two
or more of the four words apart (mild and severe).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

from services.dashboard.domain.facts import Facts, Item
from services.dashboard.domain.history import INDEX_KEYS
from services.dashboard.domain.items import Json, Surveys, answer, by_time, instant, utc
from services.dashboard.domain.scales import told
from shared.events import Activity
from shared.instruments import IBD_10, INSTRUMENTS, Change, change

COMPARABLE_DAYS = 30
RULE = (
    "Compared: what I say, what my answers add up to and what my clinician rated, each as remission or not. "
    f"The clinician's rating counts when it is within {COMPARABLE_DAYS} days of the survey. "
    "Two active ratings differ when they are two or more words apart."
)
_RANK = {activity.value: rank for rank, activity in enumerate(Activity)}
_VOICES = ("patient", "computed", "clinician")


def readings_of(facts: Facts, surveys: Surveys) -> Json:
    """The three readings, each with the one before, and whether they agree."""
    assessments = by_time(facts, "assessments", "assessed_at", "assessment_id")
    patient, computed = _patient(surveys), _computed(surveys)
    clinician = _clinician(assessments)
    verdicts = _verdicts(surveys, patient, computed, clinician)
    return {
        "patient": patient,
        "computed": computed,
        "clinician": clinician,
        "agreement": _agreement(verdicts, computed, clinician),
    }


def index_score(survey: Item | None) -> Item | None:
    """The activity index among a survey's scores."""
    scores: Sequence[Item] = survey["scores"] if survey else ()
    return next((score for score in scores if score["instrument"] in INDEX_KEYS), None)


def band_words(instrument: str, code: str | None) -> str | None:
    """The words of a band; the code itself where the definition is not known here."""
    return next((band["words"] for band in bands_of(instrument) if band["code"] == code), code)


@lru_cache
def bands_of(instrument: str) -> Sequence[Json]:
    """The bands of an instrument in rising order; none when its definition is not known here."""
    known = INSTRUMENTS.get(instrument)
    return told(known.bands if known else ())


def _patient(surveys: Surveys) -> Json | None:
    now, last = surveys.now, surveys.last
    if now is None:
        return None
    return {
        "at": utc(now["submitted_at"]),
        "in_remission": answer(now, "in_remission"),
        "in_remission_last": answer(last, "in_remission"),
        "control": answer(now, "ibd_control"),
        "control_last": answer(last, "ibd_control"),
        "control_of": IBD_10.high,
        "last_at": utc(last["submitted_at"]) if last else None,
    }


def _computed(surveys: Surveys) -> Json | None:
    survey, score, last = surveys.now, index_score(surveys.now), index_score(surveys.last)
    if survey is None or score is None:
        return None
    key = score["instrument"]
    known = INSTRUMENTS.get(key)
    before = _earlier(surveys.last, last) if last and last["instrument"] == key else None
    return {
        "at": utc(survey["submitted_at"]),
        "instrument": key,
        "name": known.name if known else key,
        "higher_is": known.higher_is if known else None,
        "minimal_change": known.minimal_change if known else None,
        "bands": bands_of(key),
        "value": score["value"],
        "band": score["band"],
        "words": band_words(key, score["band"]),
        "missing": [{"item": item, **(answer(survey, item) or {})} for item in score["missing"]],
        "last": before,
        "change": changed(key, before, score["value"]),
        "last_full": _last_full(surveys, key) if score["value"] is None else None,
    }


def changed(key: str, before: Json | None, now: float | None) -> Change | None:
    """Better, same or worse by the instrument's own threshold; null without one or without both scores."""
    if key not in INSTRUMENTS or before is None or before["value"] is None or now is None:
        return None
    return change(key, before["value"], now)


def _last_full(surveys: Surveys, key: str) -> Json | None:
    """The newest score with a value, for where today's has none."""
    for survey in reversed(surveys.all):
        score = index_score(survey)
        if score is not None and score["instrument"] == key and score["value"] is not None:
            return _earlier(survey, score)
    return None


def _earlier(survey: Item | None, score: Item | None) -> Json | None:
    if survey is None or score is None:
        return None
    words = band_words(score["instrument"], score["band"])
    return {"at": utc(survey["submitted_at"]), "value": score["value"], "band": score["band"], "words": words}


def _clinician(assessments: Sequence[Item]) -> Json | None:
    if not assessments:
        return None
    now, last = assessments[-1], assessments[-2] if len(assessments) > 1 else None
    return {
        **_rated(now),
        "clinician_id": now["clinician_id"],
        "visit_id": now["visit_id"],
        "last": _rated(last) if last else None,
    }


def _rated(rating: Item) -> Json:
    return {
        "assessment_id": rating["assessment_id"],
        "at": utc(rating["assessed_at"]),
        "activity": rating["activity"],
    }


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """Remission or not, by voice; null where a voice has no answer to that. `apart_days`: survey to PGA."""

    said: dict[str, bool | None]
    apart_days: int | None


def _verdicts(surveys: Surveys, patient: Json | None, computed: Json | None, clinician: Json | None) -> _Verdicts:
    said: dict[str, bool | None] = dict.fromkeys(_VOICES)
    own: Any = (patient["in_remission"] or {}).get("value") if patient else None
    said["patient"] = {"yes": True, "no": False}.get(own)
    if computed and computed["band"] is not None:
        said["computed"] = computed["band"] == Activity.REMISSION
    apart = None
    if clinician and surveys.now:
        apart = abs(instant(clinician["at"]) - instant(surveys.now["submitted_at"])).days
        if apart <= COMPARABLE_DAYS:
            said["clinician"] = clinician["activity"] == Activity.REMISSION
    return _Verdicts(said, apart)


def _agreement(verdicts: _Verdicts, computed: Json | None, clinician: Json | None) -> Json:
    given = [voice for voice in _VOICES if verdicts.said[voice] is not None]
    pairs = [list(pair) for pair in combinations(given, 2) if verdicts.said[pair[0]] != verdicts.said[pair[1]]]
    if not pairs and {"computed", "clinician"} <= set(given) and _far_apart(computed, clinician):
        pairs = [["computed", "clinician"]]
    too_far = verdicts.apart_days is not None and verdicts.apart_days > COMPARABLE_DAYS
    return {
        "state": "differ" if pairs else "agree" if len(given) > 1 else "not-compared",
        "all_in_remission": verdicts.said[given[0]] if len(given) > 1 and not pairs else None,
        "compared": given,
        "pairs": pairs,
        "words": _sentence(pairs, verdicts.said, computed, clinician) if pairs else None,
        "rule": RULE,
        "rating_apart_days": verdicts.apart_days if too_far else None,
    }


def _far_apart(computed: Json | None, clinician: Json | None) -> bool:
    ranks = [_RANK.get(word) for word in (computed and computed["band"], clinician and clinician["activity"]) if word]
    return len(ranks) == 2 and None not in ranks and abs((ranks[0] or 0) - (ranks[1] or 0)) > 1


def _sentence(
    pairs: list[list[str]], said: dict[str, bool | None], computed: Json | None, clinician: Json | None
) -> str:
    """The difference in the first person. What patient and clinician see differently comes before what is
    computed.
    """
    if ["patient", "clinician"] in pairs:
        return f"I feel {'better' if said['patient'] else 'worse'} than my clinician rated."
    answers_show = "add up to remission" if said["computed"] else f"show {_activity(computed)}"
    if ["patient", "computed"] in pairs:
        return f"I {'' if said['patient'] else 'do not '}feel in remission, but my answers {answers_show}."
    rated = clinician["activity"] if clinician else ""
    return f"My answers {answers_show}, but my clinician rated {rated}."


def _activity(computed: Json | None) -> str:
    band = computed["band"] if computed else None
    return f"{band} activity" if band in _RANK else "more than remission"
