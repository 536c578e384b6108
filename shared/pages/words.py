"""Dates, times, ages, numbers and units as people read them. Pure; every time must be aware.

Days are those of the zone that a time carries: turn it to the site's zone first.
"""

from collections.abc import Sequence
from datetime import date, datetime

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LAST_COUNTED_DAY = 99

_UNITS = {
    "ug/g": "µg/g",
    "ug/L": "µg/L",
    "ug/mL": "µg/mL",
    "10*3/uL": "10³/µL",
    "10*9/L": "10⁹/L",
    "10*6/uL": "10⁶/µL",
    "mm/h": "mm/h",
    "{score}": "points",
    "1": "",
}


def on(day: date) -> str:
    """`13 Oct 2026`."""
    return f"{short_on(day)} {day.year}"


def short_on(day: date) -> str:
    """`13 Oct`, where the year is plain from what stands around it."""
    return f"{day.day} {MONTHS[day.month - 1]}"


def clock(time: datetime) -> str:
    """`10:20`, 24 hours, in the zone that the time carries."""
    return f"{time.hour:02d}:{time.minute:02d}"


def ago(day: date, today: date) -> str:
    """`today`, `1 day ago` to `99 days ago`, then the date; likewise `in 3 days` for what is to come."""
    days = (_day(today) - _day(day)).days
    if days == 0:
        return "today"
    if abs(days) > LAST_COUNTED_DAY:
        return f"on {on(day)}"
    return f"{counted(days, 'day')} ago" if days > 0 else f"in {counted(-days, 'day')}"


def number(value: float, decimals: int = 2) -> str:
    """`1,240`, `11.6`, `0.25`: thousands marked, at most `decimals` decimals, no trailing zeros, a true minus."""
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "−")


def unit(ucum: str) -> str:
    """The unit of a UCUM code as it is printed: `ug/g` is `µg/g`. Codes that need no change stay."""
    return _UNITS.get(ucum, ucum)


def counted(count: float, one: str, many: str | None = None) -> str:
    """`1 visit`, `2 visits`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def out_of(value: float, most: float) -> str:
    """`6 of 10`; never `6/10`, which reads as a date."""
    return f"{number(value)} of {number(most)}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _day(day: date) -> date:
    return day.date() if isinstance(day, datetime) else day
