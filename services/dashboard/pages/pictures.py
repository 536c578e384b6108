"""The charts of a page, each wide and narrow, on one time axis; what their tables show; what was known on each day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from markupsafe import Markup

from services.dashboard.pages.charts.days import Known, Moment, moments_of
from services.dashboard.pages.charts.frame import Frame, Span
from services.dashboard.pages.charts.index import Point, draw_index
from services.dashboard.pages.charts.labs import Result, draw_lab
from services.dashboard.pages.charts.medicines import draw_medicines, intervals_of, reaches_into
from services.dashboard.pages.labels import MARKERS
from services.dashboard.pages.reader import Reader
from services.dashboard.pages.readings import band_words
from shared.events import VisitState
from shared.pages.words import MONTHS, number
from shared.speech import Said

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures are empty where there is nothing at all to draw: the page then says so in words.

    `points`, `medications` and `markers` are of the page: what lies in the frames, and what was known when they begin.
    """

    score: Markup
    medicines: Markup
    labs: Markup
    frames: Sequence[Frame]
    points: Sequence[Json]
    medications: Sequence[Json]
    markers: Sequence[Json]
    moments: Sequence[Moment]

    @property
    def span(self) -> Span:
        return self.frames[0].span


def pictures_of(page: Json, reader: Reader, span: Span = Span.YEAR) -> Pictures:
    """The three charts. The months stand under the last one."""
    widest = Frame(reader.now, is_wide=True, span=span, language=reader.language)
    past = _past_visits(page, reader)
    visits = [at for at in past if widest.holds(at)]
    frames = [replace(widest, is_wide=is_wide, visits=visits) for is_wide in (True, False)]
    markers = [series for series in page["labs"] if series["marker"]]
    medications, points = page["medications"], page["trend"]["points"] if page["trend"] else []
    known = Known(
        [_point(point, reader) for point in points],
        intervals_of(widest, medications),
        {(reader.named(MARKERS, one["name"]), one["unit"]): _results(one, reader) for one in markers},
        past,
    )
    return Pictures(
        Markup().join(_index(frame, page, known.points, reader) for frame in frames),
        Markup().join(draw_medicines(frame, medications) for frame in frames) if medications else Markup(),
        Markup().join(_labs(frame, markers, list(known.results.values())) for frame in frames),
        frames,
        _within(widest, points, reader),
        [m for m, interval in zip(medications, known.intervals, strict=True) if reaches_into(widest, interval)],
        [{**series, "points": _within(widest, series["points"], reader)} for series in markers],
        moments_of(widest, known),
    )


def _within(frame: Frame, points: Sequence[Json], reader: Reader) -> list[Json]:
    """Those in the frame and the newest before it, from which they go on."""
    before = [point for point in points if reader.local(point["at"]) < frame.start]
    return [*before[-1:], *(point for point in points if frame.holds(reader.local(point["at"])))]


def _past_visits(page: Json, reader: Reader) -> list[datetime]:
    """Visits that took place before today, oldest first."""
    took_place = (VisitState.COMPLETED, VisitState.CHECKED_IN)
    times = [reader.local(v["scheduled_at"]) for v in page["visits"] if v["state"] in took_place]
    return [time for time in times if time.date() < reader.now.date()]


def _index(frame: Frame, page: Json, points: Sequence[Point], reader: Reader) -> Markup:
    if page["trend"] is None:
        return Markup()
    return draw_index(frame, page["trend"], points, _since(page["readings"]["computed"], reader))


def _point(point: Json, reader: Reader) -> Point:
    return Point(reader.local(point["at"]), point["value"], band_words(point["band"], reader))


def _since(computed: Json, reader: Reader) -> str:
    last, value = computed["last"], computed["value"]
    if not last or last["value"] is None or value is None:
        return ""
    step = round(value - last["value"], 1)
    if not step:
        return reader.say(Said("no change", "sin cambio"))
    month = reader.say(MONTHS[reader.local(last["at"]).month - 1])
    way = Said("up {n} since {month}", "+{n} desde {month}")
    if step < 0:
        way = Said("down {n} since {month}", "−{n} desde {month}")
    return reader.say(way, n=number(abs(step), 1), month=month)


def _labs(frame: Frame, markers: Sequence[Json], results: Sequence[Sequence[Result]]) -> Markup:
    drawn = zip(markers, results, strict=True)
    return Markup().join(draw_lab(frame, one, taken, has_axis=one is markers[-1]) for one, taken in drawn)


def _results(series: Json, reader: Reader) -> list[Result]:
    new = {change["at"] for change in series["method_changes"]}
    return [
        Result(reader.local(p["at"]), p["value"], p["comparator"], p["side"], begins_method=p["at"] in new)
        for p in series["points"]
    ]
