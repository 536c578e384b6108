"""Small counts are hidden: the last step of every figure, which no route goes around.

Rule (CMS cell size suppression policy): no count of 1 to 10 leaves, nor anything that it could be computed from: a
share, a complement, a total less the other cells, another count of the same people. 0 may be shown.
"""

from collections.abc import Sequence, Set
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
HIDDEN_SHARE = Share(_HIDDEN_TOO, _HIDDEN_TOO, None)


def is_small(count: int) -> bool:
    """1 to 10."""
    return 0 < count < SMALLEST_SHOWN


class Leaving:
    """Counts about the same people, let out one after another: none that is small, nor leaves a small rest of another.

    A count is named by the way to it: those who used the page, of those who were scored, are `("scored", "used")`. It
    is a part of every count on its way, and of those without a name; two of one name are the same people, counted by
    two rules. The first of them is shown, and a later one that differs by 1 to 10 from its whole, its part or its like
    is hidden.
    """

    def __init__(self) -> None:
        self._shown: list[tuple[tuple[str, ...], int]] = []

    def cell(self, count: int, *way: str) -> Cell:
        """A count, where it may leave."""
        if is_small(count):
            return _HIDDEN
        if any(is_small(abs(count - other)) for shown, other in self._shown if _is_part(way, shown)):
            return _HIDDEN_TOO
        self._shown.append((way, count))
        return Cell(count)

    def share(self, count: int, of: int, *way: str) -> Share:
        """A proportion; `way` leads to the count, through its denominator. No count leaves without that."""
        whole = self.cell(of, *way[:-1])
        if whole.value is None:
            return Share(_HIDDEN_TOO if count else Cell(0), whole, None)
        part = self.cell(count, *way)
        return Share(part, whole, count / of if part.value is not None and of else None)


def _is_part(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one of the two is a part of the other."""
    return all(a == b for a, b in zip(one, other, strict=False))


def share(count: int, of: int) -> Share:
    """A proportion by itself: hidden when the count, the denominator or the complement is small."""
    return Leaving().share(count, of, "counted")


def hide_shares(of: Sequence[int], *measures: Sequence[int]) -> list[list[Share]]:
    """What was counted in several groups, each time out of `of`, with totals shown beside: whole rows are hidden, until
    no total tells.

    A row is hidden when its count, its complement or its denominator is small, and nothing says which of them it is.
    Then the next larger rows are hidden too, until there are two and none of their columns comes to a small sum. The
    rows that hide a denominator are hidden in every measure, for each of them shows the others'.
    """
    without_of = _hidden([(whole,) for whole in of], of, frozenset())
    return [_rows(counts, of, without_of) for counts in measures]


def _rows(counts: Sequence[int], of: Sequence[int], already: Set[int]) -> list[Share]:
    columns = [(count, whole - count, whole) for count, whole in zip(counts, of, strict=True)]
    hidden = _hidden(columns, of, already)
    return [
        HIDDEN_SHARE if index in hidden else Share(Cell(count), Cell(whole), count / whole if whole else None)
        for index, (count, _, whole) in enumerate(columns)
    ]


def _hidden(columns: Sequence[tuple[int, ...]], of: Sequence[int], already: Set[int]) -> Set[int]:
    """Which rows are hidden, with those that are hidden already."""
    hidden = {*already, *(index for index, row in enumerate(columns) if any(map(is_small, row)))}
    for _, index in sorted((whole, index) for index, whole in enumerate(of) if whole and index not in hidden):
        if not hidden or _tell_nothing([columns[i] for i in hidden]):
            break
        hidden.add(index)
    return hidden


def _tell_nothing(hidden: Sequence[tuple[int, ...]]) -> bool:
    """Whether totals less what is shown, which is the sum of these rows, give nothing away."""
    return len(hidden) > 1 and not any(is_small(sum(column)) for column in zip(*hidden, strict=True))
