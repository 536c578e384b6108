"""Small counts are hidden: the last step of every figure, which no route goes around.

Rule (CMS cell size suppression policy): no count of 1 to 10 leaves, nor anything that it could be computed from: a
share, a complement, a total less the other cells. 0 may be shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SMALLEST_SHOWN = 11


@dataclass(frozen=True, slots=True)
class Cell:
    """A count, or why it is not shown: `hidden` is 1 to 10; `hidden-too` may be any, and gives a small one away."""

    value: int | None
    shown: Literal["shown", "hidden", "hidden-too"] = "shown"

    @property
    def words(self) -> str:
        if self.value is not None:
            return f"{self.value:,}"
        return "1–10 (hidden)" if self.shown == "hidden" else "hidden"


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, and their quotient where both, and what is left, may be shown."""

    count: Cell
    of: Cell
    share: float | None


_HIDDEN = Cell(None, "hidden")
_HIDDEN_TOO = Cell(None, "hidden-too")


def is_small(count: int) -> bool:
    """1 to 10."""
    return 0 < count < SMALLEST_SHOWN


def hide(count: int) -> Cell:
    """A count by itself, with no total beside it."""
    return _HIDDEN if is_small(count) else Cell(count)


def share(count: int, of: int) -> Share:
    """A proportion: hidden when the count, the denominator or the complement is small."""
    if is_small(of):
        return Share(_HIDDEN_TOO if count else Cell(0), _HIDDEN, None)
    if is_small(count):
        return Share(_HIDDEN, Cell(of), None)
    if is_small(of - count):
        return Share(_HIDDEN_TOO, Cell(of), None)
    return Share(Cell(count), Cell(of), count / of if of else None)


def hide_chain(counts: Sequence[int]) -> list[Cell]:
    """Counts of which each is a part of the one before it: those are hidden that are small, or that would leave a small
    rest of the last one shown.
    """
    cells: list[Cell] = []
    last = None
    for count in counts:
        if is_small(count):
            cells.append(_HIDDEN)
        elif last is not None and is_small(last - count):
            cells.append(_HIDDEN_TOO)
        else:
            cells.append(Cell(count))
            last = count
    return cells


def hide_shares(rows: Sequence[tuple[int, int]]) -> list[Share]:
    """`(count, of)` of several groups whose totals are shown beside them: whole rows are hidden, until no total tells.

    A row is hidden when its count, its complement or its denominator is small, and nothing says which of them it is.
    Then the next larger rows are hidden too, until there are two and none of their columns comes to a small sum.
    """
    columns = [(count, of - count, of) for count, of in rows]
    hidden = {index for index, row in enumerate(columns) if any(map(is_small, row))}
    for _, index in sorted((of, index) for index, (_, of) in enumerate(rows) if of and index not in hidden):
        if not hidden or _tell_nothing([columns[i] for i in hidden]):
            break
        hidden.add(index)
    return [
        Share(_HIDDEN_TOO, _HIDDEN_TOO, None)
        if index in hidden
        else Share(Cell(count), Cell(of), count / of if of else None)
        for index, (count, of) in enumerate(rows)
    ]


def _tell_nothing(hidden: Sequence[tuple[int, ...]]) -> bool:
    """Whether totals less what is shown, which is the sum of these rows, give nothing away."""
    return len(hidden) > 1 and not any(is_small(sum(column)) for column in zip(*hidden, strict=True))
