"""A score or a scale over time, in bands with names; the heading says in which direction it is worse.

The activity index is the large one, and carries the days over all charts; the others are small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup

from services.dashboard.pages.charts.frame import Frame, Span
from services.dashboard.pages.charts.svg import Canvas, width_of
from shared.pages.words import number
from shared.speech import Said

_TOP, _ROW = 18.0, 13.0
_SMALL_TOP = 4.0
_MOST_TOLD = 24
NO_SCORE = Said("no score", "sin puntuación")
NO_ANSWER = Said("no answer", "sin respuesta")
_OF_MANY = Said(
    "Of {count}, the first, the lowest, the highest and the last: {words}.",
    "De {count}: la primera, la más baja, la más alta y la última: {words}.",
)
_NONE_SHOWN = Said("{nothing} in the past {span}", "{nothing} en los últimos {span}")
_TITLE = Said("{name}, past {span}; higher is {higher_is}", "{name}, últimos {span}; más alto es {higher_is}")


class Point(NamedTuple):
    """A survey in the reader's zone; `value` null where an answer was missing."""

    at: datetime
    value: float | None
    words: str | None


class Band(NamedTuple):
    """From `starts_at` up to the next one. `names`: what it is called, and in fewer words."""

    starts_at: float
    names: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scored:
    """What is drawn. `picture`: its id on the page; `higher_is`, in words; `nothing`: what is said where there is no
    value; `recall`: the time that the question is about.

    `since` says how the last score compares with the one before, such as `up 6 since 14 Jul`.
    """

    picture: str
    name: str
    higher_is: str
    high: float
    bands: tuple[Band, ...]
    points: Sequence[Point]
    nothing: Said = NO_ANSWER
    since: str = ""
    recall: str = ""
    is_small: bool = True
    is_better_high: bool = False


def draw_score(frame: Frame, scored: Scored, *, has_axis: bool = False) -> Markup:
    """The picture. `has_axis` draws the months below."""
    top, bottom = (_SMALL_TOP if scored.is_small else _TOP), _height(frame, scored)
    canvas = Canvas(frame.width, bottom + (20 if has_axis else 0))
    shown = [point for point in scored.points if frame.holds(point.at)]
    scale = _Scale(top, bottom - 4, _highest(scored, shown))
    plot = (frame.left, frame.right, frame.is_wide)
    canvas.lay(_banded(plot, scale, scored.bands, is_better_high=scored.is_better_high))
    if not scored.is_small:
        frame.name_days(canvas, 11)
    frame.rule_days(canvas, top - 3, bottom)
    _draw_points(canvas, frame, scale, shown, scored)
    _say_last(canvas, frame, scale, shown, scored)
    if has_axis:
        frame.name_months(canvas, bottom)
    title = frame.say(_TITLE, name=scored.name, span=frame.span_words, higher_is=scored.higher_is)
    return canvas.picture(frame.key(scored.picture), frame.css, title, _describe(frame, shown, scored.nothing))


def _height(frame: Frame, scored: Scored) -> float:
    if scored.is_small:
        return _SMALL_TOP + 4 + _ROW * max(len(scored.bands), 3)
    return 126 if frame.is_wide else 190


class _Scale(NamedTuple):
    top: float
    bottom: float
    highest: float

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * min(value / self.highest, 1.0)


def _highest(scored: Scored, shown: Sequence[Point]) -> float:
    """Room for the worst band and the worst score; short scales are drawn whole."""
    if scored.high <= 10:
        return scored.high
    worst = max((point.value for point in shown if point.value is not None), default=0.0)
    last_band = scored.bands[-1].starts_at if scored.bands else 0.0
    return min(max(last_band * 1.13, last_band + 2, worst * 1.08), scored.high)


@lru_cache(maxsize=256)
def _banded(plot: tuple[float, float, bool], scale: _Scale, bands: tuple[Band, ...], *, is_better_high: bool) -> Canvas:
    """The bands of a plot from left to right, which are the same in all pictures of a scale. The worse the darker."""
    left, right, is_wide = plot
    canvas, count = Canvas(0, 0), len(bands)
    ends = [*(band.starts_at for band in bands[1:]), scale.highest]
    lowest_label = scale.bottom + _ROW
    for rank, (band, end) in enumerate(zip(bands, ends, strict=True), start=1):
        top, bottom = scale.y(end), scale.y(band.starts_at)
        tint = min(count + 1 - rank if is_better_high else rank, 4)
        canvas.draw("rect", f"b{tint}", x=left, y=top, width=right - left, height=bottom - top)
        if rank > 1:
            canvas.line("l-frame", (left, bottom), (right, bottom))
        lowest_label = min((top + bottom) / 2 + 4, lowest_label - _ROW)
        words = _fitting(band, _range(band, end, is_last=rank == count), left - 6, is_wide=is_wide)
        canvas.text(words, (left - 6, lowest_label), "t-ink", "end")
    return canvas


