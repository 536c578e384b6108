"""The page's JSON as clinic front-ends may rely on it: every member that is always there, and a synthetic example."""

from datetime import UTC, datetime
from typing import Any

from services.dashboard.domain import assemble, empty, fold, open_words
from shared.events import ENROLLMENT_UPDATED, SURVEY_COMPLETED, VISIT_UPDATED, Event
from shared.examples import EVENT_ID, EXAMPLES, PATIENT_ID, SITE_ID
from shared.sealing import Words, WordsState

STABILITY = (
    "Stable: every member listed here is always there, `null` where nothing is known. Members and values are added in "
    "place; none is taken away, renamed or given another meaning under `/v1`. `ETag` changes when anything on the page "
    "does: send it back in `If-None-Match`, and 304 says that what you have still holds. There is none while some "
    "words cannot be read."
)
_RECORDED_AT = datetime(2026, 10, 12, 9, 30, tzinfo=UTC)
_MEMBERS: dict[str, str] = {
    "patient": "Pseudonymous: ids, year of birth, sex, diagnosis, language, clinician, consent",
    "clinical": "`shown`; `hidden` from a coordinator whose site does not show it: then the words of patients and what "
    "is said of the disease are as if nothing were known",
    "erased": "When and why: then nothing else is known any more",
    "visits": "Every visit, by its time",
    "visit": "The visit at hand",
    "last_visit": "The latest that took place",
    "survey": "The newest",
    "previous": "What is compared with in `since` and wherever a `last` stands",
    "since": "At most five changes since then, the most serious first",
    "concerns": "What the patient wants to talk about, by rank; `words_state` says whether `words` can be read",
    "matters_most": "In the patient's words",
    "matters_most_state": "`readable`, `not-readable-now`, `erased`; null: no words were given",
    "readings": "How am I doing: patient, computed, clinician, and whether they agree",
    "trend": "Scores of the index in use, with its bands",
    "medications": "Still taken first, then the newest",
    "labs": "A series for each LOINC code, with its limit and where the method changed",
    "urgent_care": "Answers about the past 6 months, now and last time",
    "well_being": "Answers about the past 7 days; blood (of 3 days) and a changed output of a bag where there was any",
    "day_to_day": "Answers about medicines",
    "plan": "Steps, open ones first by the day they are due",
    "sources": "When each source last spoke: survey, clinician, labs, medicines",
    "versions": "Highest sequence and newest time of each topic",
    "as_of": "The newest of these times",
    "missing": "What is not there, as `what` and details",
    "history": "By section how many things are kept and at most; `has_more`: older ones were left out. `only_scores`: "
    "so many surveys, until that time, are points of the trend and nothing else",
}


def page_schema() -> dict[str, Any]:
    """The page's JSON Schema: open, for members are added."""
    members = {name: {"description": words} for name, words in _MEMBERS.items()}
    return {"title": "Page", "type": "object", "required": list(members), "properties": members}


def page_example() -> dict[str, Any]:
    """The page of the synthetic patient of the contracts' examples, as a reader gets it."""
    facts = empty()
    for topic in (ENROLLMENT_UPDATED, VISIT_UPDATED, SURVEY_COMPLETED):
        body = EXAMPLES[topic.name]
        facts = fold(facts, Event(EVENT_ID, topic.name, SITE_ID, str(PATIENT_ID), 1, _RECORDED_AT, body))
    words = Words(WordsState.READABLE, "Words of the patient (synthetic)")
    return open_words(assemble(facts), lambda _sealed, _place: words)
