"""The course of a disease: one latent activity from 0 (quiet) to 1 (severe) that everything seen of a patient follows.

A flare rises over two weeks, stays until it is treated, and then falls by half every `half_life` days. Days count
from today and are negative in the past.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from deploy.demo.shares import pick

_RISE_DAYS = 14.0
_FLARES = {0: 0.50, 1: 0.35, 2: 0.15}


@dataclass(frozen=True, slots=True)
class Onset:
    """A flare as it starts: how high it goes, and the urgent care that it brings."""

    day: int
    peak: float
    emergency_day: int | None
    is_admitted: bool
    has_ct: bool


@dataclass(frozen=True, slots=True)
class Flare:
    onset: Onset
    treated_day: int
    half_life: float

    def activity(self, day: float) -> float:
        """What the flare adds on this day."""
        risen = min(1.0, max(0.0, min(day, self.treated_day) - self.onset.day) / _RISE_DAYS)
        fallen = 0.5 ** (max(0.0, day - self.treated_day) / self.half_life)
        return float(self.onset.peak * risen * fallen)


@dataclass(frozen=True, slots=True)
class Course:
    """`quiet` is the level between flares, around which it sways slowly."""

    quiet: float
    sway: float
    phase: float
    flares: tuple[Flare, ...] = ()

    def activity(self, day: float) -> float:
        """Latent activity on this day, 0 to 1."""
        slow = self.sway * math.sin(2 * math.pi * (day / 97 + self.phase))
        return min(1.0, max(0.0, self.quiet + slow + sum(flare.activity(day) for flare in self.flares)))

    def flares_within(self, first: int, last: int) -> list[Flare]:
        """The flares that started on these days, both included."""
        return [flare for flare in self.flares if first <= flare.onset.day <= last]


def onsets(rng: Random) -> list[Onset]:
    """No flare, one or two in fourteen months, in order and at least three months apart."""
    days = sorted(rng.randint(-430, -6) for _ in range(pick(rng, _FLARES)))
    apart = [day for position, day in enumerate(days) if position == 0 or day - days[position - 1] > 90]
    return [_onset(rng, day) for day in apart]


def _onset(rng: Random, day: int) -> Onset:
    peak = rng.uniform(0.3, 0.95)
    emergency = day + rng.randint(8, 20)
    goes = emergency < 0 and rng.random() < 0.8 * (peak - 0.15)
    return Onset(
        day,
        peak,
        emergency if goes else None,
        is_admitted=goes and rng.random() < 0.74,
        has_ct=goes and rng.random() < 0.7,
    )


def course(rng: Random, started: Sequence[Onset], visit_days: Sequence[int]) -> Course:
    """The course once it is known when the clinic saw the patient: a flare is treated at the first visit in it."""
    is_smouldering = rng.random() < 0.27
    flares = tuple(Flare(onset, _treated(onset, visit_days), rng.uniform(14, 55)) for onset in started)
    quiet = rng.uniform(0.26, 0.48) if is_smouldering else rng.uniform(0.02, 0.2)
    return Course(quiet, rng.uniform(0.01, 0.05), rng.random(), flares)


def _treated(onset: Onset, visit_days: Sequence[int]) -> int:
    if onset.emergency_day is not None:
        return onset.emergency_day
    seen = (day for day in visit_days if onset.day + 5 <= day <= onset.day + 50)
    return next(seen, onset.day + 30)
