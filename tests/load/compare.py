"""What moved between two runs of the bench, and by more than noise.

The noise is the run's own: the samples of a figure that alternate with those of the floor. A figure moved when the
samples of the two runs do not overlap and their medians lie more than 5 % apart. If nothing had changed, five samples
against five would do that once in 126 figures. Where there is a floor, the product's share of it is compared, so that
a faster or slower machine alone moves nothing. A figure of one sample has no noise of its own: it moves by 25 %, which
is what runs of the same code differ by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from tests.load.figures import DRIVER, LATE, PART, Document, Figure

LEAST = 0.05
LEAST_OF_ONE = 0.25
# Delays this short and shares this small are not compared: a tick of the clock would move them.
_TOO_SMALL = {"ms": 0.5, "% of a core": 5.0, "%": 1.0}
_NOT_OURS = (LATE.name, DRIVER.name)


@dataclass(frozen=True, slots=True)
class Move:
    """A figure that is not what it was. `before` and `now` are shares of the floor where `is_share`."""

    figure: Figure
    before: float
    now: float
    is_share: bool

    @property
    def change(self) -> float:
        """Relative, of what it was."""
        return self.now / self.before - 1

    @property
    def verdict(self) -> Literal["better", "worse"]:
        return "better" if (self.change > 0) is self.figure.is_more_better else "worse"


def moves(before: Document, now: Document, *, is_same_machine: bool) -> list[Move]:
    """Figures in both documents that moved; the largest change first. Without a floor only on the same machine."""
    old = before.by_key()
    found = [
        move
        for key, figure in now.by_key().items()
        if key in old and (move := _move(old[key], figure, is_same_machine=is_same_machine)) is not None
    ]
    return sorted(found, key=lambda move: -abs(move.change))


def _move(before: Figure, now: Figure, *, is_same_machine: bool) -> Move | None:
    is_share = bool(before.ratios and now.ratios)
    is_small = max(before.value, now.value) < _TOO_SMALL.get(now.unit, 0.0)
    if is_small or now.measure in _NOT_OURS or now.measure.startswith(PART) or not (is_share or is_same_machine):
        return None
    old, new = (before.ratios, now.ratios) if is_share else (before.product, now.product)
    return Move(now, median(old), median(new), is_share) if _is_moved(old, new) else None


def _is_moved(old: Sequence[float], new: Sequence[float]) -> bool:
    was = median(old)
    if not was:
        return False
    change = abs(median(new) / was - 1)
    if len(old) == 1 or len(new) == 1:
        return change > LEAST_OF_ONE
    is_apart = min(new) > max(old) or max(new) < min(old)
    return is_apart and change > LEAST


def in_words(found: Sequence[Move]) -> list[str]:
    """One line a move."""
    return [
        f"{move.verdict}: {move.figure.row}, {move.figure.measure} ({move.figure.disk}): "
        f"{_number(move.before, move)} -> {_number(move.now, move)} ({move.change:+.0%})"
        for move in found
    ]


def _number(value: float, move: Move) -> str:
    return f"{value:.2f} of the floor" if move.is_share else f"{value:,.4g} {move.figure.unit}"