def _range(band: Band, end: float, *, is_last: bool) -> str:
    if band.starts_at == 0 and not is_last:
        return "0" if end == 1 else f"<{number(end)}"
    return f"{number(band.starts_at)}+"


def _fitting(band: Band, reach: str, room: float, *, is_wide: bool) -> str:
    """The longest name of a band that fits before the axis: with its range, without, in fewer words."""
    ways = [f"{name} {reach}" for name in band.names if not _has_number(name)] if is_wide else []
    return next((words for words in (*ways, *band.names) if width_of(words) <= room), band.names[-1])


def _has_number(name: str) -> bool:
    """Such as `3 or more`, which says its range itself."""
    return any(sign.isdigit() for sign in name)


def _draw_points(canvas: Canvas, frame: Frame, scale: _Scale, shown: Sequence[Point], scored: Scored) -> None:
    placed = [(frame.x(p.at), None if p.value is None else scale.y(p.value)) for p in shown]
    runs, numbered, last = _runs(placed), frame.numbered([point.value for point in shown]), len(shown) - 1
    for run in runs:
        canvas.path("l-main", run)
    has_dots = frame.span is Span.YEAR or not scored.is_small
    alone = {run[0] for run in runs if len(run) == 1}
    for index, (x, y) in enumerate(placed):
        if y is None:
            canvas.mark("p-missing", (x, scale.bottom - 6), 4)
        elif has_dots or index in (*numbered, last) or (x, y) in alone:
            canvas.mark("p-ink", (x, y), 5 if index == last else frame.radius)
    for index in numbered:
        (x, y) = placed[index]
        words = _value(frame, shown[index], scored.nothing)
        canvas.label(words, (x, scale.bottom - 6 if y is None else y), "t-ink")


def _value(frame: Frame, point: Point, nothing: Said) -> str:
    return frame.say(nothing) if point.value is None else number(point.value, 1)


def _runs(placed: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Stretches without a missing score: no line is drawn over what is not known."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in placed:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return runs


def _say_last(canvas: Canvas, frame: Frame, scale: _Scale, shown: Sequence[Point], scored: Scored) -> None:
    if not shown:
        canvas.text(_none(frame, scored.nothing), (frame.left + 12, 40), "t-ink")
        return
    last = shown[-1]
    y = scale.bottom - 6 if last.value is None else scale.y(last.value)
    value = _value(frame, last, scored.nothing)
    if not frame.is_wide:
        canvas.text(
            value if last.value is not None else frame.say(Said("none", "nada")), (frame.right + 5, y + 4), "t-strong"
        )
        return
    y = min(max(y, scale.top + 12), scale.bottom - 14)
    words = f"{value}, {last.words}" if last.words else value
    fits = bool(scored.since) or frame.right + 6 + width_of(words) <= frame.width
    canvas.text(words if fits else value, (frame.right + 6, y - 2), "t-strong")
    below = scored.since if fits else last.words
    if below:
        canvas.text(below, (frame.right + 6, y + 12))


def _none(frame: Frame, nothing: Said) -> str:
    return frame.say(_NONE_SHOWN, nothing=frame.say(nothing), span=frame.span_words)


def _describe(frame: Frame, shown: Sequence[Point], nothing: Said) -> str:
    said = [_said(frame, point, nothing) for point in (shown if len(shown) <= _MOST_TOLD else _telling(shown))]
    words = frame.listed(said) or _none(frame, nothing)
    if len(shown) > _MOST_TOLD:
        return frame.say(_OF_MANY, count=len(shown), words=words)
    return f"{words[0].upper()}{words[1:]}."


def _telling(shown: Sequence[Point]) -> list[Point]:
    """The first, the lowest, the highest and the last, by their time."""
    known = [point for point in shown if point.value is not None]
    ends = [min(known, key=_number_of), max(known, key=_number_of)] if known else []
    return sorted({shown[0], *ends, shown[-1]}, key=lambda point: point.at)


def _number_of(point: Point) -> float:
    return point.value or 0.0


def _said(frame: Frame, point: Point, nothing: Said) -> str:
    band = f", {point.words}," if point.words else ""
    score = f"{_value(frame, point, nothing)}{band}"
    return frame.say(Said("{score} on {day}", "{score} el {day}"), score=score, day=frame.on(point.at))
