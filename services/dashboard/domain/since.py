"""What changed since last time: at most five facts, the most serious first.

Last time is the visit that the survey before was for, or that survey itself. What was known there is compared with what
is known now, whatever came in between.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from services.dashboard.domain.courses import courses_of
from services.dashboard.domain.facts import Facts, Item, Section
from services.dashboard.domain.items import Json, Surveys, by_time, instant, is_in_error, utc, value_of
from shared.clinic_day import clinic_day

MOST = 5
_OF_VISIT = timedelta(hours=12)
"""A rating that is given so soon after the time of a visit was given in it."""
_BY_CLINIC: tuple[Section, ...] = ("labs", "medications", "assessments", "steps")


def since_of(
    facts: Facts,
    surveys: Surveys,
    previous: Json | None,
    *,
    computed: Json | None,
    labs: Sequence[Json],
    medications: Sequence[Json],
) -> list[Json]:
    """Facts as `kind` and numbers; words are the page's. When there is no earlier survey to compare with, only what
    was ever taken back. Results and medicines come in the order of the page, whatever the order in which they became
    known.
    """
    if surveys.now is None or surveys.last is None or previous is None:
        return list(_taken_back(facts, None))
    since = last_time(previous, str(surveys.now["submitted_at"]))
    newest = max(source["time"] for source in facts["sources"].values())
    days = clinic_day(instant(since)), clinic_day(instant(newest))
    found = [
        *_taken_back(facts, since),
        *_more_care(surveys.now, surveys.last, ("hospital_stays", "ed_visits")),
        *_index(computed),
        *_rating(by_time(facts, "assessments", "assessed_at", "assessment_id"), since),
        *_more_care(surveys.now, surveys.last, ("steroid_courses", "ct_scans")),
        *_labs(labs, since),
        *_missed_doses(surveys.now),
        *medicines_since(medications, *days),
    ]
    return found[:MOST]


def all_taken_back(facts: Facts) -> list[Json]:
    """Every fact of the clinic that is known to be entered in error, oldest mark first; of what it said nothing."""
    found = [
        {"kind": item["kind"], "id": item_id, "at": utc(item["recorded_at"])}
        for section in _BY_CLINIC
        for item_id, item in facts["items"][section].items()
        if is_in_error(item)
    ]
    return sorted(found, key=lambda one: (one["at"], one["kind"], one["id"]))


def last_time(previous: Json, until: str) -> str:
    """When it was; a visit that was before its survey, or is after the newest one, does not count."""
    visit_at, submitted_at = previous["visit_at"], str(previous["submitted_at"])
    is_between = visit_at is not None and instant(submitted_at) <= instant(visit_at) <= instant(until)
    return str(visit_at) if is_between else submitted_at


def medicines_since(medications: Sequence[Item], since: date, until: date) -> Iterator[Json]:
    """A medicine that was started or stopped, or has another dose than before: from `since` on, that day included. What
    is planned for after `until` has not happened.
    """
    for course in courses_of(medications):
        stopped_on = course.last["stopped_on"]
        newer = [change for change in course.changes() if _is_between(change["started_on"], since, until)]
        if _is_between(stopped_on, since, until):
            yield {"kind": "stopped", "name": course.name, "on": stopped_on}
        elif _is_between(course.started_on, since, until):
            yield {"kind": "started", "name": course.name, "on": course.started_on}
        elif newer:
            yield {"kind": "new-dose", "name": course.name, "on": newer[-1]["started_on"], "now": newer[-1]["dose"]}


def _is_between(day: str | None, since: date, until: date) -> bool:
    return day is not None and since <= date.fromisoformat(day) <= until


def _taken_back(facts: Facts, since: str | None) -> Iterator[Json]:
    """How many facts of the clinic were marked as entered in error, of each kind, and when the newest of them. Whoever
    looked in between has seen them, and misses them now: they come first.
    """
    items = {section: facts["items"][section].values() for section in _BY_CLINIC}
    every = {name: [item["recorded_at"] for item in held if is_in_error(item)] for name, held in items.items()}
    newer = {name: [at for at in ats if since is None or instant(at) > instant(since)] for name, ats in every.items()}
    newest = max((at for ats in newer.values() for at in ats), default=None)
    if newest is not None:
        yield {"kind": "taken-back", "at": utc(newest), **{name: len(ats) for name, ats in newer.items()}}


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


def _rating(assessments: Sequence[Item], since: str) -> Iterator[Json]:
    """The newest rating beside the one that held last time, or the first one since."""
    held = [one for one in assessments if instant(one["assessed_at"]) <= instant(since) + _OF_VISIT]
    was, now = (held[-1:] or assessments[:1]), assessments[-1:]
    if now and was[0]["activity"] != now[0]["activity"]:
        yield {"kind": "rating", "was": was[0]["activity"], "now": now[0]["activity"]}


def _labs(labs: Sequence[Json], since: str) -> Iterator[Json]:
    """A marker that is on another side of its limit than last time, or than the first one since; or that is measured by
    another method, never both.
    """
    for series in labs:
        points, newest = series["points"], series["points"][-1]
        was = next((one for one in reversed(points) if instant(one["at"]) <= instant(since)), points[0])
        if not series["marker"] or was is newest:
            continue
        named = {"name": series["name"], "value": newest["value"], "comparator": newest["comparator"]}
        if any(instant(change["at"]) > instant(was["at"]) for change in series["method_changes"]):
            yield {"kind": "new-method", **named}
        elif None not in (newest["side"], was["side"]) and newest["side"] != was["side"]:
            yield {"kind": "lab", **named, "side": newest["side"]}


def _missed_doses(now: Item) -> Iterator[Json]:
    missed = value_of(now, "missed_doses")
    if missed:
        yield {"kind": "missed-doses", "now": missed}
