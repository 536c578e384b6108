"""What a request may say a date and a yes to be."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.http.fields import Day, Moment, Past, YesNo

MOMENT, PAST, DAY, YES_NO = TypeAdapter(Moment), TypeAdapter(Past), TypeAdapter(Day), TypeAdapter(YesNo)


@pytest.mark.parametrize("said", ["2026-03-01T10:00:00Z", "2026-03-01T05:00:00-05:00", "2026-03-01T10:00:00.000000Z"])
def test_a_moment_is_a_date_and_time_with_its_zone(said: str) -> None:
    assert MOMENT.validate_python(said) == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("said", [5, 5.0, "5", "0.5", True, None, "", "2026-03-01T10:00:00", "2026-03-01", "now"])
def test_nothing_else_is_a_moment(said: Any) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(said)


def test_what_has_happened_lies_no_further_ahead_than_clocks_differ() -> None:
    now = datetime.now(UTC)
    for minutes in (-60, 0, 4):
        assert PAST.validate_python((now + timedelta(minutes=minutes)).isoformat())
    with pytest.raises(ValidationError, match="not still to come"):
        PAST.validate_python((now + timedelta(minutes=6)).isoformat())


@pytest.mark.parametrize("said", [0, 86400, "86400", 0.0, False, "2026-02-30", "1 March 2026"])
def test_nothing_but_a_date_is_a_day(said: Any) -> None:
    assert DAY.validate_python("2026-03-01") == date(2026, 3, 1)
    with pytest.raises(ValidationError):
        DAY.validate_python(said)


@pytest.mark.parametrize("year", ["0001", "0530", "1899", "2200", "9999"])
def test_a_year_that_nobody_means_is_refused(year: str) -> None:
    for adapter, said in ((MOMENT, f"{year}-06-01T10:00:00Z"), (DAY, f"{year}-06-01")):
        with pytest.raises(ValidationError, match="a year from 1900 to 2199"):
            adapter.validate_python(said)


@pytest.mark.parametrize("said", [0, 1, "true", "yes", 1.0, None])
def test_only_true_and_false_are_an_answer(said: Any) -> None:
    assert YES_NO.validate_python(True) is True
    with pytest.raises(ValidationError):
        YES_NO.validate_python(said)
