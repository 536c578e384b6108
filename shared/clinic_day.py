"""The day of a time where nobody knows the site's zone."""

from datetime import UTC, date, datetime, timedelta

_BEHIND_UTC = timedelta(hours=6)


def clinic_day(at: datetime) -> date:
    """Six hours behind UTC, which from Alaska to Finland is the site's own day while clinics are open."""
    return (at.astimezone(UTC) - _BEHIND_UTC).date()
