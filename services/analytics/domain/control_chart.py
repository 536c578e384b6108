"""Run and control charts of proportions.

p-chart: centre p̄ = Σx / Σn of the baseline, limits p̄ ± 3·√(p̄(1 − p̄) / nᵢ) cut to 0..1 (Shewhart; Perla et al. 2011).
Signals: a point outside its limits; and the Anhøj rules (PLOS ONE 2014, e113825): a run on one side of the median
longer than round(log₂ n + 3), or fewer crossings than the lower 5 % of Binomial(n − 1, ½), n being the points that do
not lie on the median.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import comb, log2, sqrt
from statistics import median

BASELINE_POINTS = 12
FEWEST_POINTS = 6
SMALLEST_DENOMINATOR = 11


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
    """`centre` is null with fewer than six points; `signals` are sentences for people."""

    points: tuple[Point, ...]
    centre: float | None
    signals: tuple[str, ...]


def p_chart(periods: Sequence[tuple[str, int, int]]) -> ControlChart:
    """A p-chart of `(period, count, of)` in time order; periods with fewer than 11 in the denominator are left out.

    The baseline is the first 12 points, frozen; with 6 to 11 points it is all of them, and says little yet.
    """
    usable = [(period, count, of) for period, count, of in periods if of >= SMALLEST_DENOMINATOR]
    if len(usable) < FEWEST_POINTS:
        return ControlChart(tuple(Point(*period, None, None) for period in usable), None, ())
    baseline = usable[:BASELINE_POINTS]
    centre = sum(count for _, count, _ in baseline) / sum(of for _, _, of in baseline)
    points = tuple(Point(period, count, of, *_limits(centre, of)) for period, count, of in usable)
    return ControlChart(points, centre, (*_outside(points), *_anhoej([point.share for point in points])))


def _limits(centre: float, of: int) -> tuple[float, float]:
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
