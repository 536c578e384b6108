"""Dates, times, ages, numbers and units as people read them, in their language. Pure; every time must be aware.

Numbers have one form in all languages. Days are those of the zone that a time carries: turn it to the site's zone
first.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime

from shared.events import Language
from shared.speech import Noun, Said

MONTHS = (
    *(Said("Jan", "ene"), Said("Feb", "feb"), Said("Mar", "mar"), Said("Apr", "abr"), Said("May", "may")),
    *(Said("Jun", "jun"), Said("Jul", "jul"), Said("Aug", "ago"), Said("Sep", "sep"), Said("Oct", "oct")),
    *(Said("Nov", "nov"), Said("Dec", "dic")),
)
WEEKDAYS = (
    *(Said("Mon", "lun"), Said("Tue", "mar"), Said("Wed", "mié"), Said("Thu", "jue")),
    *(Said("Fri", "vie"), Said("Sat", "sáb"), Said("Sun", "dom")),
)
DAYS = Noun(Said("day", "día"), Said("days", "días"))
LAST_COUNTED_DAY = 99

_TODAY = Said("today", "hoy")
_ON = Said("on {}", "el {}")
_AGO = Said("{} ago", "hace {}")
_IN = Said("in {}", "en {}")
_POINTS = Said("points", "puntos")
_OF = Said("of", "de")
_AND = Said("and", "y")
_SOUNDS_LIKE_Y = re.compile(r"h?[ií](?!e)", re.IGNORECASE)

_UNITS = {
    "ug/g": "µg/g",
    "ug/L": "µg/L",
    "ug/mL": "µg/mL",
    "10*3/uL": "10³/µL",
    "10*9/L": "10⁹/L",
    "10*6/uL": "10⁶/µL",
    "mm/h": "mm/h",
    "1": "",
}


def on(day: date, language: Language = Language.ENGLISH) -> str:
    """`13 Oct 2026`."""
    return f"{short_on(day, language)} {day.year}"


def short_on(day: date, language: Language = Language.ENGLISH) -> str:
    """`13 Oct`, where the year is plain from what stands around it."""
    return f"{day.day} {MONTHS[day.month - 1].said_in(language)}"


def clock(time: datetime) -> str:
    """`10:20`, 24 hours, in the zone that the time carries."""
    return f"{time.hour:02d}:{time.minute:02d}"


def ago(day: date, today: date, language: Language = Language.ENGLISH) -> str:
    """`today`, `1 day ago` to `99 days ago`, then the date; likewise `in 3 days` for what is to come."""
    days = (_day(today) - _day(day)).days
    if days == 0:
        return _TODAY.said_in(language)
    if abs(days) > LAST_COUNTED_DAY:
        return _ON.said_in(language).format(on(day, language))
    return (_AGO if days > 0 else _IN).said_in(language).format(counted_in(language, abs(days), DAYS))


def number(value: float, decimals: int = 2) -> str:
    """`1,240`, `11.6`, `0.25`: thousands marked, at most `decimals` decimals, no trailing zeros, a true minus."""
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "−")


def unit(ucum: str, language: Language = Language.ENGLISH) -> str:
    """The unit of a UCUM code as it is printed: `ug/g` is `µg/g`. Codes that need no change stay."""
    return _POINTS.said_in(language) if ucum == "{score}" else _UNITS.get(ucum, ucum)


def counted(count: float, one: str, many: str | None = None) -> str:
    """`1 visit`, `2 visits`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def counted_in(language: Language, count: float, noun: Noun) -> str:
    """`1 visit` or `1 visita`, `2 visits` or `2 visitas`."""
    return f"{number(count)} {(noun.one if count == 1 else noun.many).said_in(language)}"


def out_of(value: float, most: float, language: Language = Language.ENGLISH) -> str:
    """`6 of 10`; never `6/10`, which reads as a date."""
    return f"{number(value)} {_OF.said_in(language)} {number(most)}"


def listed(parts: Sequence[str], language: Language = Language.ENGLISH) -> str:
    """`a`, `a and b`, `a, b and c`; the Spanish `y` is `e` before its own sound."""
    if len(parts) < 2:
        return "".join(parts)
    last = parts[-1]
    joined = "e" if language is Language.SPANISH and _SOUNDS_LIKE_Y.match(last) else _AND.said_in(language)
    return f"{', '.join(parts[:-1])} {joined} {last}"


def dialled(line: str) -> str:
    """A number as a telephone dials it."""
    return "".join(sign for sign in line if sign.isdigit() or sign == "+")


def _day(day: date) -> date:
    return day.date() if isinstance(day, datetime) else day
