"""Pictures as SVG text: escaped, coloured by class only, with labels that keep out of each other's way.

No style attribute and no colour is ever written: a strict content security policy holds, and dark mode, print
and forced colours follow the stylesheet.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

from markupsafe import Markup, escape

GLYPH = 6.4
"""Mean width of a character at 12 px, on the wide side for the fonts in use."""
LINE = 12.0
_NOTHING_TO_ESCAPE = re.compile(r"[\w .-]*").fullmatch

Anchor = Literal["start", "middle", "end"]
Value = str | float


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets_any(self, others: Iterable["Box"]) -> bool:
        left, top, right, bottom = self
        return any(left < r and x < right and top < b and y < bottom for x, y, r, b in others)


class Spot(NamedTuple):
    """Where a label may stand, relative to its mark."""

    dx: float
    dy: float
    anchor: Anchor


AROUND_A_POINT = (
    Spot(7, -6, "start"),
    Spot(-7, -6, "end"),
    Spot(0, -9, "middle"),
    Spot(9, -2, "start"),
    Spot(7, 16, "start"),
    Spot(-7, 16, "end"),
    Spot(0, 18, "middle"),
)


@dataclass(slots=True)
class Canvas:
    """One picture. Marks are drawn in the order of the calls; `taken` is where no label may go."""

    width: float
    height: float
    parts: list[str] = field(default_factory=list)
    taken: list[Box] = field(default_factory=list)

    def draw(self, tag: str, css: str, **attributes: Value) -> None:
        self.parts.append(_element(tag, None, {"class": css, **attributes}))

    def line(self, css: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.draw("line", css, x1=start[0], y1=start[1], x2=end[0], y2=end[1])

    def rules(self, css: str, places: Sequence[float], top: float, bottom: float) -> None:
        """Lines from top to bottom, in one element however many."""
        if places:
            self.draw("path", css, d="".join(f"M{_short(x)} {_short(top)}V{_short(bottom)}" for x in places))

    def path(self, css: str, points: Sequence[tuple[float, float]]) -> None:
        """A line through the points; nothing for fewer than two. Labels keep off it."""
        if len(points) < 2:
            return
        self.draw("path", css, d="M" + " L".join(f"{_short(x)} {_short(y)}" for x, y in points))
        for start, end in pairwise(points):
            self.block_between(start, end)

    def lay(self, background: "Canvas") -> None:
        """Put another picture of the same size under what follows."""
        self.parts += background.parts
        self.taken += background.taken

    def mark(self, css: str, at: tuple[float, float], radius: float) -> None:
        self.draw("circle", css, cx=at[0], cy=at[1], r=radius)
        self.block(at, radius)

    def block(self, at: tuple[float, float], radius: float) -> None:
        """Keep labels away from a place."""
        x, y = at
        self.taken.append(Box(x - radius, y - radius, x + radius, y + radius))

    def block_between(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Keep labels off a line."""
        self.taken += [Box(x - 2, y - 1, x + 2, y + 1) for x, y in _along(start, end)]

    def text(self, words: str, at: tuple[float, float], css: str = "", anchor: Anchor = "start") -> Box:
        """Words at a fixed place, which is taken from then on."""
        attributes: dict[str, Value] = {"x": at[0], "y": at[1]}
        if css:
            attributes["class"] = css
        if anchor != "start":
            attributes["text-anchor"] = anchor
        self.parts.append(_element("text", words, attributes))
        box = text_box(words, at, anchor)
        self.taken.append(box)
        return box

    def label(self, words: str, at: tuple[float, float], css: str = "", spots: Sequence[Spot] = AROUND_A_POINT) -> bool:
        """Words beside a mark, at the first free spot; false, and nothing drawn, when there is none."""
        for spot in spots:
            place = (at[0] + spot.dx, at[1] + spot.dy)
            if self._is_free(text_box(words, place, spot.anchor)):
                self.text(words, place, css, spot.anchor)
                return True
        return False

    def _is_free(self, box: Box) -> bool:
        is_beside = box.left >= 0 and box.right <= self.width
        is_level = box.top >= -3 and box.bottom <= self.height + 2
        return is_beside and is_level and not box.meets_any(self.taken)

    def picture(self, key: str, css: str, title: str, description: str) -> Markup:
        """The whole as one image with a name and a description; `key` makes their ids unique on a page."""
        head = _element("title", title, {"id": f"{key}-t"}) + _element("desc", description, {"id": f"{key}-d"})
        attributes: dict[str, Value] = {
            "class": css,
            "viewBox": f"0 0 {_short(self.width)} {_short(self.height)}",
            "role": "img",
            "aria-labelledby": f"{key}-t {key}-d",
        }
        return Markup(_element("svg", Markup(head + "".join(self.parts)), attributes))  # noqa: S704 - escaped in its parts


def width_of(words: str) -> float:
    """The width of words at 12 px, estimated."""
    return len(words) * GLYPH


def text_box(words: str, at: tuple[float, float], anchor: Anchor) -> Box:
    width = width_of(words)
    left = at[0] - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return Box(left, at[1] - LINE + 2, left + width, at[1] + 2)


def _along(start: tuple[float, float], end: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Places every few pixels on a line, its ends left out."""
    (x1, y1), (x2, y2) = start, end
    steps = max(int(max(abs(x2 - x1), abs(y2 - y1)) // 4), 1)
    return ((x1 + (x2 - x1) * i / steps, y1 + (y2 - y1) * i / steps) for i in range(1, steps))


def _element(tag: str, content: str | Markup | None, attributes: Mapping[str, Value]) -> str:
    """Tag and names of attributes are ours; what stands in them is escaped. A page has hundreds of these."""
    written = "".join([f' {name}="{_attribute(value)}"' for name, value in attributes.items()])
    return f"<{tag}{written}/>" if content is None else f"<{tag}{written}>{escape(content)}</{tag}>"


def _attribute(value: Value) -> str:
    if isinstance(value, str):
        return value if _NOTHING_TO_ESCAPE(value) else escape(value)
    return _short(value)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
