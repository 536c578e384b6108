"""Fields of requests that take JSON at its word: a number is no date, `0` is no "no", and a year 9999 is a slip.

What has happened has happened: no `Past` lies ahead, but for clocks that go a little fast.

Without them pydantic reads `5` as five seconds after 1970. The bounds are those of any date that this system can mean;
near the ends of what PostgreSQL and Python can hold, sums with days and time zones fail.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_BEGINS_WITH_A_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOST_AHEAD = timedelta(minutes=5)
T = TypeVar("T", date, datetime)


def is_ahead(moment: datetime) -> bool:
    """Whether a time is still to come, beyond what clocks differ by."""
    return moment > datetime.now(UTC) + _MOST_AHEAD


def _written_out(value: Any) -> Any:
    if not isinstance(value, str) or not _BEGINS_WITH_A_DAY.match(value):
        raise ValueError("a date as in 2026-03-01 or 2026-03-01T10:00:00Z")
    return value


def _in_bounds(value: T) -> T:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return value


def _not_ahead(value: datetime) -> datetime:
    if is_ahead(value):
        raise ValueError("a time that is not still to come")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_bounds)]
Past = Annotated[Moment, AfterValidator(_not_ahead)]
Day = Annotated[date, BeforeValidator(_written_out), AfterValidator(_in_bounds)]
YesNo = Annotated[bool, Field(strict=True)]
