"""Run and control charts of proportions by month. What is hidden is no point, and no rule looks at it.

p-chart: centre p̄ = Σx / Σn of the baseline, limits p̄ ± 3·√(p̄(1 − p̄) / nᵢ) cut to 0..1 (Shewhart; Perla et al. 2011).
Signals: a point outside its limits; and the Anhøj rules (PLOS ONE 2014, e113825): a run on one side of the median
longer than round(log₂ n + 3), or fewer crossings than the lower 5 % of Binomial(n − 1, ½), n being the points that do
not lie on the median.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from math import comb, log2, sqrt
from statistics import median

from services.analytics.domain.suppression import is_small

BASELINE_MONTHS = 12
FEWEST_POINTS = 6


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month, by its first day: `count` of `of`. It may be hidden although no part of it is small."""

    first: date
    count: int
    of: int
    is_hidden: bool = False

    @property
    def has_small_part(self) -> bool:
        return not self.of or any(map(is_small, (self.count, self.of - self.count, self.of)))

    @property
    def is_shown(self) -> bool:
        return not self.is_hidden and not self.has_small_part

    @property
    def period(self) -> str:
        return f"{self.first:%b %Y}"

    def follows_within_a_year(self, other: "Month") -> bool:
        """Whether it is one of the twelve calendar months that begin with the other."""
        months = (self.first.year - other.first.year) * 12 + self.first.month - other.first.month
        return 0 <= months < BASELINE_MONTHS


@dataclass(frozen=True, slots=True)
class Point:
    """One period: `count` of `of`. Limits are null where there is no baseline yet."""

    period: str
    count: int
    of: int
    lower: float | None
    upper: float | None

    @property
    def share(self) -> float:
        return self.count / self.of

    @property
    def is_outside(self) -> bool:
        return self.lower is not None and self.upper is not None and not self.lower <= self.share <= self.upper


@dataclass(frozen=True, slots=True)
class ControlChart:
    """`centre` is null with fewer than six points to make it from; `signals` are sentences for people. Of the months in
    `hidden_periods` there is no point, so no signal says whether anything happened in them.
    """

    points: tuple[Point, ...]
    centre: float | None
    signals: tuple[str, ...]
    hidden_periods: tuple[str, ...]

    @property
    def unseen(self) -> str:
        """What no rule has looked at, in a sentence; empty where that is nothing."""
        if not self.hidden_periods:
            return ""
        last = self.hidden_periods[-1]
        if len(self.hidden_periods) == 1:
            return f"One month is hidden ({last}), and no rule looks at it."
        return f"{len(self.hidden_periods)} months are hidden, the last of them {last}, and no rule looks at them."

    @property
    def verdict(self) -> str:
        """What the rules say, and what they do not look at."""
        found = " ".join(self.signals) or ("Too few months for limits." if self.centre is None else "No signal.")
        return f"{found} {self.unseen}".strip()


def p_chart(months: Sequence[Month]) -> ControlChart:
    """A p-chart of months in order, of those that are shown.

    The baseline is a year that no later month changes: the first twelve calendar months, six or more of which have no
    small part, whichever of them are hidden. Its centre is that of those that are shown; with fewer than six there is
    none, and with fewer than twelve it says little yet.
    """
    shown = [month for month in months if month.is_shown]
    baseline = [month for month in _first_year(months) if month.is_shown]
    centre = None
    if len(baseline) >= FEWEST_POINTS:
        centre = sum(month.count for month in baseline) / sum(month.of for month in baseline)
    points = tuple(Point(month.period, month.count, month.of, *_limits(centre, month.of)) for month in shown)
    return ControlChart(
        points=points,
        centre=centre,
        signals=(*_outside(points), *_anhoej([point.share for point in points])),
        hidden_periods=tuple(month.period for month in months if not month.is_shown),
    )


def _first_year(months: Sequence[Month]) -> list[Month]:
    whole = [month for month in months if not month.has_small_part]
    years = ([month for month in whole if month.follows_within_a_year(first)] for first in whole)
    return next((year for year in years if len(year) >= FEWEST_POINTS), [])


def _limits(centre: float | None, of: int) -> tuple[float, float] | tuple[None, None]:
    if centre is None:
        return None, None
    width = 3 * sqrt(centre * (1 - centre) / of)
    return max(centre - width, 0.0), min(centre + width, 1.0)


def _outside(points: Sequence[Point]) -> list[str]:
    return [f"{point.period} lies outside its limits." for point in points if point.is_outside]


def longest_run_allowed(n: int) -> int:
    """Anhøj: a longer run on one side of the median is a signal."""
    return round(log2(n) + 3)


def fewest_crossings_allowed(n: int) -> int:
    """Anhøj: fewer crossings of the median are a signal; the 5 % quantile of Binomial(n − 1, ½)."""
    below, tail = 0, 0.0
    while (tail := tail + comb(n - 1, below) / 2 ** (n - 1)) < 0.05:
        below += 1
    return below


def _anhoej(values: Sequence[float]) -> list[str]:
    if len(values) < FEWEST_POINTS:
        return []
    middle = median(values)
    sides = [value > middle for value in values if value != middle]
    if len(sides) < FEWEST_POINTS:
        return []
    runs = [len(list(run)) for _, run in groupby(sides)]
    signals = []
    if max(runs) > longest_run_allowed(len(sides)):
        signals.append(f"{max(runs)} points in a row lie on one side of the median.")
    if len(runs) - 1 < fewest_crossings_allowed(len(sides)):
        signals.append(f"The line crosses the median only {len(runs) - 1} times.")
    return signals
