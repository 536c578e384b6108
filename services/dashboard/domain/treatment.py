"""Whether treatment explains how somebody is: what there is to tell, side by side. The page gives no verdict."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.dashboard.domain.courses import Course, courses_of
from services.dashboard.domain.items import Json, instant
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
_OF_ANTIBODIES = re.compile(r"\banti(?!-?tnf)|\bab\b", re.IGNORECASE)


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
    """The newest course of maintenance that is still taken.

    `before` is the newest score of at most 90 days before it began and `now` that of the newest survey, if that came
    after; `change` is between the two by the instrument's own threshold. `changes` are medicines that were started,
    stopped or dosed anew since the survey before; null without one. `levels` are those of all maintenance that is
    taken, where there is one or it is wanted.
    """

    course: Course
    before: Json | None
    now: Json | None
    change: Change | None
    changes: Sequence[Json] | None
    levels: Sequence[Level]


def treatment_of(page: Mapping[str, Any]) -> Treatment | None:
    """What a page tells of the treatment; null where nothing for maintenance is on the clinic's list."""
    taken = [course for course in courses_of(page["medications"]) if _is_maintenance(course)]
    if not taken:
        return None
    course = max(taken, key=lambda one: one.started_on)
    before, now = _before(page, course), _now(page, course)
    key = page["readings"]["computed"]["instrument"] if now else ""
    last = page["previous"]
    return Treatment(
        course,
        before,
        now,
        changed(key, before, now["value"]) if now else None,
        list(medicines_since(page["medications"], last["submitted_at"])) if last else None,
        [level for one in taken if (level := _level(page, one)).result or level.is_wanted],
    )


def _is_maintenance(course: Course) -> bool:
    return course.last["stopped_on"] is None and course.last["drug_class"] in MAINTENANCE


def _before(page: Mapping[str, Any], course: Course) -> Json | None:
    began = date.fromisoformat(course.started_on)
    points = page["trend"]["points"] if page["trend"] else ()
    then = (p for p in reversed(points) if p["value"] is not None and began - BEFORE <= _day(p["at"]) <= began)
    return next(then, None)


def _now(page: Mapping[str, Any], course: Course) -> Json | None:
    computed: Json | None = page["readings"]["computed"]
    if computed is None or computed["value"] is None or _day(computed["at"]).isoformat() <= course.started_on:
        return None
    return computed


def _level(page: Mapping[str, Any], course: Course) -> Level:
    """Of results that name the medicine and not antibodies against it. Laboratories code the level by many codes, one a
    method; a biosimilar's suffix (`adalimumab-atto`) is not in its name.
    """
    medicine = course.name.split()[0].split("-")[0].lower()
    named = (one for one in page["labs"] if medicine in one["name"].lower())
    levels = (one for one in named if not _OF_ANTIBODIES.search(one["name"]))
    newest = max(levels, key=lambda one: instant(one["points"][-1]["at"]), default=None)
    result, unit = (newest["points"][-1], newest["unit"]) if newest else (None, None)
    return Level(course.name, result, unit, is_wanted=_wants_level(page, course))


def _wants_level(page: Mapping[str, Any], course: Course) -> bool:
    if course.last["drug_class"] != DrugClass.ANTI_TNF or page["as_of"] is None:
        return False
    is_past_induction = date.fromisoformat(course.started_on) + INDUCTION <= _day(page["as_of"])
    return is_past_induction and any(_says_active(page["readings"]))


def _says_active(readings: Mapping[str, Any]) -> Iterator[bool]:
    patient, computed, clinician = readings["patient"], readings["computed"], readings["clinician"]
    yield bool(patient) and patient["in_remission"].get("value") == "no"
    yield bool(computed) and computed["band"] not in (None, Activity.REMISSION)
    yield bool(clinician) and clinician["activity"] != Activity.REMISSION


def _day(text: str) -> date:
    return instant(text).date()
