"""The scores and scales of a page, in the words of its reader, as their charts and tables take them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.dashboard.pages.charts.scores import NO_ANSWER, NO_SCORE, Band, Point, Scored
from services.dashboard.pages.labels import BANDS, BANDS_IN_SHORT, CHANGES, INDEXES, ITEMS, PLAIN, RECALLED, SYMPTOMS
from services.dashboard.pages.reader import Reader
from services.dashboard.pages.readings import band_words
from shared.pages.words import MONTHS, number
from shared.speech import Said

Json = Mapping[str, Any]

_ON_PAPER = 3
_MOST_RATED = 10
_OLDEST_FIRST = Said("Oldest first:", "De antes a ahora:")
_SCORE = Said("{name} score", "Puntuación {name}")


def index_of(page: Json, reader: Reader) -> Scored | None:
    """The activity index in use; nothing before there is one."""
    trend = page["trend"]
    if trend is None:
        return None
    return Scored(
        "index",
        reader.say(_SCORE, name=reader.named(INDEXES, trend["instrument"])),
        reader.named(CHANGES, trend["higher_is"] or "worse"),
        float(trend["high"] or 10),
        tuple(Band(band["starts_at"], _band(band["code"], reader)) for band in trend["bands"]),
        [Point(reader.local(one["at"]), one["value"], band_words(one["band"], reader)) for one in trend["points"]],
        nothing=NO_SCORE,
        since=_since(page["readings"]["computed"], reader),
        is_small=False,
    )


def scales_of(page: Json, reader: Reader) -> list[Scored]:
    """The other scales, in the order of the page; none of a page that was made before it had any."""
    trends = page.get("trends", {"at": (), "scales": ()})
    times = [reader.local(at) for at in trends["at"]]
    return [_scale(scale, times, reader) for scale in trends["scales"]]


def rows_of(scales: Sequence[Scored], holds: Callable[[datetime], bool], reader: Reader) -> list[list[str]]:
    """A table of scales: a day that `holds` and what was answered then, the newest first."""
    surveys = [points for points in zip(*(scale.points for scale in scales), strict=True) if holds(points[0].at)]
    return [[reader.on(points[0].at), *(_answered(point, reader) for point in points)] for points in reversed(surveys)]


def paper_words(scales: Sequence[Scored], reader: Reader) -> str:
    """What stands on one sheet for the pictures: `Oldest first: Pain 6, 4, 3. ...`

    Counts are left to the table of now and last time.
    """
    named = [(scale.name, scale.points[-_ON_PAPER:]) for scale in scales if scale.high <= _MOST_RATED]
    told = [f"{name} {', '.join(map(_number, points))}." for name, points in named]
    return " ".join([reader.say(_OLDEST_FIRST), *told]) if told else ""


def _number(point: Point) -> str:
    return "–" if point.value is None else number(point.value, 1)


def _answered(point: Point, reader: Reader) -> str:
    return reader.say(NO_ANSWER) if point.value is None else f"{number(point.value, 1)}, {point.words}"


def _scale(scale: Json, times: Sequence[datetime], reader: Reader) -> Scored:
    item, bands = scale["item"], tuple(Band(one["starts_at"], _called(one, reader)) for one in scale["bands"])
    return Scored(
        item,
        reader.named(PLAIN if reader.is_patient and item in PLAIN else ITEMS, item),
        reader.named(CHANGES, scale["higher_is"]),
        scale["high"],
        bands,
        [Point(at, value, _word_of(value, bands)) for at, value in zip(times, scale["values"], strict=True)],
        recall=reader.named(RECALLED, scale["recall"]),
        is_better_high=scale["higher_is"] == "better",
    )


def _called(band: Json, reader: Reader) -> tuple[str, str]:
    """What a band is called, and in fewer words."""
    words = reader.named(SYMPTOMS, band["words"])
    return (reader.say(SYMPTOMS[band["code"]]) if band["code"] in SYMPTOMS else words, words)


def _word_of(value: float | None, bands: Sequence[Band]) -> str | None:
    if value is None:
        return None
    return next(band.names[0] for band in reversed(bands) if band.starts_at <= value)


def _band(code: str, reader: Reader) -> tuple[str, str]:
    name = reader.named(BANDS, code)
    return (name, reader.say(BANDS_IN_SHORT[code]) if code in BANDS_IN_SHORT else name)


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
