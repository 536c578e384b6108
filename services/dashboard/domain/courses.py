"""Courses: a medicine from its start to its stop, through every change of its dose.

The clinic's list has an interval for each dose. Intervals of one medicine that follow on one another are one course:
what ends between two of them is a dose and not the medicine.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from services.dashboard.domain.facts import Item


class Course(NamedTuple):
    """Intervals of the page that make a course, in the order in which they began."""

    intervals: Sequence[Item]

    @property
    def name(self) -> str:
        return str(self.intervals[0]["name"])

    @property
    def started_on(self) -> str:
        return str(self.intervals[0]["started_on"])

    @property
    def last(self) -> Item:
        """The interval that is still taken, or whose stop is the medicine's."""
        return max(self.intervals, key=lambda interval: (_end(interval), interval["started_on"]))

    def changes(self) -> Iterator[Item]:
        """The intervals that brought another dose, oldest first."""
        dosed = (interval for interval in self.intervals if interval["dose"])
        return (now for before, now in pairwise(dosed) if now["dose"] != before["dose"])


def courses_of(medications: Iterable[Item]) -> list[Course]:
    """Every course of the page's intervals: medicines in their order there, the courses of each by their start."""
    by_name: dict[str, list[Item]] = {}
    for medication in medications:
        by_name.setdefault(medication["name"], []).append(medication)
    return [Course(run) for taken in by_name.values() for run in _runs(taken)]


def _runs(taken: Iterable[Item]) -> list[list[Item]]:
    runs: list[list[Item]] = []
    until = date.min
    for interval in sorted(taken, key=lambda one: (one["started_on"], _end(one), one["medication_id"])):
        if runs and date.fromisoformat(interval["started_on"]) - timedelta(days=1) <= until:
            runs[-1].append(interval)
        else:
            runs.append([interval])
            until = date.min
        until = max(until, _end(interval))
    return runs


def _end(interval: Item) -> date:
    return date.fromisoformat(interval["stopped_on"]) if interval["stopped_on"] else date.max
