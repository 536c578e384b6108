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
    """A count, or why it is not shown: `hidden` is 1 to 10; `hidden-too` would give a hidden one away."""

    value: int | None
    shown: Literal["shown", "hidden", "hidden-too"] = "shown"

    @property
    def words(self) -> str:
        if self.value is not None:
            return f"{self.value:,}"
        return "1–10 (hidden)" if self.shown == "hidden" else "hidden too"


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


def hide_column(counts: Sequence[int]) -> list[Cell]:
    """Counts whose total is shown beside them.

    Beside the small ones, the next larger are hidden until the sum of what is hidden no longer tells any of them: it
    tells when one alone is hidden, or when it is the least or the most that so many small counts can come to.
    """
    hidden = {index for index, count in enumerate(counts) if is_small(count)}
    too: set[int] = set()
    larger = sorted((count, index) for index, count in enumerate(counts) if not is_small(count) and count)
    for _, index in larger:
        if not hidden or _is_safe([counts[i] for i in hidden], [counts[i] for i in too]):
            break
        too.add(index)
    return [
        _HIDDEN if index in hidden else _HIDDEN_TOO if index in too else Cell(count)
        for index, count in enumerate(counts)
    ]


def hide_shares(rows: Sequence[tuple[int, int]]) -> list[Share]:
    """`(count, of)` of several groups whose totals are shown beside them: whole rows are hidden, until no column tells.

    A row is hidden when its count, its complement or its denominator is small; then the next larger rows, until what
    is hidden of each column is more than one possibility.
    """
    columns = [(count, of - count, of) for count, of in rows]
    hidden = {index for index, row in enumerate(columns) if any(is_small(value) for value in row)}
    for _, index in sorted((of, index) for index, (_, of) in enumerate(rows) if of and index not in hidden):
        if all(_column_is_safe([columns[i][place] for i in hidden]) for place in range(3)):
            break
        hidden.add(index)
    return [_shown_or_hidden(*row, is_hidden=index in hidden) for index, row in enumerate(rows)]


def _column_is_safe(hidden: Sequence[int]) -> bool:
    small = [value for value in hidden if is_small(value)]
    return not small or _is_safe(small, [value for value in hidden if value >= SMALLEST_SHOWN])


def _shown_or_hidden(count: int, of: int, *, is_hidden: bool) -> Share:
    if not is_hidden:
        return Share(Cell(count), Cell(of), count / of if of else None)
    return Share(_HIDDEN if is_small(count) else _HIDDEN_TOO, _HIDDEN if is_small(of) else _HIDDEN_TOO, None)


def _is_safe(small: Sequence[int], larger: Sequence[int]) -> bool:
    """Whether the sum of the hidden counts leaves each small one at least two possible values."""
    if larger:
        return True
    return len(small) > 1 and len(small) < sum(small) < len(small) * (SMALLEST_SHOWN - 1)
