"""The page of a patient, computed from facts alone: the same facts give the same bytes.

What each member means is said in domain.document. Until a reader opens the page (`open_words`) a text is `sealed`, with
the `place` that it is sealed for, and nothing says what became of it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from services.dashboard.domain.answers import (
    concerns_of,
    day_to_day_of,
    urgent_care_of,
    well_being_of,
)
from services.dashboard.domain.facts import Facts, Item, Section
from services.dashboard.domain.history import BOUNDS, Bounds, history_of
from services.dashboard.domain.items import (
    Json,
    by_time,
    counting,
    instant,
    sealed_text,
    surveys_of,
    utc,
)
from services.dashboard.domain.labs import MARKERS, labs_of
from services.dashboard.domain.readings import readings_of
from services.dashboard.domain.since import all_taken_back, since_of
from services.dashboard.domain.trends import index_trend, scale_trends
from services.dashboard.domain.visits import last_visit, visit_at_hand, visits_of
from shared.sealing import Opener, Place, WordsState

_PERSON = ("birth_year", "sex", "diagnosis", "language", "clinician_id", "consent")
_SOURCES: tuple[tuple[str, Section, str], ...] = (
    ("survey", "surveys", "submitted_at"),
    ("clinician", "assessments", "assessed_at"),
    ("labs", "labs", "taken_at"),
    ("medicines", "medications", "recorded_at"),
)
_LAST_DAY = "9999-12-31"


def assemble(facts: Facts, bounds: Bounds = BOUNDS) -> Json:
    """The page as a JSON document."""
    as_of = max((source["time"] for source in facts["sources"].values()), default=None)
    visits = visits_of(facts)
    visit = visit_at_hand(visits, as_of)
    surveys, erased = surveys_of(facts), facts["erased"]
    readings, labs, medications = readings_of(facts, surveys), labs_of(facts), _medications(facts)
    previous = _previous(facts, surveys.last)
    urgent_care, well_being, day_to_day = urgent_care_of(facts, surveys), well_being_of(surveys), day_to_day_of(surveys)
    return {
        "patient": _patient(facts),
        "erased": {"at": utc(erased["at"]), "reason": erased["reason"]} if erased else None,
        "visits": visits,
        "visit": visit,
        "last_visit": last_visit(visits),
        "survey": _survey(facts, surveys.now),
        "previous": previous,
        "since": since_of(facts, surveys, previous, computed=readings["computed"], labs=labs, medications=medications),
        "taken_back": all_taken_back(facts),
        "concerns": concerns_of(surveys),
        "matters_most": _matters_most(surveys.now),
        "readings": readings,
        "trend": index_trend(surveys, readings["computed"]),
        "trends": scale_trends(surveys),
        "medications": medications,
        "labs": labs,
        "urgent_care": urgent_care,
        "well_being": well_being,
        "day_to_day": day_to_day,
        "plan": _plan(facts),
        "sources": {name: _source(facts, section, time) for name, section, time in _SOURCES},
        "versions": {topic: dict(facts["sources"][topic]) for topic in sorted(facts["sources"])},
        "as_of": utc(as_of),
        "missing": _missing(facts, surveys.now, visit, readings, [*well_being, *urgent_care, *day_to_day]),
        "history": history_of(facts, bounds),
    }


def has_words(page: Mapping[str, Any]) -> bool:
    """Whether there is a sealed text on the page."""
    said = [concern["words"] for concern in page["concerns"]] + [step["what"] for step in page["plan"]]
    return any((page["matters_most"], *said))


def is_readable(opened: Mapping[str, Any]) -> bool:
    """Whether every text on an opened page is there."""
    return states_of_words(opened) <= {None, WordsState.READABLE}


def states_of_words(opened: Mapping[str, Any]) -> set[str | None]:
    """What became of the texts on an opened page; null for one that was not given."""
    states = [concern["words_state"] for concern in opened["concerns"]] + [s["what_state"] for s in opened["plan"]]
    return {opened["matters_most_state"], *states}


def open_words(page: Mapping[str, Any], opener: Opener) -> Json:
    """The page with its sealed texts opened. `words_state`, `what_state` and `matters_most_state` beside them say
    `readable`, `not-readable-now` or `erased`; null where no words were given. `clinical` is `shown`, where it was not
    hidden (domain.shown).
    """
    concerns = [_opened(concern, "words", opener) for concern in page["concerns"]]
    steps = [_opened(step, "what", opener) for step in page["plan"]]
    return {"clinical": "shown", **_opened(page, "matters_most", opener), "concerns": concerns, "plan": steps}


def _opened(owner: Mapping[str, Any], name: str, opener: Opener) -> Json:
    text = owner[name]
    if text is None:
        return {**owner, f"{name}_state": None}
    words = opener(text["sealed"], Place(*text["place"]))
    return {**owner, name: words.text, f"{name}_state": words.state}


def _matters_most(survey: Item | None) -> Json | None:
    return sealed_text(survey["matters_most"], survey, "matters_most") if survey else None


def _patient(facts: Facts) -> Json:
    enrollment: Item | None = next(iter(facts["items"]["enrollment"].values()), None)
    person = {name: enrollment[name] if enrollment else None for name in _PERSON}
    return {"patient_id": facts["patient_id"], "site_id": facts["site_id"], **person}


def _visit_at(facts: Facts, survey: Item) -> str | None:
    visit = facts["items"]["visits"].get(survey["visit_id"])
    return utc(visit["scheduled_at"]) if visit else None


def _survey(facts: Facts, survey: Item | None) -> Json | None:
    if survey is None:
        return None
    visit_at, submitted_at = _visit_at(facts, survey), instant(survey["submitted_at"])
    before = (instant(visit_at) - submitted_at) // timedelta(days=1) if visit_at else None
    named = {name: survey[name] for name in ("survey_id", "visit_id", "form", "language")}
    return {
        **named,
        "submitted_at": submitted_at.isoformat(),
        "visit_at": visit_at,
        "days_before_visit": before,
        "mode": survey.get("mode"),
        "correction": _correction(survey),
    }


def _correction(survey: Item) -> Json | None:
    """That this is not what was said first: since when and why, and what stood there before, the newest first."""
    if "earlier" not in survey:
        return None
    earlier = [survey["earlier"][sequence] for sequence in sorted(survey["earlier"], key=int, reverse=True)]
    return {
        "version": survey["version"],
        "reason": survey["reason"],
        "recorded_at": utc(survey["recorded_at"]),
        "earlier": [
            {**version, **{name: utc(version.get(name)) for name in ("submitted_at", "recorded_at")}}
            for version in earlier
        ],
    }


def _previous(facts: Facts, survey: Item | None) -> Json | None:
    if survey is None:
        return None
    return {"submitted_at": utc(survey["submitted_at"]), "visit_at": _visit_at(facts, survey)}


def _medications(facts: Facts) -> list[Json]:
    named = (
        "medication_id",
        "name",
        "drug_class",
        "dose",
        "route",
        "started_on",
        "stopped_on",
        "stop_reason",
    )
    found = [{name: item[name] for name in named} for item in counting(facts, "medications")]
    newest_first = sorted(found, key=lambda m: (m["started_on"], m["name"], m["medication_id"]), reverse=True)
    return sorted(newest_first, key=lambda m: m["stopped_on"] or _LAST_DAY, reverse=True)


def _plan(facts: Facts) -> list[Json]:
    found = by_time(facts, "steps", "agreed_at", "step_id")
    steps = [_step(step) for step in found]
    still_open = sorted(
        (s for s in steps if not s["is_done"]), key=lambda s: (s["due_on"] or _LAST_DAY, s["agreed_at"])
    )
    done = sorted((s for s in steps if s["is_done"]), key=lambda s: s["done_on"] or s["agreed_at"], reverse=True)
    return [*still_open, *done]


def _step(step: Item) -> Json:
    named = ("step_id", "visit_id", "who", "due_on", "is_done", "done_on")
    what = sealed_text(step["what"], step, "change.what")
    return {**{name: step[name] for name in named}, "what": what, "agreed_at": utc(step["agreed_at"])}


def _source(facts: Facts, section: Section, time: str) -> Json | None:
    items = counting(facts, section)
    if not items:
        return None
    return {
        "at": max(instant(item[time]) for item in items).isoformat(),
        "recorded_at": utc(max(item["recorded_at"] for item in items)),
        "sequence": max(item["sequence"] for item in items),
    }


def _missing(facts: Facts, survey: Item | None, visit: Json | None, readings: Json, rows: Sequence[Json]) -> list[Json]:
    computed = readings["computed"]
    gaps: list[Json] = [] if facts["items"]["enrollment"] else [{"what": "enrollment"}]
    gaps += _not_said(facts, visit, "surveys", "survey")
    if survey and survey.get("form_title") is not None:
        gaps.append({"what": "own-form", "title": survey["form_title"]})
    gaps += _not_said(facts, visit, "assessments", "assessment")
    if survey and computed is None:
        gaps.append({"what": "no-score"})
    elif computed and computed["value"] is None:
        lacks = [one["item"] for one in computed["missing"]]
        gaps.append({"what": "score", "instrument": computed["instrument"], "items": lacks})
    gaps += _skipped(readings["patient"], rows)
    taken = {lab["loinc"] for lab in counting(facts, "labs")}
    gaps += [{"what": "lab", "loinc": m.loinc, "name": m.name} for m in MARKERS if m.loinc not in taken]
    return gaps if counting(facts, "medications") else [*gaps, {"what": "medications"}]


def _not_said(facts: Facts, visit: Json | None, section: Section, what: str) -> list[Json]:
    """Nothing was ever said, or nothing for the visit at hand."""
    said = counting(facts, section)
    if not said:
        return [{"what": what}]
    if visit is None or any(one["visit_id"] == visit["visit_id"] for one in said):
        return []
    return [{"what": f"{what}-for-visit", "visit_id": visit["visit_id"]}]


def _skipped(patient: Json | None, rows: Sequence[Json]) -> list[Json]:
    own = (("in_remission", "in_remission"), ("ibd_control", "control"))
    given = [(item, patient[name]) for item, name in own] if patient else []
    given += [(row["item"], row["now"]) for row in rows]
    return [
        {"what": "answer", "item": item, "reason": a["reason"]} for item, a in given if a and a["state"] == "skipped"
    ]
