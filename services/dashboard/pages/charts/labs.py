"""Calprotectin and CRP on the common time axis, against their limits, broken where the method changed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from services.dashboard.domain import LIMITS as OLD_AFTER
from services.dashboard.pages.charts.frame import Frame
from services.dashboard.pages.charts.svg import Box, Canvas
from services.dashboard.pages.labels import LIMITS, MARKERS, SAMPLES
from shared.pages.words import number
from shared.speech import Said

_PLOT = 44.0
_TITLE = Said("{name}, {unit}, past {span}", "{name}, {unit}, últimos {span}")
_LOG = Said(", logarithmic scale", ", escala logarítmica")
_CHANGED = Said(
    " The method changed in this time: results before and after are not compared.",
    " El método cambió en este tiempo: los resultados de antes y después no se comparan.",
)


@dataclass(frozen=True, slots=True)
class Result:
    """`begins_method`: by another method than those before it."""

    at: datetime
    value: float
    comparator: str | None
    side: str | None
    begins_method: bool

    @property
    def words(self) -> str:
        return f"{(self.comparator or '').replace('<=', '≤').replace('>=', '≥')}{number(self.value)}"


def draw_lab(frame: Frame, series: Mapping[str, Any], results: Sequence[Result], *, has_axis: bool) -> Markup:
    """The picture of one test. `has_axis` draws the months below: once, under the last chart of the page."""
    head = 0.0 if frame.is_wide else 16.0
    bottom = head + _PLOT + (14 if series["scale"] == "log" else 0)
    canvas = Canvas(frame.width, bottom + (20 if has_axis else 2))
    shown = [result for result in results if frame.holds(result.at)]
    scale = _Scale(series, shown, head + 13, bottom - (12 if series["scale"] == "log" else 6))
    limit = series["limit"]["high"] if series["limit"] else None
    if limit is not None:  # shaded as the worse bands of the index are
        canvas.draw("rect", "b2", x=frame.left, y=head, width=frame.right - frame.left, height=scale.y(limit) - head)
    frame.rule_days(canvas, head, bottom)
    if limit is not None:
        canvas.line("l-thr", (frame.left, scale.y(limit)), (frame.right, scale.y(limit)))
        canvas.block_between((frame.left, scale.y(limit)), (frame.right, scale.y(limit)))
    _name(canvas, frame, series, shown)
    if not frame.is_wide and limit is not None:
        canvas.text(number(limit), (frame.left - 6, scale.y(limit) + 4), anchor="end")
    _draw_results(canvas, frame, scale, shown, head)
    if has_axis:
        frame.name_months(canvas, bottom)
    key = frame.key(f"lab-{series['loinc']}")
    return canvas.picture(key, frame.css, _title(frame, series), _describe(frame, series, shown))


class _Scale:
    """Logarithmic or plain, with room for the limit."""

    def __init__(self, series: Mapping[str, Any], shown: Sequence[Result], top: float, bottom: float) -> None:
        limit = series["limit"]["high"] if series["limit"] else None
        values = [result.value for result in shown] + ([limit] if limit is not None else [])
        self._log = series["scale"] == "log" and all(value > 0 for value in values)
        self._low = min(values, default=1.0) / 1.3 if self._log else 0.0
        self._high = max(values, default=1.0) * (1.15 if self._log else 1.1)
        self._top, self._bottom = top, bottom

    def y(self, value: float) -> float:
        if self._log:
            share = math.log(value / self._low) / math.log(self._high / self._low)
        else:
            share = value / self._high if self._high else 0.0
        return self._bottom - (self._bottom - self._top) * share


def _draw_results(canvas: Canvas, frame: Frame, scale: _Scale, shown: Sequence[Result], head: float) -> None:
    runs: list[list[Result]] = []
    for result in shown:
        if runs and not result.begins_method:
            runs[-1].append(result)
        else:
            if runs:
                _draw_break(canvas, (frame.x(runs[-1][-1].at) + frame.x(result.at)) / 2, head)
            runs.append([result])
    for run in runs:
        canvas.path("l-clinic", [(frame.x(result.at), scale.y(result.value)) for result in run])
    for result in shown:
        _draw_mark(canvas, (frame.x(result.at), scale.y(result.value)), frame.radius, result.comparator)
    for before, after in pairwise(runs):
        _say_break(canvas, frame, (frame.x(before[-1].at) + frame.x(after[0].at)) / 2, head)
    for result in (shown[index] for index in frame.numbered([result.value for result in shown])):
        canvas.label(result.words, (frame.x(result.at), scale.y(result.value)), "t-ink halo")


def _draw_break(canvas: Canvas, x: float, head: float) -> None:
    canvas.draw("rect", "f-paper", x=x - 3, y=head, width=6, height=canvas.height - head - 2)
    for side in (x - 3, x + 3):
        canvas.line("l-limit", (side, head + 2), (side, canvas.height - 2))
    canvas.taken.append(Box(x - 4, head, x + 4, canvas.height))


def _say_break(canvas: Canvas, frame: Frame, x: float, head: float) -> None:
    whole = Said("new method: do not compare", "método nuevo: no comparar")
    words = frame.say(whole if frame.is_wide else Said("new method", "método nuevo"))
    is_near_the_end = x > (frame.left + frame.right) / 2
    canvas.text(
        words,
        (x - 8 if is_near_the_end else x + 8, head + 11),
        "t-note halo",
        "end" if is_near_the_end else "start",
    )


def _draw_mark(canvas: Canvas, at: tuple[float, float], radius: float, comparator: str | None) -> None:
    """A dot; for a censored result an open triangle at its limit, pointing to where the true value lies."""
    x, y = at
    if comparator is None:
        canvas.mark("p-clinic", at, radius)
        return
    way = 1 if comparator.startswith("<") else -1
    canvas.draw("path", "p-open", d=f"M{x - 5:.1f} {y - 4 * way:.1f} h10 l-5 {9 * way} z")
    canvas.block(at, 6)


def _name(canvas: Canvas, frame: Frame, series: Mapping[str, Any], shown: Sequence[Result]) -> None:
    last = _last_words(frame, series, shown)
    name, sample = frame.named(MARKERS, series["name"]), frame.named(SAMPLES, series["sample"])
    limit = _limit(frame, series) or frame.say(Said("no limit known", "sin límite conocido"))
    if not frame.is_wide:
        canvas.text(f"{name}, {sample}", (0, 11), "t-strong")
        canvas.text(", ".join(last[:2]), (frame.width, 11), "t-strong", "end")
        return
    for row, (words, css) in enumerate(
        ((name, "t-strong"), (f"{sample}, {frame.unit(series['unit'])}", ""), (limit, ""))
    ):
        canvas.text(words, (frame.left - 6, 14 + row * 14), css, "end")
    for row, words in enumerate(last):
        canvas.text(words, (frame.right + 6, 14 + row * 14), "" if row else "t-strong")


def _limit(frame: Frame, series: Mapping[str, Any]) -> str:
    """`target under 250`."""
    limit = series["limit"]
    return f"{frame.named(LIMITS, limit['words'])} {number(limit['high'])}" if limit else ""


def _last_words(frame: Frame, series: Mapping[str, Any], shown: Sequence[Result]) -> list[str]:
    if not shown:
        in_span = frame.say(Said("in {span}", "en {span}"), span=frame.span_words)
        return [frame.say(Said("no result", "sin resultado")), in_span]
    last = shown[-1]
    high = series["limit"]["high"] if series["limit"] else None
    judged = {
        "over": Said("over {high}", "más de {high}"),
        "within": Said("{high} or under", "{high} o menos"),
        None: Said("cannot be judged", "no se puede valorar"),
    }
    side = frame.say(judged[last.side], high=number(high)) if high and last.side in judged else ""
    scale = [frame.say(Said("log scale", "escala log"))] if series["scale"] == "log" else []
    is_old = (frame.today.date() - last.at.date()).days > OLD_AFTER["labs"]
    old = [frame.on(last.at)] if is_old else []
    return [f"{last.words} {frame.unit(series['unit'])}", side, *old, *scale]


def _title(frame: Frame, series: Mapping[str, Any]) -> str:
    name = f"{frame.named(MARKERS, series['name'])} {frame.named(SAMPLES, series['sample'])}"
    limit = f"; {_limit(frame, series)}" if series["limit"] else ""
    scale = frame.say(_LOG) if series["scale"] == "log" else ""
    title = frame.say(_TITLE, name=name, unit=frame.unit(series["unit"]), span=frame.span_words)
    return f"{title}{limit}{scale}"


def _describe(frame: Frame, series: Mapping[str, Any], shown: Sequence[Result]) -> str:
    if not shown:
        none = Said("No result in the past {span}.", "Sin resultados en los últimos {span}.")
        return frame.say(none, span=frame.span_words)
    result_on = Said("{result} on {day}", "{result} el {day}")
    said = [frame.say(result_on, result=result.words, day=frame.on(result.at)) for result in shown]
    return f"{frame.listed(said)}.{frame.say(_CHANGED) if any(result.begins_method for result in shown[1:]) else ''}"
