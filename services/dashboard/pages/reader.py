"""Who reads and when: turns the times and values of a page into words for that moment and zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from services.dashboard.pages.labels import BARRIERS, SKIPPED, item_words, plain
from shared.events import ViewerRole
from shared.pages.words import ago, clock, counted, number, on, short_on

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHORT_DAYS = 300


class Line(NamedTuple):
    """A few words: what is bold, and what follows it."""

    bold: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """`now` is in the site's zone; days are those of that zone."""

    now: datetime
    role: ViewerRole

    @property
    def is_patient(self) -> bool:
        return self.role is ViewerRole.PATIENT

    def local(self, text: str) -> datetime:
        return datetime.fromisoformat(text).astimezone(self.now.tzinfo)

    def day(self, text: str) -> str:
        """`14 Jul`; with the year when it is not plain which one is meant. Takes a time or a day."""
        day = self._day(text)
        return short_on(day) if abs((self.now.date() - day).days) < _SHORT_DAYS else on(day)

    def full_day(self, text: str) -> str:
        return on(self._day(text))

    def weekday(self, text: str) -> str:
        """`Fri 16 Oct`."""
        return f"{_WEEKDAYS[self._day(text).weekday()]} {self.day(text)}"

    def moment(self, text: str) -> str:
        """`today 08:55`, else how many days ago."""
        at = self.local(text)
        return f"today {clock(at)}" if at.date() == self.now.date() else ago(at, self.now)

    def late_days(self, due_on: str | None) -> int:
        """Days since a day that has passed; 0 when it has not."""
        return max((self.now.date() - date.fromisoformat(due_on)).days, 0) if due_on else 0

    def _day(self, text: str) -> date:
        return date.fromisoformat(text) if len(text) == len("2026-10-13") else self.local(text).date()


def answer_words(item: str, answer: Mapping[str, Any] | None, most: float | None = None) -> str:
    """An answer in a cell: the number, yes or no, `skipped`, `not asked`; a dash without a survey."""
    if answer is None:
        return "–"
    if answer["state"] != "answered":
        return plain(answer["state"])
    value = answer["value"]
    if isinstance(value, bool):
        return "yes" if value else "none" if item in ("opioid_use", "side_effects") else "no"
    if isinstance(value, str):
        return BARRIERS.get(value, plain(value))
    if item == "missed_doses":
        return f"{counted(value, 'dose')} in 2 weeks"
    return f"{number(value)} of {number(most)}" if most is not None else number(value)


def reason_words(item: str, reason: str) -> str:
    """`Opioids: chose not to answer.`"""
    return f"{item_words(item)}: {SKIPPED.get(reason, plain(reason))}."
