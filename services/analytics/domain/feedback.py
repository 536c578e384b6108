"""What patients said after their visits.

collaboRATE (0–9 version): top score when all three items are 9; mean = sum / 27 × 100; any item missing, no score.
Population: consenting people, one response each (the first), so that nobody counts twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from operator import attrgetter

from services.analytics.domain.suppression import HIDDEN_SHARE, SMALLEST_SHOWN, Cell, Leaving, Share, is_small

TOP = 9
NOTE = "Observed, not assigned: people who answer and people who use the page differ. This is no proof of cause."


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's first response."""

    efforts: tuple[int | None, int | None, int | None]
    helped_discussion: bool | None
    helped_what_matters: bool | None
    helped_decisions: bool | None
    used_in_visit: bool
    used_outside_visit: bool
    used_over_one_month: bool | None

    @property
    def is_scored(self) -> bool:
        return None not in self.efforts

    @property
    def is_top(self) -> bool:
        return self.efforts == (TOP, TOP, TOP)


_HELPED = {
    "discussion": attrgetter("helped_discussion"),
    "what-matters": attrgetter("helped_what_matters"),
    "decisions": attrgetter("helped_decisions"),
}


@dataclass(frozen=True, slots=True)
class Association:
    """Top score by use in the visit: Pearson χ² without correction (1 df), crude odds ratio with Wald 95 % interval."""

    table: tuple[tuple[int, int], tuple[int, int]]
    chi_square: float
    p_value: float
    odds_ratio: float
    interval: tuple[float, float]
    top_shares: tuple[float, float]
    note: str = NOTE


@dataclass(frozen=True, slots=True)
class FeedbackFigures:
    """All but `responses` is about people who answered all three efforts: another denominator would tell who skipped.

    Helped shares are among those of them who used the page in the visit, and hidden where their number is.
    """

    responses: Cell
    top_score: Share
    mean_score: float | None
    helped: dict[str, Share]
    used_in_visit: Share
    used_outside_visit: Share
    used_over_one_month: Share
    association: Association | None


def figures_of(answers: Sequence[Answer], steps: Mapping[str, int]) -> tuple[dict[str, Cell], FeedbackFigures]:
    """What leaves of the funnel's `steps` about people, and all figures of the feedback: the same people, seen twice.

    Where two of them would give a small count away, the first is shown: what participation shows too, who is enrolled,
    the top score and what goes with it, the funnel's other steps, the rest.
    """
    leaving = Leaving()
    cells = {name: leaving.cell(steps[name]) for name in ("visits", "surveys", "enrolled")}
    scored = [answer for answer in answers if answer.is_scored]
    top = leaving.share(sum(answer.is_top for answer in scored), len(scored), "scored", "top")
    users = [answer for answer in scored if answer.used_in_visit]
    used = leaving.share(len(users), len(scored), "scored", "used")
    helped = {item: _helped(map(said, users), used, leaving, item) for item, said in _HELPED.items()}
    outside = leaving.share(sum(answer.used_outside_visit for answer in scored), len(scored), "scored", "outside")
    cells["feedback"] = leaving.cell(steps["feedback"])
    cells["over_one_month"] = leaving.cell(steps["over_one_month"], "scored", "month", "yes")
    responses = leaving.cell(len(answers))
    over_one_month = _of((answer.used_over_one_month for answer in scored), leaving, "scored", "month")
    return cells, FeedbackFigures(
        responses=responses,
        top_score=top,
        mean_score=_mean(scored, top),
        helped=helped,
        used_in_visit=used,
        used_outside_visit=outside,
        used_over_one_month=over_one_month,
        association=None if top.share is None or used.share is None else _association(scored),
    )


def _of(values: Iterable[bool | None], leaving: Leaving, *way: str) -> Share:
    """The share of yes among those who answered."""
    given = [value for value in values if value is not None]
    return leaving.share(sum(given), len(given), *way, "yes")


def _helped(values: Iterable[bool | None], used: Share, leaving: Leaving, item: str) -> Share:
    if used.count.value is None:
        return HIDDEN_SHARE
    return _of(values, leaving, "scored", "used", item)


def _mean(scored: Sequence[Answer], top: Share) -> float | None:
    """Of 100. With the top score it says how many points the others have together. Within ten of the most or the least
    that so many can have, that says how few have another sum than the rest, so there is no mean.
    """
    if top.share is None:
        return None
    points = [sum(effort for effort in answer.efforts if effort is not None) for answer in scored]
    others = [own for own in points if own < 3 * TOP]
    missing = len(others) * (3 * TOP - 1) - sum(others)
    return None if is_small(missing) or is_small(sum(others)) else sum(points) / len(points) / (3 * TOP) * 100


def _association(scored: Sequence[Answer]) -> Association | None:
    used, not_used = ([answer for answer in scored if answer.used_in_visit is side] for side in (True, False))
    a, c = (sum(answer.is_top for answer in group) for group in (used, not_used))
    b, d = len(used) - a, len(not_used) - c
    if min(a, b, c, d) < SMALLEST_SHOWN:
        return None
    return associate(a, b, c, d)


def associate(a: int, b: int, c: int, d: int) -> Association:
    """The 2 × 2 table [[a, b], [c, d]], rows used and not used, columns top and not top; no cell may be 0."""
    n = a + b + c + d
    chi_square = n * (a * d - b * c) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
    odds_ratio = a * d / (b * c)
    error = 1.959964 * sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    interval = (exp(log(odds_ratio) - error), exp(log(odds_ratio) + error))
    p_value = erfc(sqrt(chi_square / 2))
    return Association(((a, b), (c, d)), chi_square, p_value, odds_ratio, interval, (a / (a + b), c / (c + d)))
