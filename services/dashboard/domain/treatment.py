"""Whether treatment explains how somebody is: what there is to tell a reader who looks now, side by side. The page
gives no verdict.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from services.dashboard.domain.courses import Course, courses_of
from services.dashboard.domain.freshness import freshness, is_of_now
from services.dashboard.domain.items import Json, instant
from services.dashboard.domain.labs import LEVELS
from services.dashboard.domain.readings import changed
from services.dashboard.domain.since import medicines_since
from shared.events import Activity, DrugClass
from shared.instruments import Change

MAINTENANCE = frozenset(DrugClass) - {
    DrugClass.SYSTEMIC_STEROID,
    DrugClass.LOCAL_STEROID,
    DrugClass.OPIOID,
    DrugClass.OTHER,
}
"""Classes that are meant to keep the disease quiet."""
BEFORE = timedelta(days=90)
"""How long before a start a score still says how it was then."""
INDUCTION = timedelta(weeks=14)
"""Until then no level is asked for: what it should be is uncertain. This, and that a level guides what comes next in
active disease under an anti-TNF: AGA 2017, doi 10.1053/j.gastro.2017.07.032.
"""


@dataclass(frozen=True, slots=True)
class Level:
    """How much of a medicine is in the blood: the newest result and its unit, null where there is none. It is wanted
    where it helps to decide what comes next: the disease is active under an anti-TNF after induction.
    """

    medicine: str
    result: Json | None
    unit: str | None
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class Treatment:
    """The newest course of maintenance that is taken.

    `before` is the newest score of at most 90 days before it began and `since` the newest one after; `change` is
    between the two by the instrument's own threshold. `last` is the score of last time, where it is from after the
    start and there is one of now: what came of it since is told first. `is_scored` is false where the survey on the
    page has no index, so that nothing is known of scores. `changes` are medicines that were started, stopped or dosed
    anew since last time; null without one.
    """

    course: Course
    before: Json | None
    since: Json | None
    last: Json | None
    is_scored: bool
    change: Change | None
    changes: Sequence[Json] | None


def treatment_of(page: Mapping[str, Any], now: datetime) -> Treatment | None:
    """What a page tells of the treatment at `now`, in the site's zone; null where nothing for maintenance is taken."""
    course = max(_taken(page, now), key=lambda one: one.started_on, default=None)
    if course is None:
        return None
    trend, last = page["trend"], page["previous"]
    points = trend["points"] if trend else ()
    scores = [(_day(point["at"], now), point) for point in points if point["value"] is not None]
    began = date.fromisoformat(course.started_on)
    before = next((point for day, point in reversed(scores) if began - BEFORE <= day <= began), None)
    since = next((point for day, point in reversed(scores) if day > began), None)
    since_day = _day(last["visit_at"] or last["submitted_at"], now) if last else None
    return Treatment(
        course,
        before,
        since,
        _last(page, began, now),
        is_scored=trend is not None or page["survey"] is None,
        change=changed(trend["instrument"], before, since["value"]) if since else None,
        changes=list(medicines_since(page["medications"], since_day, now.date())) if since_day else None,
    )


def _last(page: Mapping[str, Any], began: date, now: datetime) -> Json | None:
    computed = page["readings"]["computed"]
    if computed is None or computed["value"] is None or not is_of_now(page, now):
        return None
    last: Json | None = computed["last"]
    return last if last and last["value"] is not None and _day(last["at"], now) > began else None


def levels_of(page: Mapping[str, Any], now: datetime) -> Sequence[Level]:
    """Of all maintenance that is taken at `now`, where there is a level or it is wanted."""
    return [level for one in _taken(page, now) if (level := _level(page, one, now)).result or level.is_wanted]


def _taken(page: Mapping[str, Any], now: datetime) -> Sequence[Course]:
    """The courses of maintenance that are taken at `now`."""
    return [course for course in courses_of(page["medications"]) if _is_maintenance(course, now.date())]


def _is_maintenance(course: Course, today: date) -> bool:
    stopped_on = course.last["stopped_on"]
    is_taken = date.fromisoformat(course.started_on) <= today and (
        stopped_on is None or date.fromisoformat(stopped_on) > today
    )
    return is_taken and course.last["drug_class"] in MAINTENANCE


def _level(page: Mapping[str, Any], course: Course, now: datetime) -> Level:
    codes = [loinc for loinc, ingredient in LEVELS.items() if _names(course.name, ingredient)]
    measured = (one for one in page["labs"] if one["loinc"] in codes)
    newest = max(measured, key=lambda one: instant(one["points"][-1]["at"]), default=None)
    result, unit = (newest["points"][-1], newest["unit"]) if newest else (None, None)
    began = date.fromisoformat(course.started_on)
    is_wanted = (
        bool(codes)
        and course.last["drug_class"] == DrugClass.ANTI_TNF
        and began + INDUCTION <= now.date()
        and any(_says_active(page, now))
    )
    return Level(course.name, result, unit, is_wanted)


def _names(medicine: str, ingredient: str) -> bool:
    """Whether a clinic's name of a medicine has the ingredient; a biosimilar's carries a suffix (`adalimumab-atto`)."""
    return re.search(rf"\b{ingredient}\b", medicine, re.IGNORECASE) is not None


def _says_active(page: Mapping[str, Any], now: datetime) -> Iterator[bool]:
    """By each voice that speaks of now: the patient, the score, the rating."""
    readings, rated = page["readings"], freshness(page, now)["clinician"]
    patient, computed, clinician = readings["patient"], readings["computed"], readings["clinician"]
    if is_of_now(page, now):
        yield bool(patient) and patient["in_remission"].get("value") == "no"
        yield bool(computed) and computed["band"] not in (None, Activity.REMISSION)
    if clinician and rated and not rated.is_old:
        yield clinician["activity"] != Activity.REMISSION


def _day(text: str, now: datetime) -> date:
    """By the calendar of the site."""
    return instant(text).astimezone(now.tzinfo).date()
