"""The charts of a page, each wide and narrow, on one time axis; what their tables show; what was known on each day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from markupsafe import Markup

from services.dashboard.pages.charts.days import Known, Moment, moments_of
from services.dashboard.pages.charts.frame import Frame, Span
from services.dashboard.pages.charts.labs import Result, draw_lab
from services.dashboard.pages.charts.medicines import draw_medicines, intervals_of, reaches_into
from services.dashboard.pages.charts.scores import Scored, draw_score
from services.dashboard.pages.labels import MARKERS
from services.dashboard.pages.reader import Reader
from services.dashboard.pages.scored import index_of, rows_of, scales_of
from shared.events import VisitState

Json = Mapping[str, Any]


class Trend(NamedTuple):
    scored: Scored
    picture: Markup


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures are empty where there is nothing at all to draw: the page then says so in words.

    `points`, `medications`, `markers` and `others` are of the page: what lies in the frames, and what was known when
    they begin. `trends` are those of scales with a value in the frames; `trend_rows` their table: a day, and what was
    answered then.
    """

    score: Markup
    medicines: Markup
    labs: Markup
    trends: Sequence[Trend]
    trend_rows: Sequence[Sequence[str]]
    frames: Sequence[Frame]
    points: Sequence[Json]
    medications: Sequence[Json]
    markers: Sequence[Json]
    others: Sequence[Json]
    moments: Sequence[Moment]

    @property
    def span(self) -> Span:
        return self.frames[0].span


def pictures_of(page: Json, reader: Reader, span: Span = Span.YEAR) -> Pictures:
    """The three charts, with the months under the last one, and those of the other scales."""
    widest = Frame(reader.now, is_wide=True, span=span, language=reader.language)
    past = _past_visits(page, reader)
    visits = [at for at in past if widest.holds(at)]
    frames = [replace(widest, is_wide=is_wide, visits=visits) for is_wide in (True, False)]
    markers = [series for series in page["labs"] if series["marker"]]
    medications, points = page["medications"], page["trend"]["points"] if page["trend"] else []
    index = index_of(page, reader)
    scales = [scale for scale in scales_of(page, reader) if _is_drawn(widest, scale)]
    known = Known(
        index.points if index else [],
        intervals_of(widest, medications),
        {(reader.named(MARKERS, one["name"]), one["unit"]): _results(one, reader) for one in markers},
        past,
    )
    return Pictures(
        Markup().join(draw_score(frame, index) for frame in frames) if index else Markup(),
        Markup().join(draw_medicines(frame, medications) for frame in frames) if medications else Markup(),
        Markup().join(_labs(frame, markers, list(known.results.values())) for frame in frames),
        [_trend(frames, scale, has_axis=scale is scales[-1]) for scale in scales],
        rows_of(scales, widest.holds, reader),
        frames,
        _within(widest, points, reader),
        [m for m, interval in zip(medications, known.intervals, strict=True) if reaches_into(widest, interval)],
        [_series_within(widest, series, reader) for series in markers],
        [_series_within(widest, series, reader) for series in page["labs"] if not series["marker"]],
        moments_of(widest, known),
    )


def _within(frame: Frame, points: Sequence[Json], reader: Reader) -> list[Json]:
    """Those in the frame and the newest before it, from which they go on."""
    before = [point for point in points if reader.local(point["at"]) < frame.start]
    return [*before[-1:], *(point for point in points if frame.holds(reader.local(point["at"])))]


def _series_within(frame: Frame, series: Json, reader: Reader) -> Json:
    return {**series, "points": _within(frame, series["points"], reader)}


def _past_visits(page: Json, reader: Reader) -> list[datetime]:
    """Visits that took place before today, oldest first."""
    took_place = (VisitState.COMPLETED, VisitState.CHECKED_IN)
    times = [reader.local(v["scheduled_at"]) for v in page["visits"] if v["state"] in took_place]
    return [time for time in times if time.date() < reader.now.date()]


def _trend(frames: Sequence[Frame], scored: Scored, *, has_axis: bool) -> Trend:
    return Trend(scored, Markup().join(draw_score(frame, scored, has_axis=has_axis) for frame in frames))


def _is_drawn(frame: Frame, scored: Scored) -> bool:
    return any(point.value is not None and frame.holds(point.at) for point in scored.points)


def _labs(frame: Frame, markers: Sequence[Json], results: Sequence[Sequence[Result]]) -> Markup:
    drawn = zip(markers, results, strict=True)
    return Markup().join(draw_lab(frame, one, taken, has_axis=one is markers[-1]) for one, taken in drawn)


def _results(series: Json, reader: Reader) -> list[Result]:
    new = {change["at"] for change in series["method_changes"]}
    return [
        Result(reader.local(p["at"]), p["value"], p["comparator"], p["side"], begins_method=p["at"] in new)
        for p in series["points"]
    ]
