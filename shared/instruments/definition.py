"""What an instrument is made of: items with their range, a sum, a table, bands, rules of remission by item."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from shared.events import Activity

Answer = float | str | bool
_NUMBERS = (int, float)


@dataclass(frozen=True, slots=True)
class Band:
    """A named stretch of the scale: from `starts_at`, included, up to where the next band starts."""

    code: str
    starts_at: float
    words: str


class Step(NamedTuple):
    """Answers from `starts_at`, included, up to where the next step starts, count as `points`."""

    starts_at: float
    points: float


@dataclass(frozen=True, slots=True)
class Term:
    """One item of the sum: `weight` times its answer, or times the points of the step that the answer is on.

    `what` says in a few words of our own what the item holds. Means over days are no whole numbers. A feature is
    there or not, true or false, and counts 1.
    """

    item: str
    weight: int = 1
    what: str = field(kw_only=True)
    low: int = field(default=0, kw_only=True)
    high: int = field(default=1, kw_only=True)
    is_whole: bool = field(default=True, kw_only=True)
    is_feature: bool = field(default=False, kw_only=True)
    steps: tuple[Step, ...] = field(default=(), kw_only=True)

    @property
    def takes(self) -> str:
        if self.is_feature:
            return "yes or no"
        return f"a {'whole ' if self.is_whole else ''}number from {self.low} to {self.high}"

    @property
    def fewest_points(self) -> float:
        return self.weight * min((step.points for step in self.steps), default=self.low)

    @property
    def most_points(self) -> float:
        return self.weight * max((step.points for step in self.steps), default=self.high)

    def points(self, answer: Answer) -> float:
        """What the answer adds to the sum.

        Raises:
            ValueError: it is of another type or outside the item's range.
        """
        if not self._accepts(answer):
            raise ValueError(f"{self.item} takes {self.takes}")
        given = float(answer)
        if self.steps:
            given = next((step.points for step in reversed(self.steps) if step.starts_at <= given), given)
        return self.weight * given

    def _accepts(self, answer: Answer) -> bool:
        if isinstance(answer, bool) or self.is_feature:
            return isinstance(answer, bool) and self.is_feature
        if not isinstance(answer, _NUMBERS) or not self.low <= answer <= self.high:
            return False
        return not self.is_whole or answer == int(answer)


@dataclass(frozen=True, slots=True)
class ItemRemission:
    """Remission told by single items, beside the sum: each at or below its limit."""

    id: str
    limits: tuple[tuple[str, float], ...]
    citation: str


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """A score: the sum of its terms, or what `table` has for that sum; from `low` to `high`, bands rising from `low`.

    `minimal_change` is the smallest difference in points that counts, null when no source was found for one.
    `wording`: what the project may ship of the questions. "own" is words of our own, "published" the words as they
    were published, "none" is scoring only. A score needs every item.
    """

    id: str
    version: str
    name: str
    citation: str
    terms: tuple[Term, ...]
    higher_is: Literal["better", "worse"]
    bands: tuple[Band, ...]
    minimal_change: float | None
    answered_by: Literal["patient", "clinician", "both"]
    recall: str
    wording: Literal["own", "published", "none"]
    licence: str
    table: tuple[float, ...] = ()
    remissions: tuple[ItemRemission, ...] = ()

    @cached_property
    def key(self) -> str:
        """`id|version`, as a `Score` carries it."""
        return f"{self.id}|{self.version}"

    @cached_property
    def items(self) -> tuple[str, ...]:
        return tuple(term.item for term in self.terms)

    @cached_property
    def lowest_sum(self) -> int:
        """Where `table` starts."""
        return int(sum(term.fewest_points for term in self.terms))

    @cached_property
    def low(self) -> float:
        return self.table[0] if self.table else self.lowest_sum

    @cached_property
    def high(self) -> float:
        return self.table[-1] if self.table else sum(term.most_points for term in self.terms)


def activity_bands(mild: float, moderate: float, severe: float) -> tuple[Band, ...]:
    """The four words of disease activity, remission from zero."""
    starts = (0.0, mild, moderate, severe)
    return tuple(Band(activity, start, activity) for activity, start in zip(Activity, starts, strict=True))
