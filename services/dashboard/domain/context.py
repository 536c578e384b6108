"""Where in the course of care a moment lies: before, in or after a visit, or outside.

The rule, tried in this order; cancelled visits do not count:

- in the visit: from 30 minutes before check-in (before the scheduled time when nobody checked in) until 60
  minutes after completion (until 2 hours after the later of both when it was not recorded as completed);
- before a visit: in the 14 days before that, the time in which its survey counts;
- after a visit: in the 14 days after that, the time in which its feedback may come;
- outside: at any other time.

Where several visits fit, the nearest in time is meant; of two equally near the later one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.dashboard.domain.items import instant
from shared.events import ViewContext, VisitState

BEFORE_CHECK_IN = timedelta(minutes=30)
AFTER_COMPLETION = timedelta(minutes=60)
UNRECORDED_LENGTH = timedelta(hours=2)
AROUND = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class _Span:
    visit_id: str
    opens: datetime
    closes: datetime


def context_of(visits: Sequence[Mapping[str, Any]], at: datetime) -> tuple[ViewContext, UUID | None]:
    """The context of a moment and the visit that it belongs to; `visits` as they stand on the page.

    `at` must be aware. The visit is null only outside.
    """
    spans = [_span(visit) for visit in visits if visit["state"] != VisitState.CANCELLED]
    fitting = [(_distance(span, at), span) for span in spans if span.opens - AROUND <= at <= span.closes + AROUND]
    if not fitting:
        return ViewContext.OUTSIDE, None
    _, nearest = min(fitting, key=lambda pair: (pair[0], -pair[1].opens.timestamp(), pair[1].visit_id))
    return _side(nearest, at), UUID(nearest.visit_id)


def _span(visit: Mapping[str, Any]) -> _Span:
    scheduled = instant(visit["scheduled_at"])
    checked_in = instant(visit["checked_in_at"]) if visit["checked_in_at"] else scheduled
    opens = checked_in - BEFORE_CHECK_IN
    if visit["completed_at"]:
        closes = instant(visit["completed_at"]) + AFTER_COMPLETION
    else:
        closes = max(scheduled, checked_in) + UNRECORDED_LENGTH
    return _Span(str(visit["visit_id"]), min(opens, closes), closes)


def _distance(span: _Span, at: datetime) -> timedelta:
    return max(span.opens - at, at - span.closes, timedelta())


def _side(span: _Span, at: datetime) -> ViewContext:
    if at < span.opens:
        return ViewContext.BEFORE_VISIT
    return ViewContext.AFTER_VISIT if at > span.closes else ViewContext.IN_VISIT
