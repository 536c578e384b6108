"""What patients said after their visits.

collaboRATE (0–9 version): top score when all three items are 9; mean = sum / 27 × 100; any item missing, no score.
Population: consenting people, one response each (the first), so that nobody counts twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import erfc, exp, log, sqrt

from services.analytics.domain.suppression import Cell, Share, hide, is_small, share

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
    """`scored` responses have all three efforts; helped shares are among those who used the page in the visit."""

    responses: Cell
    top_score: Share
    mean_score: float | None
    helped: dict[str, Share]
    used_in_visit: Share
    used_outside_visit: Share
    used_over_one_month: Share
    association: Association | None


def figures_of(answers: Sequence[Answer]) -> FeedbackFigures:
    """All figures of the feedback; small counts hidden, and the association only where no cell is small."""
    scored = [answer for answer in answers if answer.is_scored]
    users = [answer for answer in answers if answer.used_in_visit]
    sums = [sum(effort for effort in answer.efforts if effort is not None) for answer in scored]
    return FeedbackFigures(
        responses=hide(len(answers)),
        top_score=_of(answer.is_top for answer in scored),
        mean_score=None if is_small(len(sums)) or not sums else sum(sums) / len(sums) / 27 * 100,
        helped={
            "discussion": _of(answer.helped_discussion for answer in users),
            "what-matters": _of(answer.helped_what_matters for answer in users),
            "decisions": _of(answer.helped_decisions for answer in users),
        },
        used_in_visit=_of(answer.used_in_visit for answer in answers),
        used_outside_visit=_of(answer.used_outside_visit for answer in answers),
        used_over_one_month=_of(answer.used_over_one_month for answer in answers),
        association=_association(scored),
    )


def _of(values: Iterable[bool | None]) -> Share:
    """The share of yes among those who answered."""
    given = [value for value in values if value is not None]
    return share(sum(given), len(given))


def _association(scored: Sequence[Answer]) -> Association | None:
    used, not_used = ([answer for answer in scored if answer.used_in_visit is side] for side in (True, False))
    a, c = (sum(answer.is_top for answer in group) for group in (used, not_used))
    b, d = len(used) - a, len(not_used) - c
    if min(a, b, c, d) == 0 or any(is_small(cell) for cell in (a, b, c, d)):
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
