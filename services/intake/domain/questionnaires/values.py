"""Values of answers: what each type of FHIR takes, as Python values that compare.

    boolean bool    integer int    decimal int, float or Decimal    string, text, url, date, dateTime, time str
    choice Coding    quantity Quantity    attachment, reference the JSON object as it came

`UNREAD` stands for what is not of the type.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

Number = int | float | Decimal


class Unread(Enum):
    """The one value that is no value."""

    UNREAD = "unread"


UNREAD = Unread.UNREAD


class Coding(NamedTuple):
    """A code of a system. Two are the same whatever words they are displayed with: compare by `same`."""

    system: str | None
    code: str | None
    display: str | None = None

    @property
    def key(self) -> tuple[str | None, str | None]:
        return self.system, self.code

    def same(self, other: "Coding") -> bool:
        """A coding that names no system is one of any system; one without a code is known by its words."""
        if self.code is None or other.code is None:
            return self.code is other.code and self.display == other.display
        return self.code == other.code and (self.system == other.system or not self.system or not other.system)

    def json(self) -> dict[str, str]:
        return {name: part for name, part in zip(self._fields, self, strict=True) if part is not None}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit; the unit is `code` of `system` where coded, else the words of `unit`."""

    value: Number
    unit: str | None = None
    system: str | None = None
    code: str | None = None
    comparator: str | None = None

    def json(self) -> dict[str, Any]:
        parts = {name: getattr(self, name) for name in ("value", "comparator", "unit", "system", "code")}
        return {name: part for name, part in parts.items() if part is not None}


Value = bool | Number | str | Coding | Quantity | Mapping[str, Any]
Read = Callable[[object], Value | Unread]

# What FHIR keeps out of a string; PostgreSQL takes no NUL either, nor a half of a surrogate pair.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}T(\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)", re.ASCII
)
_TIME = re.compile(r"\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?", re.ASCII)
_SHORT_TIME = re.compile(r"\d{2}:\d{2}", re.ASCII)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_COMPARATORS = ("<", "<=", ">=", ">", "ad")
_LARGEST = 2**31 - 1
_NUMBERS = (int, float, Decimal)


def boolean(raw: object) -> bool | Unread:
    return raw if isinstance(raw, bool) else UNREAD


def integer(raw: object) -> int | Unread:
    """A whole number of 32 bits; true and false are none."""
    if not isinstance(raw, int) or isinstance(raw, bool):
        return UNREAD
    return raw if -_LARGEST - 1 <= raw <= _LARGEST else UNREAD


def whole(raw: object) -> int | Unread:
    """An integer as a form or a spreadsheet writes one: 3.0 is whole."""
    return integer(int(raw) if isinstance(raw, float) and raw.is_integer() else raw)


def decimal(raw: object) -> Number | Unread:
    """A finite number; true and false are none."""
    if isinstance(raw, bool) or not isinstance(raw, _NUMBERS):
        return UNREAD
    try:
        return raw if math.isfinite(raw) else UNREAD
    except OverflowError:
        return UNREAD


def text(raw: object) -> str | Unread:
    """Some words: neither nothing nor blanks only."""
    return raw if isinstance(raw, str) and raw and not raw.isspace() and not _CONTROLS.search(raw) else UNREAD


def url(raw: object) -> str | Unread:
    return raw if isinstance(raw, str) and _URL.fullmatch(raw) and not _CONTROLS.search(raw) else UNREAD


def day(raw: object) -> str | Unread:
    """A date, or only its month or year."""
    return raw if isinstance(raw, str) and _days(raw) else UNREAD


def moment(raw: object) -> str | Unread:
    """A date, or a date with a time of day and its offset from UTC."""
    return raw if isinstance(raw, str) and moments(raw) else UNREAD


def clock(raw: object) -> str | Unread:
    """A time of day with its seconds."""
    return raw if isinstance(raw, str) and _TIME.fullmatch(raw) and _is_clock(raw) else UNREAD


def short_clock(raw: object) -> str | Unread:
    """A time of day; the seconds may be left out, as browsers do."""
    return clock(f"{raw}:00" if isinstance(raw, str) and _SHORT_TIME.fullmatch(raw) else raw)


def coding(raw: object) -> Coding | Unread:
    """A coding with at least a code or its words."""
    words = _words(raw, Coding._fields)
    if not words or not ("code" in words or "display" in words):
        return UNREAD
    return Coding(words.get("system"), words.get("code"), words.get("display"))


def quantity(raw: object) -> Quantity | Unread:
    """A quantity with a value."""
    if not isinstance(raw, Mapping):
        return UNREAD
    number = decimal(raw.get("value"))
    words = {name: raw.get(name) for name in ("unit", "system", "code", "comparator")}
    if isinstance(number, Unread) or not all(part is None or isinstance(part, str) for part in words.values()):
        return UNREAD
    if words["comparator"] not in (None, *_COMPARATORS) or any(_CONTROLS.search(part or "") for part in words.values()):
        return UNREAD
    return Quantity(number, **words)


def attachment(raw: object) -> Mapping[str, Any] | Unread:
    """An attachment that has its content or says where it is, with the parts that FHIR gives it and no others."""
    words = _words(raw, ("contentType", "language", "data", "url", "hash", "title", "creation"))
    if words is None or not isinstance(raw, Mapping) or not (words.get("data") or words.get("url")):
        return UNREAD
    size = raw.get("size")
    if size is None:
        return words
    return UNREAD if isinstance(size, bool) or not isinstance(size, int) or size < 0 else {**words, "size": size}


def reference(raw: object) -> Mapping[str, Any] | Unread:
    """A reference that says to what: by address, by identifier or in words."""
    words = _words(raw, ("reference", "type", "display"))
    if words is None or not isinstance(raw, Mapping):
        return UNREAD
    identifier = _words(raw.get("identifier", {}), ("system", "value"))
    if identifier is None or not (identifier or words.get("reference") or words.get("display")):
        return UNREAD
    return {**words, "identifier": identifier} if identifier else words


def _words(raw: object, names: tuple[str, ...]) -> dict[str, str] | None:
    """Those of the parts that are there; None when one of them is no text, or an empty one."""
    if not isinstance(raw, dict):
        return None
    found = {}
    for name in names:
        if name in raw:
            part = raw[name]
            if not isinstance(part, str) or not part or _CONTROLS.search(part):
                return None
            found[name] = part
    return found


def moments(raw: str) -> tuple[datetime, datetime] | None:
    """The first and the last instant that a date or dateTime can mean, in UTC; None when it is neither.

    A date without a time is one of UTC, as no other zone is known.
    """
    timed = _DATE_TIME.fullmatch(raw)
    if timed is None:
        return _days(raw)
    try:
        # Python takes six digits of a second, FHIR any number of them.
        exact = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", raw)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return exact, exact


def _days(raw: str) -> tuple[datetime, datetime] | None:
    parts = _DATE.fullmatch(raw)
    if parts is None:
        return None
    year, month, of_month = (int(part) if part else None for part in parts.groups())
    try:
        first = date(year or 0, month or 1, of_month or 1)
        if of_month is not None:
            last = first
        elif month is not None:
            last = date(first.year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        else:
            last = date(first.year, 12, 31)
    except (ValueError, OverflowError):
        return None
    return datetime.combine(first, time.min, UTC), datetime.combine(last, time.max, UTC)


def _is_clock(raw: str) -> bool:
    try:
        time.fromisoformat(raw[:8])
    except ValueError:
        return False
    return True
