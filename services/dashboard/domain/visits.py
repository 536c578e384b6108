"""The visits of a patient, and which of them the page is about."""

from collections.abc import Sequence
from datetime import timedelta

from services.dashboard.domain.facts import Facts
from services.dashboard.domain.items import Json, by_time, instant, utc
from shared.events import VisitState

UNRECORDED_END = timedelta(hours=24)
_OPEN = (VisitState.SCHEDULED, VisitState.CHECKED_IN)


def visits_of(facts: Facts) -> list[Json]:
    """All visits by scheduled time, cancelled ones too."""
    return [
        {
            "visit_id": visit["visit_id"],
            "clinician_id": visit["clinician_id"],
            "state": visit["state"],
            "scheduled_at": utc(visit["scheduled_at"]),
            "checked_in_at": utc(visit["checked_in_at"]),
            "completed_at": utc(visit["completed_at"]),
        }
        for visit in by_time(facts, "visits", "scheduled_at", "visit_id")
    ]


def visit_at_hand(visits: Sequence[Json], as_of: str | None) -> Json | None:
    """The visit that the page prepares: the latest one checked in, else the first that is still to come.

    There is no clock here. A visit is past when the newest fact is more than 24 hours younger than its time:
    nobody came, or nobody recorded its end.
    """
    open_visits = [visit for visit in visits if visit["state"] in _OPEN and not _is_past(visit, as_of)]
    checked_in = [visit for visit in open_visits if visit["state"] == VisitState.CHECKED_IN]
    return checked_in[-1] if checked_in else next(iter(open_visits), None)


def _is_past(visit: Json, as_of: str | None) -> bool:
    time = instant(visit["checked_in_at"] or visit["scheduled_at"])
    return as_of is not None and time + UNRECORDED_END < instant(as_of)


def last_visit(visits: Sequence[Json]) -> Json | None:
    """The latest completed visit."""
    return next((visit for visit in reversed(visits) if visit["state"] == VisitState.COMPLETED), None)
