"""Who is seen when: the visits of the past, those of today and of the next days.

People are seen at an interval of their own, and sooner in a flare. Each active site has visits today in every state.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random

from deploy.demo.course import Onset
from deploy.demo.network import Body
from deploy.demo.people import Person
from deploy.demo.shares import one_of, pick, sampled
from shared.events import VisitState

_INTERVALS = {"rare": (180, 300), "regular": (95, 160), "frequent": (45, 80)}
_KINDS = {"rare": 0.42, "regular": 0.46, "frequent": 0.12}
_TODAY = (VisitState.COMPLETED, VisitState.CHECKED_IN, VisitState.SCHEDULED, VisitState.SCHEDULED, VisitState.CANCELLED)
# Days count from today in UTC: the evening of the day before yesterday is over on every clock.
LAST_DAY = -2
_SLOTS = ((8, 40), (10, 20), (11, 0), (14, 30), (15, 10))


@dataclass(frozen=True, slots=True)
class Appointment:
    """A visit before anything is said in it. `answered_day`: when the survey was filled in, null for never."""

    day: int
    scheduled_at: datetime
    state: VisitState
    checked_in_at: datetime | None = None
    completed_at: datetime | None = None
    answered_day: int | None = None

    @property
    def is_past(self) -> bool:
        return self.day < 0 and self.state is VisitState.COMPLETED

    def answered(self, rng: Random) -> "Appointment":
        """With a survey, most often of the last days before the visit and never of today or later.

        A few are older than the two weeks in which a survey counts.
        """
        is_early = self.is_past and rng.random() < 0.03
        before = rng.randint(15, 19) if is_early else min(13, 1 + int(rng.expovariate(0.35)))
        return replace(self, answered_day=min(LAST_DAY, self.day - before))

    def changes(self) -> tuple[Body, ...]:
        """The states after "scheduled". Those of today carry no time: they happen while the network is loaded."""
        if self.state is VisitState.SCHEDULED:
            return ()
        times = {"checked_in_at": self.checked_in_at, "completed_at": self.completed_at}
        return ({"state": self.state.value, **{name: at.isoformat() for name, at in times.items() if at is not None}},)


def past_days(rng: Random, person: Person, started: Sequence[Onset]) -> list[int]:
    """The days of the past on which a person is seen, since enrolment."""
    shortest, longest = _INTERVALS[pick(rng, _KINDS)]
    day = person.enrolled_day + (rng.randint(0, 14) if rng.random() < 0.62 else rng.randint(40, 150))
    wanted = []
    while day < 0:
        wanted.append(day)
        day += rng.randint(shortest, longest)
    for onset in started:
        seen = onset.day + rng.randint(8, 25)
        wanted += [seen, seen + rng.randint(35, 60)] if rng.random() < 0.6 else [seen]
    days: list[int] = []
    for day in sorted(wanted):
        if person.enrolled_day <= day <= LAST_DAY and (not days or day - days[-1] >= 14):
            days.append(day)
    return days


def past(rng: Random, person: Person, day: int, today: date) -> Appointment | None:
    """A visit that took place or was cancelled; none when the next weekday is not in the past."""
    weekday = (today + timedelta(days=day)).weekday()
    day += max(0, 7 - weekday) if weekday > 4 else 0
    if day > LAST_DAY:
        return None
    at = person.place.instant(today, day, rng.randint(8, 16), rng.randrange(0, 60, 10))
    if rng.random() < 0.06:
        return Appointment(day, at, VisitState.CANCELLED)
    checked_in = at + timedelta(minutes=rng.randint(-12, 15))
    completed = max(checked_in, at) + timedelta(minutes=rng.randint(18, 50))
    return Appointment(day, at, VisitState.COMPLETED, checked_in, completed)


def upcoming(rng: Random, site_people: Sequence[Person], today: date) -> dict[str, Appointment]:
    """Visits at one site today (in each state) and in the next seven days, by the identifier of the patient."""
    ahead = rng.randint(4, 7)
    able = [(person, person.engagement) for person in site_people if person.enrolled_day < -14]
    chosen = sampled(rng, able, min(len(able), len(_TODAY) + ahead))
    made = {}
    for person, state, slot in zip(chosen, _TODAY, _SLOTS, strict=False):
        appointment = Appointment(0, person.place.instant(today, 0, *slot), state)
        is_answered = state in (VisitState.COMPLETED, VisitState.CHECKED_IN) or rng.random() < 0.4
        keeps = is_answered and state is not VisitState.CANCELLED
        made[person.identifier] = appointment.answered(rng) if keeps else appointment
    for person in chosen[len(_TODAY) :]:
        day = _next_weekday(today, rng.randint(1, 7))
        at = person.place.instant(today, day, *one_of(rng, _SLOTS))
        appointment = Appointment(day, at, VisitState.SCHEDULED)
        made[person.identifier] = appointment.answered(rng) if rng.random() < 0.25 else appointment
    return made


def _next_weekday(today: date, day: int) -> int:
    weekday = (today + timedelta(days=day)).weekday()
    return day + (7 - weekday if weekday > 4 else 0)
