"""Medicines as lanes on the common time axis: a bar is an interval of the clinic's list, words are of a course."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any, NamedTuple

from markupsafe import Markup

from services.dashboard.domain import Course, courses_of
from services.dashboard.pages.charts.frame import Frame, Span
from services.dashboard.pages.charts.svg import Canvas, width_of
from services.dashboard.pages.labels import STOPPED
from shared.speech import Said

MOST_LANES = 4
_BAR = 14.0
_FROM_UNTIL_NOW = Said("{name} from {start} until now", "{name} del {start} hasta ahora")
_STOPPED_AFTER = Said("from {begun}, stopped {ended}", "del {begun} al {ended}")
_PLANNED_AFTER = Said("from {begun}, planned until {ended}", "del {begun}, previsto hasta el {ended}")
_STOPPED_ON = Said("stopped {ended}", "terminó el {ended}")
_PLANNED_UNTIL = Said("planned until {ended}", "previsto hasta el {ended}")
_FROM_TO = Said("{name} from {start} to {end}", "{name} del {start} al {end}")


class Interval(NamedTuple):
    """A medicine as it was taken, by one dose. `stopped` null: still taken."""

    name: str
    started: datetime
    stopped: datetime | None
    dose: str | None


def intervals_of(frame: Frame, medications: Sequence[Mapping[str, Any]]) -> list[Interval]:
    zone = frame.today.tzinfo
    return [
        Interval(
            medication["name"],
            _start(medication["started_on"], zone),
            _start(medication["stopped_on"], zone) if medication["stopped_on"] else None,
            medication["dose"],
        )
        for medication in medications
    ]


def reaches_into(frame: Frame, interval: Interval) -> bool:
    return interval.started <= frame.today and (interval.stopped is None or interval.stopped >= frame.start)


def draw_medicines(frame: Frame, medications: Sequence[Mapping[str, Any]]) -> Markup:
    """The picture; lanes beyond `MOST_LANES` are in the table only, and the picture says how many."""
    lanes = _lanes(frame, medications)
    step = 21.0 if frame.is_wide else 34.0
    rest = len(lanes) - MOST_LANES
    canvas = Canvas(frame.width, step * min(len(lanes), MOST_LANES) + 2 + (14 if rest > 0 else 0))
    frame.rule_days(canvas, 0, canvas.height)
    for row, lane in enumerate(lanes[:MOST_LANES]):
        _draw_lane(canvas, frame, row * step + (4 if frame.is_wide else 17), lane)
    if rest > 0:
        canvas.text(
            frame.say(Said("{n} more in the table", "{n} más en la tabla"), n=rest),
            (frame.left, canvas.height - 3),
            "halo",
        )
    said = frame.listed([_said(frame, drawn.course) for lane in lanes for drawn in lane])
    description = f"{said or frame.say(Said('No medicines', 'Ninguna medicina'))}."
    title = frame.say(Said("Medicines, past {span}", "Medicinas, últimos {span}"), span=frame.span_words)
    return canvas.picture(frame.key("medicines"), frame.css, title, description)


class _Bar(NamedTuple):
    left: float
    right: float
    interval: Mapping[str, Any]


class _Drawn(NamedTuple):
    """A course, and what of it lies in the frame."""

    course: Course
    bars: list[_Bar]


def _lanes(frame: Frame, medications: Sequence[Mapping[str, Any]]) -> list[list[_Drawn]]:
    """The courses that reach into the frame, a lane for each medicine, in the order of the list."""
    lanes: dict[str, list[_Drawn]] = {}
    for course in courses_of(medications):
        if bars := _bars(frame, course):
            lanes.setdefault(course.name, []).append(_Drawn(course, bars))
    return list(lanes.values())


def _bars(frame: Frame, course: Course) -> list[_Bar]:
    return [
        _Bar(frame.x(one.started), min(frame.x(one.stopped), frame.right) if one.stopped else frame.right, interval)
        for one, interval in zip(intervals_of(frame, course.intervals), course.intervals, strict=True)
        if reaches_into(frame, one)
    ]


def _said(frame: Frame, course: Course) -> str:
    """For those who do not see the picture: the course with its doses, and why it ended."""
    last = course.last
    taken = frame.say(
        _FROM_TO if last["stopped_on"] else _FROM_UNTIL_NOW,
        name=course.name,
        start=_day(frame, course.started_on),
        end=_day(frame, last["stopped_on"]) if last["stopped_on"] else "",
    )
    doses = "; ".join(_doses(frame, course))
    reason = f": {frame.named(STOPPED, last['stop_reason'])}" if last["stop_reason"] else ""
    return f"{taken}{f' ({doses})' if doses else ''}{reason}"


def _doses(frame: Frame, course: Course) -> Iterator[str]:
    first = course.intervals[0]["dose"]
    if first:
        yield first
    for change in course.changes():
        since = Said("{dose} from {day}", "{dose} desde el {day}")
        yield frame.say(since, dose=change["dose"], day=_day(frame, change["started_on"]))


def _draw_lane(canvas: Canvas, frame: Frame, top: float, lane: Sequence[_Drawn]) -> None:
    name = lane[0].course.name
    if frame.is_wide:
        canvas.text(_cut(name, frame.left - 6), (frame.left - 6, top + 11), "t-ink", "end")
    else:
        canvas.text(name, (frame.left, top - 4), "t-ink halo")
    canvas.line("l-frame", (frame.left, top + _BAR), (frame.right, top + _BAR))
    since = frame.left
    for index, (course, bars) in enumerate(lane):
        _draw_course(canvas, frame, top, bars)
        until = lane[index + 1].bars[0].left if index + 1 < len(lane) else frame.right
        room = _Room(since, bars[0].left, bars[-1].left, bars[-1].right, until)
        since = max(bars[-1].right, _say(canvas, room, top + 11, _words(frame, course)))


def _draw_course(canvas: Canvas, frame: Frame, top: float, bars: Sequence[_Bar]) -> None:
    for bar in bars:
        _draw_bar(canvas, frame, (bar.left, bar.right, top), is_taken=bar.interval["stopped_on"] is None)
    for bar in bars[1:]:
        canvas.draw("rect", "f-paper", x=bar.left - 1, y=top, width=2, height=_BAR)
    for bar in bars[:-1]:
        dose = bar.interval["dose"]
        if dose and width_of(dose) + 10 <= bar.right - bar.left:
            canvas.text(dose, (bar.left + 6, top + 11), "t-clinic")


def _draw_bar(canvas: Canvas, frame: Frame, at: tuple[float, float, float], *, is_taken: bool) -> None:
    left, right, top = at
    canvas.draw("rect", "f-clinic", x=left, y=top, width=max(right - left, 2), height=_BAR)
    if is_taken:
        canvas.draw("path", "f-clinic", d=f"M{right:g} {top - 1:.1f} l8 8 l-8 8 z")
        if frame.is_wide:
            canvas.text(frame.say(Said("still on it", "todavía")), (frame.right + 12, top + 11))


class _Room(NamedTuple):
    """Where words of a course may stand, from left to right: the lane is free from `since` to `until`, the course
    begins at `begin`, its last bar reaches from `left` to `right`.
    """

    since: float
    begin: float
    left: float
    right: float
    until: float


def _say(canvas: Canvas, at: _Room, y: float, ways: Sequence[str]) -> float:
    """In the last bar, behind it or before the course, in as many words as fit; left to the table where nothing does.
    Where they end.
    """
    for words in ways:
        room = width_of(words) + 10
        if room <= at.right - at.left:
            return canvas.text(words, (at.left + 6, y), "t-clinic").right
        if room <= at.until - at.right:
            return canvas.text(words, (at.right + 6, y), "halo").right
        if room <= at.begin - at.since:
            return canvas.text(words, (at.begin - 6, y), "halo", "end").right
    return at.right


def _words(frame: Frame, course: Course) -> tuple[str, ...]:
    """What is said of a course, the longest first. A dose is never said of days on which another was taken."""
    last, begun = course.last, _day(frame, course.started_on)
    is_changed = last["started_on"] != course.started_on
    if not last["stopped_on"]:
        dose = last["dose"] or frame.say(Said("dose not recorded", "dosis no anotada"))
        since = frame.say(Said("since {day}", "desde el {day}"), day=_day(frame, last["started_on"]))
        if is_changed:
            first = frame.say(Said("first taken {day}", "tomada desde el {day}"), day=begun)
            return (f"{dose}, {since}; {first}", f"{dose}, {since}", dose)
        return (f"{dose}, {since}", dose if last["dose"] else since, since)
    ended = _day(frame, last["stopped_on"])
    doses = f"{words}, " if (words := _first_to_last(frame, course)) else ""
    why = f": {frame.named(STOPPED, last['stop_reason'])}" if last["stop_reason"] else ""
    is_over = date.fromisoformat(last["stopped_on"]) <= frame.today.date()
    whole = frame.say(_STOPPED_AFTER if is_over else _PLANNED_AFTER, begun=begun, ended=ended)
    stopped = frame.say(_STOPPED_ON if is_over else _PLANNED_UNTIL, ended=ended)
    return (f"{doses}{whole}{why}", f"{doses}{stopped}{why}", f"{whole}{why}", f"{stopped}{why}", stopped)


def _first_to_last(frame: Frame, course: Course) -> str:
    """The dose of a course; of one that changed the first and the last. Empty where that would not tell the change."""
    first, last = course.intervals[0]["dose"], course.last["dose"]
    if not first or not last:
        return ""
    if first == last:
        return "" if any(course.changes()) else str(first)
    return frame.say(Said("{first} to {last}", "de {first} a {last}"), first=first, last=last)


def _day(frame: Frame, day: str) -> str:
    """With its year where the axis does not say which."""
    on = date.fromisoformat(day)
    return frame.short_on(on) if frame.span is Span.YEAR and on >= frame.start.date() else frame.on(on)


def _cut(name: str, room: float) -> str:
    return name if width_of(name) <= room else f"{name[: int(room / 6.4) - 1]}…"


def _start(day: str, zone: tzinfo | None) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.min, zone)
