"""Who reads, when and in which language: turns the times and values of a page into words for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from services.dashboard.pages.labels import BARRIERS, DOSES, ITEMS, OUTPUTS, ROWS, SKIPPED, STATES
from shared.events import Language, ViewerRole
from shared.pages.speaking import Speaks
from shared.pages.words import DAYS, WEEKDAYS, ago, clock, number
from shared.speech import Said

_YES, _NO, _NONE = Said("yes", "sí"), Said("no", "no"), Said("none", "ninguno")
_IN_2_WEEKS = Said("{doses} in 2 weeks", "{doses} en 2 semanas")
_SIDES: Mapping[str, Said] = {
    "over": Said("over", "por encima"),
    "under": Said("under", "por debajo"),
    "within": Said("within", "dentro"),
}
_AT_LEAST, _AT_MOST = Said("{n} or more", "{n} o más"), Said("{n} or less", "{n} o menos")
_NO_LIMIT = Said("no limit", "sin límite")
_SHORT_DAYS = 300


class Line(NamedTuple):
    """A few words: what is bold, and what follows it."""

    bold: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Reader(Speaks):
    """`now` is in the site's zone; days are those of that zone."""

    now: datetime
    role: ViewerRole
    language: Language = Language.ENGLISH

    @property
    def is_patient(self) -> bool:
        return self.role is ViewerRole.PATIENT

    def local(self, text: str) -> datetime:
        return datetime.fromisoformat(text).astimezone(self.now.tzinfo)

    def item(self, item: str) -> str:
        return self.named(ITEMS, item)

    def row(self, item: str) -> str:
        """An item as it is called in the tables of answers."""
        return self.named(ROWS if item in ROWS else ITEMS, item)

    def day(self, text: str) -> str:
        """`14 Jul`; with the year when it is not plain which one is meant. Takes a time or a day."""
        day = self._day(text)
        return self.short_on(day) if abs((self.now.date() - day).days) < _SHORT_DAYS else self.on(day)

    def full_day(self, text: str) -> str:
        return self.on(self._day(text))

    def weekday(self, text: str) -> str:
        """`Fri 16 Oct`."""
        return f"{self.say(WEEKDAYS[self._day(text).weekday()])} {self.day(text)}"

    def moment(self, text: str) -> str:
        """`today 08:55`, else how many days ago."""
        at = self.local(text)
        days = ago(at, self.now, self.language)
        return f"{days} {clock(at)}" if at.date() == self.now.date() else days

    def last_day(self, previous: Mapping[str, Any]) -> str:
        """The day of last time: of its visit, else of its survey."""
        return self.day(previous["visit_at"] or previous["submitted_at"])

    def days(self, count: int) -> str:
        """`12 days`."""
        return self.counted(count, DAYS)

    def days_since(self, text: str) -> int:
        """Whole days by the calendar of the site."""
        return (self.now.date() - self._day(text)).days

    def late_days(self, due_on: str | None) -> int:
        """Days since a day that has passed; 0 when it has not."""
        return max(self.days_since(due_on), 0) if due_on else 0

    def _day(self, text: str) -> date:
        return date.fromisoformat(text) if len(text) == len("2026-10-13") else self.local(text).date()


def answer_words(reader: Speaks, item: str, answer: Mapping[str, Any] | None, most: float | None = None) -> str:
    """An answer in a cell: the number, yes or no, `skipped`, `not asked`; a dash without a survey."""
    if answer is None:
        return "–"
    if answer["state"] != "answered":
        return reader.named(STATES, answer["state"])
    value = answer["value"]
    if isinstance(value, bool):
        return reader.say(_YES if value else _NONE if item in ("opioid_use", "side_effects") else _NO)
    if isinstance(value, str):
        return reader.named(OUTPUTS if item == "output_change" else BARRIERS, value)
    if item == "missed_doses":
        return reader.say(_IN_2_WEEKS, doses=reader.counted(value, DOSES))
    return reader.out_of(value, most) if most is not None else number(value)


def reason_words(reader: Speaks, item: str, reason: str) -> str:
    """`Opioids: chose not to answer.`"""
    return f"{reader.named(ITEMS, item)}: {reader.named(SKIPPED, reason)}."


def limit_words(point: Mapping[str, Any], speaker: Speaks) -> str:
    """On which side of its limits a result is: `over (250 or less)`; the limits alone where it cannot be judged."""
    low, high = point["limit_low"], point["limit_high"]
    if low is not None and high is not None:
        limit = f"{number(low)}–{number(high)}"
    elif low is not None:
        limit = speaker.say(_AT_LEAST, n=number(low))
    else:
        limit = speaker.say(_NO_LIMIT) if high is None else speaker.say(_AT_MOST, n=number(high))
    return f"{speaker.say(_SIDES[point['side']])} ({limit})" if point["side"] else limit
