"""The charts of a page, each wide and narrow, on one time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from services.dashboard.pages.charts.frame import Frame
from services.dashboard.pages.charts.index import Point, draw_index
from services.dashboard.pages.charts.labs import Result, draw_lab
from services.dashboard.pages.charts.medicines import draw_medicines, intervals_of
from services.dashboard.pages.reader import Reader
from services.dashboard.pages.readings import band_words
from shared.events import VisitState
from shared.pages.words import MONTHS, number
from shared.speech import Said

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Empty where there is nothing at all to draw: the page then says so in words."""

    score: Markup
    medicines: Markup
    labs: Markup


def pictures_of(page: Json, reader: Reader) -> Pictures:
    """The three charts. The months stand under the last one."""
    frames = [Frame(reader.now, is_wide, _past_visits(page, reader), reader.language) for is_wide in (True, False)]
    medications = page["medications"]
    intervals = intervals_of(medications, reader.now.tzinfo, reader)
    return Pictures(
        Markup().join(_index(frame, page, reader) for frame in frames),
        Markup().join(draw_medicines(frame, intervals) for frame in frames) if medications else Markup(),
        Markup().join(_labs(frame, page, reader) for frame in frames),
    )


def _past_visits(page: Json, reader: Reader) -> Sequence[datetime]:
    """Visits that took place before today and within the frame."""
    took_place = (VisitState.COMPLETED, VisitState.CHECKED_IN)
    times = [reader.local(v["scheduled_at"]) for v in page["visits"] if v["state"] in took_place]
    frame = Frame(reader.now, is_wide=True)
    return [time for time in times if frame.holds(time) and time.date() < reader.now.date()]


def _index(frame: Frame, page: Json, reader: Reader) -> Markup:
    trend = page["trend"]
    if trend is None:
        return Markup()
    points = [Point(reader.local(p["at"]), p["value"], band_words(p["band"], reader)) for p in trend["points"]]
    return draw_index(frame, trend, points, _since(page["readings"]["computed"], reader))


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


def _labs(frame: Frame, page: Json, reader: Reader) -> Markup:
    markers = [series for series in page["labs"] if series["marker"]]
    return Markup().join(
        draw_lab(frame, series, _results(series, reader), has_axis=series is markers[-1]) for series in markers
    )


def _results(series: Json, reader: Reader) -> list[Result]:
    points = series["points"]
    return [Result(reader.local(p["at"]), p["value"], p["comparator"], p["method"], p["side"]) for p in points]
