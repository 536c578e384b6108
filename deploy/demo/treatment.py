"""Medicines as intervals, following the course: maintenance, steroids tapered in a flare, switches with their reason.

Nothing stops in the future: a course of steroids that is under way stands open at its present dose.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from deploy.demo.course import Course, Flare
from deploy.demo.network import Body
from deploy.demo.shares import one_of, pick
from shared.events import Diagnosis

_HALF_YEAR = 182
_TAPER = (("40 mg daily", 14), ("30 mg daily", 7), ("20 mg daily", 7), ("10 mg daily", 7), ("5 mg daily", 7))


@dataclass(frozen=True, slots=True)
class Regimen:
    name: str
    dose: str
    route: str


_MEDICINES = {
    regimen.name: regimen
    for regimen in (
        Regimen("mesalamine", "2.4 g daily", "oral"),
        Regimen("sulfasalazine", "1 g twice daily", "oral"),
        Regimen("azathioprine", "150 mg daily", "oral"),
        Regimen("methotrexate", "15 mg once a week", "subcutaneous"),
        Regimen("adalimumab", "40 mg every 2 weeks", "subcutaneous"),
        Regimen("infliximab", "5 mg/kg every 8 weeks", "intravenous"),
        Regimen("golimumab", "100 mg every 4 weeks", "subcutaneous"),
        Regimen("vedolizumab", "300 mg every 8 weeks", "intravenous"),
        Regimen("ustekinumab", "90 mg every 8 weeks", "subcutaneous"),
        Regimen("risankizumab", "360 mg every 8 weeks", "subcutaneous"),
        Regimen("mirikizumab", "200 mg every 4 weeks", "subcutaneous"),
        Regimen("upadacitinib", "15 mg daily", "oral"),
        Regimen("tofacitinib", "5 mg twice daily", "oral"),
        Regimen("ozanimod", "0.92 mg daily", "oral"),
    )
}
_NOTHING = "nothing"
_CROHNS = {
    "adalimumab": 24,
    "infliximab": 18,
    "ustekinumab": 16,
    "vedolizumab": 8,
    "risankizumab": 8,
    "azathioprine": 10,
    "methotrexate": 3,
    "upadacitinib": 4,
    _NOTHING: 9,
}
_COLITIS = {
    "mesalamine": 36,
    "sulfasalazine": 4,
    "vedolizumab": 14,
    "infliximab": 11,
    "adalimumab": 6,
    "ustekinumab": 7,
    "golimumab": 2,
    "upadacitinib": 5,
    "tofacitinib": 3,
    "ozanimod": 3,
    "azathioprine": 3,
    _NOTHING: 6,
}
_NEXT = ("ustekinumab", "vedolizumab", "risankizumab", "infliximab", "adalimumab", "upadacitinib", "mirikizumab")
_STOPS = {
    "loss-of-response": 0.5,
    "no-response": 0.22,
    "side-effects": 0.16,
    "cost-or-coverage": 0.07,
    "infection": 0.05,
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A medicine from one day to another; `last_day` null while it is taken. Days count from today."""

    regimen: Regimen
    first_day: int
    last_day: int | None = None
    stop_reason: str | None = None

    def body(self, today: date) -> Body:
        """As `POST /v1/medications` takes it."""
        body: Body = {
            "name": self.regimen.name,
            "dose": self.regimen.dose,
            "route": self.regimen.route,
            "started_on": (today + timedelta(days=self.first_day)).isoformat(),
        }
        if self.last_day is not None:
            body |= {"stopped_on": (today + timedelta(days=self.last_day)).isoformat(), "stop_reason": self.stop_reason}
        return body


@dataclass(frozen=True, slots=True)
class Treatment:
    """All medicines of a person. `steroid_days`: when courses started, those included that the clinic's list lacks."""

    intervals: tuple[Interval, ...]
    steroid_days: tuple[int, ...]
    opioid_days: tuple[int, ...]

    def steroid_courses(self, day: int) -> int:
        """Courses begun in the six months before this day, as the patient counts them."""
        return sum(day - _HALF_YEAR <= start <= day for start in self.steroid_days)

    def had_opioids(self, day: int) -> bool:
        """Whether an opioid was begun in the six months before this day."""
        return any(day - _HALF_YEAR <= start <= day for start in self.opioid_days)

    def is_on_steroids(self, day: int) -> bool:
        return any(start <= day <= start + 42 for start in self.steroid_days)

    def maintenance(self, day: int) -> str | None:
        """The medicine that is meant to keep the disease quiet, on this day."""
        for interval in self.intervals:
            lasts = interval.last_day is None or interval.last_day > day
            if interval.regimen in _MEDICINES.values() and interval.first_day <= day and lasts:
                return interval.regimen.name
        return None


def treatment(rng: Random, diagnosis: Diagnosis, course: Course) -> Treatment:
    """What was taken, given the course."""
    steroids = [flare for flare in course.flares if flare.treated_day < 0 and rng.random() < flare.onset.peak - 0.02]
    opioids = list(_opioids(rng, course))
    # Somebody else prescribed it, such as an emergency department: the patient tells of it, the clinic's list does not.
    unlisted = [flare.treated_day for flare in steroids if flare.onset.emergency_day is not None and rng.random() < 0.2]
    listed = [flare for flare in steroids if flare.treated_day not in unlisted]
    intervals = [
        *_maintenance(rng, diagnosis, course),
        *(step for flare in listed for step in taper(flare.treated_day)),
        *opioids,
    ]
    return Treatment(
        tuple(sorted(intervals, key=lambda interval: interval.first_day)),
        tuple(flare.treated_day for flare in steroids),
        tuple(interval.first_day for interval in opioids),
    )


def taper(first_day: int) -> Iterator[Interval]:
    """Prednisone from 40 mg down to nothing over six weeks, as far as today."""
    day = first_day
    for dose, days in _TAPER:
        regimen = Regimen("prednisone", dose, "oral")
        if day + days >= 0:
            yield Interval(regimen, day)
            return
        is_last = dose == _TAPER[-1][0]
        yield Interval(regimen, day, day + days, "course-completed" if is_last else "dose-changed")
        day += days


def _maintenance(rng: Random, diagnosis: Diagnosis, course: Course) -> Iterator[Interval]:
    options = _CROHNS if diagnosis is Diagnosis.CROHNS else _COLITIS
    name, since = pick(rng, options), -rng.randint(450, 2600)
    for flare in _switching(rng, course.flares):
        stop = flare.treated_day + rng.randint(3, 21)
        if stop >= 0:
            break
        if name != _NOTHING:
            yield Interval(_MEDICINES[name], since, stop, pick(rng, _STOPS))
        after = stop + rng.randint(0, 12)
        name, since = one_of(rng, [other for other in _NEXT if other != name]), min(after, -1)
    if name != _NOTHING:
        yield Interval(_MEDICINES[name], since)


def _switching(rng: Random, flares: Sequence[Flare]) -> list[Flare]:
    return [flare for flare in flares if flare.onset.peak > 0.5 and rng.random() < 0.45]


def _opioids(rng: Random, course: Course) -> Iterator[Interval]:
    for flare in course.flares:
        if flare.onset.emergency_day is not None and rng.random() < 0.3:
            start = flare.onset.emergency_day
            stop = min(start + 5, -1)
            yield Interval(
                Regimen("oxycodone", "5 mg every 6 hours as needed", "oral"), start, stop, "course-completed"
            )
    if rng.random() < 0.07:
        start = -rng.randint(20, 300)
        yield Interval(Regimen("tramadol", "50 mg as needed", "oral"), start)
