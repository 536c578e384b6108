"""Medicines as lanes on the common time axis: a bar is an interval of the clinic's list."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from markupsafe import Markup

from services.dashboard.pages.charts.frame import Frame, Span
from services.dashboard.pages.charts.svg import Canvas, width_of
from services.dashboard.pages.labels import STOPPED
from shared.speech import Said

MOST_LANES = 4
_BAR = 14.0


class Interval(NamedTuple):
    """A medicine as it was taken. `stopped` null: still taken. `words`: to stand beside it, longest first."""

    name: str
    started: datetime
    stopped: datetime | None
    words: tuple[str, ...]
    dose: str | None = None


def intervals_of(frame: Frame, medications: Sequence[Mapping[str, Any]]) -> list[Interval]:
    zone = frame.today.tzinfo
    return [
        Interval(
            medication["name"],
            _start(medication["started_on"], zone),
            _start(medication["stopped_on"], zone) if medication["stopped_on"] else None,
            _words(frame, medication, _begun_on(medication, medications)),
            medication["dose"],
        )
        for medication in medications
    ]


def _begun_on(medication: Mapping[str, Any], medications: Sequence[Mapping[str, Any]]) -> str:
    """The day on which a medicine was started that has been taken since, by whatever dose."""
    begun_on = str(medication["started_on"])
    earlier = (one for one in medications if one["name"] == medication["name"] and one["stopped_on"])
    for one in sorted(earlier, key=lambda one: str(one["started_on"]), reverse=True):
        until = date.fromisoformat(one["stopped_on"]) + timedelta(days=1)
        if one["started_on"] < begun_on <= until.isoformat():
            begun_on = one["started_on"]
    return begun_on


def lanes_of(frame: Frame, intervals: Sequence[Interval]) -> list[tuple[str, list[Interval]]]:
    """Intervals that reach into the frame, by name; the order of the list is kept."""
    lanes: dict[str, list[Interval]] = {}
    for interval in intervals:
        if reaches_into(frame, interval):
            lanes.setdefault(interval.name, []).append(interval)
    return list(lanes.items())


def reaches_into(frame: Frame, interval: Interval) -> bool:
    return interval.started <= frame.today and (interval.stopped is None or interval.stopped >= frame.start)


def draw_medicines(frame: Frame, intervals: Sequence[Interval]) -> Markup:
    """The picture; lanes beyond `MOST_LANES` are in the table only, and the picture says how many."""
    lanes = lanes_of(frame, intervals)
    step = 21.0 if frame.is_wide else 34.0
    rest = len(lanes) - MOST_LANES
    canvas = Canvas(frame.width, step * min(len(lanes), MOST_LANES) + 2 + (14 if rest > 0 else 0))
    frame.rule_days(canvas, 0, canvas.height)
    for row, (name, taken) in enumerate(lanes[:MOST_LANES]):
        _draw_lane(canvas, frame, row * step + (4 if frame.is_wide else 17), name, taken)
    if rest > 0:
        canvas.text(
            frame.say(Said("{n} more in the table", "{n} más en la tabla"), n=rest),
            (frame.left, canvas.height - 3),
            "halo",
        )
    said = frame.listed([_said(frame, interval) for _, taken in lanes for interval in taken])
    description = f"{said or frame.say(Said('No medicines', 'Ninguna medicina'))}."
    title = frame.say(Said("Medicines, past {span}", "Medicinas, últimos {span}"), span=frame.span_words)
    return canvas.picture(frame.key("medicines"), frame.css, title, description)


def _said(frame: Frame, one: Interval) -> str:
    name, start = one.name, frame.on(one.started)
    if one.stopped is None:
        return frame.say(
            Said("{name} from {start} until now", "{name} del {start} hasta ahora"), name=name, start=start
        )
    taken = Said("{name} from {start} to {end}", "{name} del {start} al {end}")
    return frame.say(taken, name=name, start=start, end=frame.on(one.stopped))


def _draw_lane(canvas: Canvas, frame: Frame, top: float, name: str, taken: Sequence[Interval]) -> None:
    if frame.is_wide:
        canvas.text(_cut(name, frame.left - 6), (frame.left - 6, top + 11), "t-ink", "end")
    else:
        canvas.text(name, (frame.left, top - 4), "t-ink halo")
    canvas.line("l-frame", (frame.left, top + _BAR), (frame.right, top + _BAR))
    bars = sorted((frame.x(i.started), frame.x(i.stopped) if i.stopped else frame.right, i) for i in taken)
    since = frame.left
    for index, (left, right, interval) in enumerate(bars):
        _draw_bar(canvas, frame, (left, right, top), is_taken=interval.stopped is None)
        until = bars[index + 1][0] if index + 1 < len(bars) else frame.right
        since = max(right, _say(canvas, (since, left, right, until), top + 11, interval.words))


def _draw_bar(canvas: Canvas, frame: Frame, at: tuple[float, float, float], *, is_taken: bool) -> None:
    left, right, top = at
    canvas.draw("rect", "f-clinic", x=left, y=top, width=max(right - left, 2), height=_BAR)
    if is_taken:
        canvas.draw("path", "f-clinic", d=f"M{right:g} {top - 1:.1f} l8 8 l-8 8 z")
        if frame.is_wide:
            canvas.text(frame.say(Said("still on it", "todavía")), (frame.right + 12, top + 11))


def _say(canvas: Canvas, span: tuple[float, float, float, float], y: float, ways: Sequence[str]) -> float:
    """In the bar, behind it or before it, in as many words as fit; left to the table where nothing does. Where they
    end.
    """
    since, left, right, until = span
    for words in ways:
        room = width_of(words) + 10
        if room <= right - left:
            return canvas.text(words, (left + 6, y), "t-clinic").right
        if room <= until - right:
            return canvas.text(words, (right + 6, y), "halo").right
        if room <= left - since:
            return canvas.text(words, (left - 6, y), "halo", "end").right
    return right


def _words(frame: Frame, medication: Mapping[str, Any], begun_on: str) -> tuple[str, ...]:
    """What is said of an interval, the longest first. A dose is never said of days on which another was taken."""
    dose, stopped_on, reason = (medication[name] for name in ("dose", "stopped_on", "stop_reason"))
    begun, is_changed = _day(frame, begun_on), begun_on != medication["started_on"]
    if not stopped_on:
        known = dose or frame.say(Said("dose not recorded", "dosis no anotada"))
        since = frame.say(Said("since {day}", "desde el {day}"), day=_day(frame, medication["started_on"]))
        if is_changed:
            first = frame.say(Said("first taken {day}", "tomada desde el {day}"), day=begun)
            return (f"{known}, {since}; {first}", f"{known}, {since}", first, known)
        return (f"{known}, {since}", since, known)
    ended = _day(frame, stopped_on)
    whole = frame.say(Said("from {begun}, stopped {ended}", "del {begun} al {ended}"), begun=begun, ended=ended)
    why = f"{whole}: {frame.named(STOPPED, reason)}" if reason else whole
    stopped = frame.say(Said("stopped {ended}", "terminó el {ended}"), ended=ended)
    return (f"{dose}, {why}" if dose and not is_changed else why, why, whole, stopped)


def _day(frame: Frame, day: str) -> str:
    """With its year where the axis does not say which."""
    on = date.fromisoformat(day)
    return frame.short_on(on) if frame.span is Span.YEAR and on >= frame.start.date() else frame.on(on)


def _cut(name: str, room: float) -> str:
    return name if width_of(name) <= room else f"{name[: int(room / 6.4) - 1]}…"


def _start(day: str, zone: tzinfo | None) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.min, zone)
