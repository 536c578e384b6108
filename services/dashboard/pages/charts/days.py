"""What was known on each day on which something changed, in words: for the line that goes over the charts by hand."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple

from services.dashboard.pages.charts.frame import Frame
from services.dashboard.pages.charts.labs import Result
from services.dashboard.pages.charts.medicines import Interval
from services.dashboard.pages.charts.scores import NO_SCORE, Point
from shared.pages.words import number
from shared.speech import Said

_NONE_YET = Said("none yet", "todavía nada")


class Moment(NamedTuple):
    """From this day until the next moment the lines hold, each with its name. `share`: the day's place in the plot."""

    share: float
    day: str
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Known:
    """All that is drawn, in the reader's zone, oldest first; results by the name and the unit of their test."""

    points: Sequence[Point]
    intervals: Sequence[Interval]
    results: Mapping[tuple[str, str], Sequence[Result]]
    visits: Sequence[datetime]


def moments_of(frame: Frame, known: Known) -> list[Moment]:
    """One at the left end, one for each day of a change, one today; oldest first."""
    before = frame.say(_NONE_YET)
    scores = [(point.at.date(), _score(frame, point)) for point in known.points]
    visits = [(at.date(), frame.on(at)) for at in known.visits]
    said: list[tuple[str, Callable[[date], str]]] = [
        (frame.say(Said("Score", "Puntuación")), _latest(scores, before)),
        (frame.say(Said("Taking", "Toma")), lambda day: _taken(frame, known.intervals, day)),
        *(
            (name, _latest([(r.at.date(), f"{r.words} {frame.unit(code)}, {frame.on(r.at)}") for r in results], before))
            for (name, code), results in known.results.items()
        ),
        (frame.say(Said("Last visit", "Última visita")), _latest(visits, before)),
    ]
    return [
        Moment(frame.share(at), frame.on(at), [(name, words(at.date())) for name, words in said])
        for at in (datetime.combine(day, time.min, frame.today.tzinfo) for day in _days(frame, known))
    ]


def _days(frame: Frame, known: Known) -> list[date]:
    results = (result.at for series in known.results.values() for result in series)
    taken = (at for one in known.intervals for at in (one.started, one.stopped) if at is not None)
    changes: Iterable[datetime] = (*(point.at for point in known.points), *taken, *results, *known.visits)
    first, last = frame.start.date(), frame.today.date()
    return sorted({first, last, *(at.date() for at in changes if first < at.date() < last)})


def _latest(said: Sequence[tuple[date, str]], before: str) -> Callable[[date], str]:
    """What was said last on or before a day."""
    days = [day for day, _ in said]

    def words(day: date) -> str:
        place = bisect_right(days, day)
        return said[place - 1][1] if place else before

    return words


def _score(frame: Frame, point: Point) -> str:
    score = frame.say(NO_SCORE) if point.value is None else number(point.value, 1)
    return f"{score}{f', {point.words}' if point.words else ''}, {frame.on(point.at)}"


def _taken(frame: Frame, intervals: Sequence[Interval], day: date) -> str:
    taken = [i for i in intervals if i.started.date() <= day and (i.stopped is None or i.stopped.date() > day)]
    names = [f"{one.name} {one.dose}" if one.dose else one.name for one in taken]
    none = Said("none on the clinic's list", "ninguna en la lista de la clínica")
    return frame.listed(list(dict.fromkeys(names))) or frame.say(none)
