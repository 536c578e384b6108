"""One time axis for all charts of a page: the same width and margins, so that a vertical line is a day in
each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from services.dashboard.pages.charts.svg import Canvas, width_of
from shared.events import Language
from shared.pages.speaking import Speaks
from shared.pages.words import MONTHS
from shared.speech import Said

ROOM_AFTER_TODAY = timedelta(days=19)


class Span(StrEnum):
    """How much time the charts show; the value stands in the page's address."""

    YEAR = "12-months"
    FIVE_YEARS = "5-years"

    @property
    def years(self) -> int:
        return 1 if self is Span.YEAR else 5

    @property
    def words(self) -> Said:
        return Said("12 months", "12 meses") if self is Span.YEAR else Said("5 years", "5 años")


@dataclass(frozen=True)
class Frame(Speaks):
    """The months up to today, in the reader's zone. The wide picture is for screens from 48 rem, the narrow below.

    `visits` are the days of the visits that took place within it, oldest first.
    """

    today: datetime
    is_wide: bool
    visits: Sequence[datetime] = ()
    span: Span = Span.YEAR
    language: Language = Language.ENGLISH

    @property
    def width(self) -> float:
        return 730 if self.is_wide else 358

    @property
    def left(self) -> float:
        return 104 if self.is_wide else 64

    @property
    def right(self) -> float:
        return 638 if self.is_wide else 328

    @cached_property
    def start(self) -> datetime:
        first = self.today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return first.replace(year=first.year - self.span.years)

    @cached_property
    def end(self) -> datetime:
        """The same all day long, so that a page that nothing has changed on looks the same."""
        last = self.today + ROOM_AFTER_TODAY * self.span.years
        return last.replace(hour=0, minute=0, second=0, microsecond=0)

    def share(self, at: datetime) -> float:
        """0 at the left end of the plot, 1 at the right; kept within it."""
        return min(max((at - self.start) / (self.end - self.start), 0.0), 1.0)

    def x(self, at: datetime) -> float:
        """Pixels from the left edge."""
        return self.left + self.share(at) * (self.right - self.left)

    def holds(self, at: datetime) -> bool:
        return self.start <= at <= self.end

    @property
    def span_words(self) -> str:
        return self.say(self.span.words)

    @property
    def radius(self) -> float:
        """Of a mark."""
        return 3.75 if self.span is Span.YEAR else 2.5

    def key(self, name: str) -> str:
        return name if self.is_wide else f"{name}-n"

    @property
    def css(self) -> str:
        return "only-wide" if self.is_wide else "only-narrow"

    def rule_days(self, canvas: Canvas, top: float, bottom: float) -> None:
        """Grey lines for visits, of five years ticks; a black line for today."""
        start = top if self.span is Span.YEAR else bottom - 5
        canvas.rules("l-visit", [self.x(visit) for visit in self.visits], start, bottom)
        canvas.line("l-today", (self.x(self.today), top), (self.x(self.today), bottom))

    def name_days(self, canvas: Canvas, y: float) -> None:
        """The days of the visits and today, above the first chart; where two would touch the older one gives
        way. Of five years only today: a day without its year would not say which.
        """
        canvas.text(self.say(Said("today", "hoy")), (min(self.x(self.today), self.right - 14), y), "t-strong", "middle")
        if self.span is Span.FIVE_YEARS:
            return
        if self.visits and self.is_wide:
            canvas.text(self.say(Said("visits", "visitas")), (self.left - 6, y), anchor="end")
        for visit in reversed(self.visits):
            half = width_of(self.short_on(visit)) / 2
            x = max(self.x(visit), self.left + half)
            box_is_free = not any(b.top < y < b.bottom + 1 and b.left < x + half + 6 and x - half - 6 <
            b.right
                                  for b in canvas.taken)  # fmt: skip
            if box_is_free:
                canvas.text(self.short_on(visit), (x, y), anchor="middle")

    def name_months(self, canvas: Canvas, y: float) -> None:
        """The axis: a tick every second month on the wide picture, every third on the narrow one; of five years each
        January.
        """
        canvas.line("l-visit", (self.left, y), (self.right, y))
        year = None
        if self.span is Span.FIVE_YEARS:
            self._name_years(canvas, y)
            return
        for month in self._months(2 if self.is_wide else 3):
            x = self.x(month)
            canvas.line("l-visit", (x, y), (x, y + 4))
            named = self.say(MONTHS[month.month - 1])
            words = f"{named} {month.year}" if month.year != year and (self.is_wide or year) else named
            year = month.year
            if x + 2 + width_of(words) <= self._last_letter:
                canvas.text(words, (x + 2, y + 15))

    @property
    def _last_letter(self) -> float:
        """How far the months may reach: beside them stands on a wide page what opens the other charts."""
        return self.right + 8 if self.is_wide else self.width

    def numbered(self, values: Sequence[float | None]) -> list[int]:
        """The places of those whose numbers stand beside them: all but the last, which stands at the right. Of five
        years the highest and the lowest.
        """
        if self.span is Span.YEAR:
            return list(range(len(values) - 1))
        known = [(value, place) for place, value in enumerate(values[:-1]) if value is not None]
        return sorted({min(known)[1], max(known)[1]}) if known else []

    def _name_years(self, canvas: Canvas, y: float) -> None:
        for year in range(self.start.year + 1, self.end.year + 1):
            x = self.x(self.start.replace(year=year, month=1))
            canvas.line("l-visit", (x, y), (x, y + 4))
            if x + 2 + width_of(str(year)) <= self._last_letter:
                canvas.text(str(year), (x + 2, y + 15))

    def _months(self, step: int) -> Iterator[datetime]:
        at = self.start
        while self.holds(at):
            yield at
            months = at.month - 1 + step
            at = at.replace(year=at.year + months // 12, month=months % 12 + 1)
