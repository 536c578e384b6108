"""How old each source is for a reader who looks now. The only part of the page that depends on a clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from services.dashboard.domain.items import instant

LIMITS: Mapping[str, int] = MappingProxyType({"survey": 14, "clinician": 90, "labs": 90, "medicines": 180})
"""Days after which a source is called old."""


@dataclass(frozen=True, slots=True)
class Age:
    """When a source last spoke, in the reader's zone, and whole days since then by its calendar."""

    at: datetime
    days: int
    limit_days: int

    @property
    def is_old(self) -> bool:
        return self.days > self.limit_days


def freshness(page: Mapping[str, Any], now: datetime) -> dict[str, Age | None]:
    """The age of each source; null for one that has said nothing. Days are those of the zone of `now`."""
    return {source: _age(page["sources"][source], now, limit) for source, limit in LIMITS.items()}


def is_of_now(page: Mapping[str, Any], now: datetime) -> bool:
    """The newest answers are for the visit at hand and not old."""
    survey, visit, age = page["survey"], page["visit"], freshness(page, now)["survey"]
    if survey is None or age is None or age.is_old:
        return False
    return visit is None or bool(survey["visit_id"] == visit["visit_id"])


def _age(source: Mapping[str, Any] | None, now: datetime, limit: int) -> Age | None:
    if source is None:
        return None
    at = instant(source["at"]).astimezone(now.tzinfo)
    return Age(at, (now.date() - at.date()).days, limit)
