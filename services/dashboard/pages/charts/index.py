"""The activity index over time, in bands with names; the heading says in which direction it is worse."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from markupsafe import Markup

from services.dashboard.pages.charts.frame import Frame
from services.dashboard.pages.charts.svg import Canvas, width_of
from services.dashboard.pages.labels import BANDS, BANDS_IN_SHORT, CHANGES, INDEXES
from shared.pages.words import number
from shared.speech import Said

_TOP, _ROW = 18.0, 13.0
NO_SCORE = Said("no score", "sin puntuación")
_NONE_SHOWN = Said("no score in the past {span}", "sin puntuación en los últimos {span}")
_TITLE = Said("{name} score, past {span}; higher is {worse}", "Puntuación {name}, últimos {span}; más alto es {worse}")


class Point(NamedTuple):
    """A survey in the reader's zone; `value` null where an answer was missing."""

    at: datetime
    value: float | None
    words: str | None


def draw_index(frame: Frame, trend: Mapping[str, Any], points: Sequence[Point], since: str) -> Markup:
    """`since` says how the last score compares with the one before, such as `up 6 since 14 Jul`."""
    canvas = Canvas(frame.width, 126 if frame.is_wide else 190)
    shown = [point for point in points if frame.holds(point.at)]
    scale = _Scale(canvas.height - 4, _highest(trend, shown))
    _draw_bands(canvas, frame, scale, trend["bands"])
    frame.name_days(canvas, 11)
    frame.rule_days(canvas, 15, canvas.height)
    _draw_points(canvas, frame, scale, shown)
    _say_last(canvas, frame, scale, shown, since)
    name, worse = frame.named(INDEXES, trend["instrument"]), frame.named(CHANGES, trend["higher_is"] or "worse")
    title = frame.say(_TITLE, name=name, span=frame.span_words, worse=worse)
    return canvas.picture(frame.key("index"), frame.css, title, _describe(frame, shown))


class _Scale(NamedTuple):
    bottom: float
    highest: float

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - _TOP) * min(value / self.highest, 1.0)


def _highest(trend: Mapping[str, Any], shown: Sequence[Point]) -> float:
    """Room for the worst band and the worst score; short scales are drawn whole."""
    high = float(trend["high"] or 10)
    if high <= 10:
        return high
    worst = max((point.value for point in shown if point.value is not None), default=0.0)
    last_band = trend["bands"][-1]["starts_at"] if trend["bands"] else 0.0
    return min(max(last_band * 1.13, worst * 1.08), high)


def _draw_bands(canvas: Canvas, frame: Frame, scale: _Scale, bands: Sequence[Mapping[str, Any]]) -> None:
    ends = [*(band["starts_at"] for band in bands[1:]), scale.highest]
    lowest_label = scale.bottom + _ROW
    for rank, (band, end) in enumerate(zip(bands, ends, strict=True), start=1):
        top, bottom = scale.y(end), scale.y(band["starts_at"])
        size = {"x": frame.left, "y": top, "width": frame.right - frame.left, "height": bottom - top}
        canvas.draw("rect", f"b{min(rank, 4)}", **size)
        if rank > 1:
            canvas.line("l-frame", (frame.left, bottom), (frame.right, bottom))
        lowest_label = min((top + bottom) / 2 + 4, lowest_label - _ROW)
        words = _fitting(band, _range(band, end, is_last=rank == len(bands)), frame)
        canvas.text(words, (frame.left - 6, lowest_label), "t-ink", "end")


def _range(band: Mapping[str, Any], end: float, *, is_last: bool) -> str:
    if band["starts_at"] == 0 and not is_last:
        return f"<{number(end)}"
    return f"{number(band['starts_at'])}+"


def _fitting(band: Mapping[str, Any], reach: str, frame: Frame) -> str:
    """The longest name of a band that fits before the axis: with its range, without, in fewer words."""
    name = frame.named(BANDS, band["code"])
    names = [name, frame.say(BANDS_IN_SHORT[band["code"]]) if band["code"] in BANDS_IN_SHORT else name]
    ways = [f"{names[0]} {reach}", f"{names[1]} {reach}", *names] if frame.is_wide else names
    return next((words for words in ways if width_of(words) <= frame.left - 6), names[-1])


def _draw_points(canvas: Canvas, frame: Frame, scale: _Scale, shown: Sequence[Point]) -> None:
    placed = [(frame.x(p.at), None if p.value is None else scale.y(p.value)) for p in shown]
    for run in _runs(placed):
        canvas.path("l-main", run)
    for index, (x, y) in enumerate(placed):
        if y is None:
            canvas.mark("p-missing", (x, scale.bottom - 6), 4)
        else:
            canvas.mark("p-ink", (x, y), 5 if index == len(shown) - 1 else frame.radius)
    for index in frame.numbered([point.value for point in shown]):
        point, (x, y) = shown[index], placed[index]
        words = frame.say(NO_SCORE) if point.value is None else number(point.value, 1)
        canvas.label(words, (x, scale.bottom - 6 if y is None else y), "t-ink")


def _runs(placed: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Stretches without a missing score: no line is drawn over what is not known."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in placed:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return runs


def _say_last(canvas: Canvas, frame: Frame, scale: _Scale, shown: Sequence[Point], since: str) -> None:
    if not shown:
        canvas.text(frame.say(_NONE_SHOWN, span=frame.span_words), (frame.left + 12, 40), "t-ink")
        return
    last = shown[-1]
    y = scale.bottom - 6 if last.value is None else scale.y(last.value)
    value = frame.say(NO_SCORE) if last.value is None else number(last.value, 1)
    if not frame.is_wide:
        canvas.text(
            value if last.value is not None else frame.say(Said("none", "nada")), (frame.right + 5, y + 4), "t-strong"
        )
        return
    y = min(max(y, 30), scale.bottom - 14)
    canvas.text(f"{value}, {last.words}" if last.words else value, (frame.right + 6, y - 2), "t-strong")
    if since:
        canvas.text(since, (frame.right + 6, y + 12))


def _describe(frame: Frame, shown: Sequence[Point]) -> str:
    said = [_said(frame, point) for point in shown]
    words = frame.listed(said) or frame.say(_NONE_SHOWN, span=frame.span_words)
    return f"{words[0].upper()}{words[1:]}."


def _said(frame: Frame, point: Point) -> str:
    score = frame.say(NO_SCORE) if point.value is None else number(point.value, 1)
    band = f", {point.words}," if point.words else ""
    return frame.say(Said("{score} on {day}", "{score} el {day}"), score=f"{score}{band}", day=frame.on(point.at))
