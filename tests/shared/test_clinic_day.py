"""The day of a time where nobody knows the site's zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from shared.clinic_day import clinic_day


@pytest.mark.parametrize("zone", ["America/Anchorage", "America/Los_Angeles", "America/New_York", "Europe/Helsinki"])
@pytest.mark.parametrize("month", [1, 7])
@pytest.mark.parametrize("hour", [9, 19])
def test_while_clinics_are_open_it_is_the_sites_own_day(zone: str, month: int, hour: int) -> None:
    assert clinic_day(datetime(2026, month, 14, hour, 30, tzinfo=ZoneInfo(zone))) == date(2026, month, 14)
