"""Calprotectin and CRP on the common time axis, against their limits, broken where the method changed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from services.dashboard.pages.charts.frame import Frame
from services.dashboard.pages.charts.svg import Canvas
from shared.pages.words import listed, number, on, unit

_PLOT = 44.0


@dataclass(frozen=True, slots=True)
class Result:
    at: datetime
    value: float
    comparator: str | None
    method: str | None
    side: str | None

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
    frame.rule_days(canvas, head, bottom)
    limit = series["limit"]["high"] if series["limit"] else None
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
        if runs and not _is_other_method(runs[-1][-1], result):
            runs[-1].append(result)
        else:
            if runs:
                _draw_break(canvas, (frame.x(runs[-1][-1].at) + frame.x(result.at)) / 2, head)
            runs.append([result])
    for run in runs:
        canvas.path("l-clinic", [(frame.x(result.at), scale.y(result.value)) for result in run])
    for result in shown:
        _draw_mark(canvas, (frame.x(result.at), scale.y(result.value)), frame.radius, result.comparator)
    for result in (shown[index] for index in frame.named([result.value for result in shown])):
        canvas.label(result.words, (frame.x(result.at), scale.y(result.value)), "t-ink halo")
    for before, after in pairwise(runs):
        _say_break(canvas, frame, (frame.x(before[-1].at) + frame.x(after[0].at)) / 2, head)


def _is_other_method(before: Result, now: Result) -> bool:
    return before.method is not None and now.method is not None and before.method != now.method


def _draw_break(canvas: Canvas, x: float, head: float) -> None:
    canvas.draw("rect", "f-paper", x=x - 3, y=head, width=6, height=canvas.height - head - 2)
    for side in (x - 3, x + 3):
        canvas.line("l-limit", (side, head + 2), (side, canvas.height - 2))


def _say_break(canvas: Canvas, frame: Frame, x: float, head: float) -> None:
    words = "new method: do not compare" if frame.is_wide else "new method"
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
    limit = f"{series['limit']['words']} {number(series['limit']['high'])}" if series["limit"] else "no limit known"
    if not frame.is_wide:
        canvas.text(f"{series['name']}, {series['sample']}", (0, 11), "t-strong")
        canvas.text(", ".join(last[:2]), (frame.width, 11), "t-strong", "end")
        return
    for row, (words, css) in enumerate(
        ((series["name"], "t-strong"), (f"{series['sample']}, {unit(series['unit'])}", ""), (limit, ""))
    ):
        canvas.text(words, (frame.left - 6, 14 + row * 14), css, "end")
    for row, words in enumerate(last):
        canvas.text(words, (frame.right + 6, 14 + row * 14), "" if row else "t-strong")


def _last_words(frame: Frame, series: Mapping[str, Any], shown: Sequence[Result]) -> list[str]:
    if not shown:
        return ["no result", f"in {frame.span.words}"]
    last = shown[-1]
    high = series["limit"]["high"] if series["limit"] else None
    judged = {
        "over": f"over {number(high or 0)}",
        "within": f"{number(high or 0)} or under",
        None: "cannot be judged",
    }
    scale = ["log scale"] if series["scale"] == "log" else []
    return [f"{last.words} {unit(series['unit'])}", judged.get(last.side, "") if high else "", *scale]


def _title(frame: Frame, series: Mapping[str, Any]) -> str:
    limit = f"; {series['limit']['words']} {number(series['limit']['high'])}" if series["limit"] else ""
    scale = ", logarithmic scale" if series["scale"] == "log" else ""
    return f"{series['name']} {series['sample']}, {unit(series['unit'])}, past {frame.span.words}{limit}{scale}"


def _describe(frame: Frame, series: Mapping[str, Any], shown: Sequence[Result]) -> str:
    said = [f"{result.words} on {on(result.at)}" for result in shown]
    breaks = (
        " The method changed in this time: results before and after are not compared."
        if series["method_changes"]
        else ""
    )
    return f"{listed(said)}.{breaks}" if said else f"No result in the past {frame.span.words}."
