"""What changed since the survey before this one: at most five facts, the most serious first."""

from collections.abc import Iterator, Sequence

from services.dashboard.domain.courses import courses_of
from services.dashboard.domain.facts import Item
from services.dashboard.domain.items import Json, Surveys, instant, value_of

MOST = 5


def since_of(surveys: Surveys, *, readings: Json, labs: Sequence[Json], medications: Sequence[Json]) -> list[Json]:
    """Facts as `kind` and numbers; words are the page's. Empty when there is no earlier survey to compare
    with.
    """
    if surveys.now is None or surveys.last is None:
        return []
    since = str(surveys.last["submitted_at"])
    found = [
        *_more_care(surveys.now, surveys.last, ("hospital_stays", "ed_visits")),
        *_index(readings["computed"]),
        *_rating(readings["clinician"], since),
        *_more_care(surveys.now, surveys.last, ("steroid_courses", "ct_scans")),
        *_labs(labs, since),
        *_missed_doses(surveys.now),
        *medicines_since(medications, since),
    ]
    return found[:MOST]


def _more_care(now: Item, last: Item, items: Sequence[str]) -> Iterator[Json]:
    for item in items:
        count, before = value_of(now, item), value_of(last, item)
        if count and (before is None or count > before):
            yield {"kind": "care", "item": item, "now": count, "was": before}


def _index(computed: Json | None) -> Iterator[Json]:
    if computed and computed["change"] in ("worse", "better"):
        yield {
            "kind": "index",
            "change": computed["change"],
            "was": computed["last"]["value"],
            "now": computed["value"],
        }


def _rating(clinician: Json | None, since: str) -> Iterator[Json]:
    last = clinician["last"] if clinician else None
    if clinician and last and last["activity"] != clinician["activity"] and instant(clinician["at"]) > instant(since):
        yield {"kind": "rating", "was": last["activity"], "now": clinician["activity"]}


def _labs(labs: Sequence[Json], since: str) -> Iterator[Json]:
    """A marker that crossed its limit, or that was measured by another method; never both for one result."""
    for series in labs:
        newest, earlier = series["points"][-1], series["points"][:-1]
        if not series["marker"] or not earlier or instant(newest["at"]) <= instant(since):
            continue
        named = {"name": series["name"], "value": newest["value"], "comparator": newest["comparator"]}
        if any(change["at"] == newest["at"] for change in series["method_changes"]):
            yield {"kind": "new-method", **named}
        elif None not in (newest["side"], earlier[-1]["side"]) and newest["side"] != earlier[-1]["side"]:
            yield {"kind": "lab", **named, "side": newest["side"]}


def _missed_doses(now: Item) -> Iterator[Json]:
    missed = value_of(now, "missed_doses")
    if missed:
        yield {"kind": "missed-doses", "now": missed}


def medicines_since(medications: Sequence[Json], since: str) -> Iterator[Json]:
    """A medicine that was started or stopped, or has another dose than before."""
    day = instant(since).date().isoformat()
    for course in courses_of(medications):
        stopped_on = course.last["stopped_on"]
        newer = [change for change in course.changes() if change["started_on"] > day]
        if stopped_on and stopped_on > day:
            yield {"kind": "stopped", "name": course.name, "on": stopped_on}
        elif course.started_on > day:
            yield {"kind": "started", "name": course.name, "on": course.started_on}
        elif newer:
            yield {"kind": "new-dose", "name": course.name, "on": newer[-1]["started_on"], "now": newer[-1]["dose"]}
