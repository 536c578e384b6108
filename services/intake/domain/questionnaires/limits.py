"""What limits one answer of an item, as functions that are made once: each says what is wrong, or None."""

import base64
import binascii
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from fhirpathpy.models import models

from services.intake.domain.questionnaires.comparing import order
from services.intake.domain.questionnaires.definition import Bounds, ItemType, Limit, Option, Wrong
from services.intake.domain.questionnaires.issues import Rule
from services.intake.domain.questionnaires.patterns import matcher
from services.intake.domain.questionnaires.units import is_same_unit
from services.intake.domain.questionnaires.values import Coding, Number, Quantity, Value

_SIMPLE = (str, int, float)
_WRITTEN = frozenset({ItemType.STRING, ItemType.TEXT, ItemType.URL, ItemType.OPEN_CHOICE})
_ADDRESS = re.compile(
    r"(?:(?:https?://\S+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}(?:/_history/[A-Za-z0-9.-]{1,64})?"
    r"|urn:uuid:[0-9a-f-]{36}|urn:oid:[0-2](?:\.\d+)+|#[A-Za-z0-9.-]{1,64}|https?://\S+)"
)


def limits_of(kind: ItemType, bounds: Bounds, options: tuple[Option, ...] | None) -> tuple[Limit, ...]:
    """The limits that this item has, in the order in which they are told."""
    limits: list[Limit] = []
    if kind in _WRITTEN:
        limits += _of_words(bounds)
    if kind is ItemType.ATTACHMENT:
        limits.append(_attachment(bounds))
    if kind is ItemType.REFERENCE:
        limits.append(_reference(bounds.reference_types))
    if kind is ItemType.QUANTITY and bounds.units:
        limits.append(_unit(bounds.units))
    if bounds.max_decimal_places is not None:
        limits.append(_precision(bounds.max_decimal_places))
    if bounds.min_value is not None:
        limits.append(_end(bounds.min_value, -1, Rule.TOO_LOW))
    if bounds.max_value is not None:
        limits.append(_end(bounds.max_value, 1, Rule.TOO_HIGH))
    if options is not None:
        limits.append(_offered(options, is_open=kind is ItemType.OPEN_CHOICE))
    return tuple(limits)


def in_words(value: Value) -> str:
    """A limit as it is told to a person."""
    if isinstance(value, Quantity):
        return f"{value.value} {value.unit or value.code or ''}".rstrip()
    return str(value)


def _of_words(bounds: Bounds) -> list[Limit]:
    limits: list[Limit] = []
    shortest, longest = bounds.min_length, bounds.max_length
    if shortest is not None:
        limits.append(lambda value: _when(isinstance(value, str) and len(value) < shortest, Rule.TOO_SHORT, shortest))
    if longest is not None:
        limits.append(lambda value: _when(isinstance(value, str) and len(value) > longest, Rule.TOO_LONG, longest))
    if bounds.pattern is not None:
        try:
            matches = matcher(bounds.pattern)
        except ValueError:  # said of the definition; what cannot be matched limits nothing
            return limits
        limits.append(lambda value: _when(isinstance(value, str) and not matches(value), Rule.OTHER_FORM_OF_WORDS, ""))
    return limits


def _when(is_wrong: bool, rule: Rule, expected: object) -> Wrong:
    return (rule, str(expected)) if is_wrong else None


def _end(bound: Value, beyond: int, rule: Rule) -> Limit:
    wrong = rule, in_words(bound)
    if isinstance(bound, int | float):  # what forms ask most, compared without a detour
        return (
            (lambda value: wrong if value < bound else None)
            if beyond < 0
            else (lambda value: wrong if value > bound else None)
        )

    def limit(value: Value) -> Wrong:
        found = order(value, bound)
        if found is None:
            return (Rule.OTHER_UNIT, wrong[1]) if isinstance(value, Quantity) else wrong
        return wrong if found == beyond else None

    return limit


def _precision(places: int) -> Limit:
    def limit(value: Value) -> Wrong:
        number = value.value if isinstance(value, Quantity) else value
        if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
            return None
        return _when(_places(number) > places, Rule.TOO_PRECISE, places)

    return limit


def _places(number: Number) -> int:
    exponent = Decimal(str(number)).as_tuple().exponent
    # A float does not know how many places it was written with: 2.0 has none.
    if isinstance(number, float) and number.is_integer():
        return 0
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _unit(units: tuple[Coding, ...]) -> Limit:
    allowed = [Quantity(0, unit.display, unit.system, unit.code) for unit in units]
    expected = ", ".join(unit.display or unit.code or "" for unit in units)
    return lambda value: _when(
        isinstance(value, Quantity) and not any(_is_unit(value, unit) for unit in allowed), Rule.WRONG_UNIT, expected
    )


def _is_unit(value: Quantity, unit: Quantity) -> bool:
    # Without a code the words must do: those of the unit or its code.
    return is_same_unit(value, unit) or (value.code is None and value.unit == unit.code)


def _offered(options: tuple[Option, ...], *, is_open: bool) -> Limit:
    codings = [option.value for option in options if isinstance(option.value, Coding)]
    keys = frozenset((coding.system, coding.code or coding.display) for coding in codings)
    others = frozenset(
        (type(option.value), option.value) for option in options if isinstance(option.value, str | int | float)
    )

    def limit(value: Value) -> Wrong:
        if isinstance(value, Coding):
            is_found = (value.system, value.code or value.display) in keys
        else:
            is_found = is_open or (isinstance(value, _SIMPLE) and (type(value), value) in others)
        return None if is_found else (Rule.NOT_OFFERED, "")

    return limit


def _attachment(bounds: Bounds) -> Limit:
    largest, media_types = bounds.max_size, bounds.media_types

    def limit(value: Value) -> Wrong:
        if not isinstance(value, Mapping):
            return None
        size, data = value.get("size"), value.get("data")
        if data:
            try:
                held = len(base64.b64decode(re.sub(r"\s", "", data), validate=True))
            except (binascii.Error, ValueError):
                return Rule.NOT_BASE64, ""
            if size is not None and size != held:
                return Rule.OTHER_SIZE, ""
            size = held
        if largest is not None and size is not None and size > largest:
            return Rule.TOO_LARGE, str(largest)
        if media_types and not any(_is_media(value.get("contentType"), one) for one in media_types):
            return Rule.MEDIA_TYPE, ", ".join(media_types)
        return None

    return limit


def _is_media(found: str | None, allowed: str) -> bool:
    kind = (found or "").partition(";")[0].strip().lower()
    wanted = allowed.lower()
    return kind.startswith(wanted[:-1]) if wanted.endswith("/*") else kind == wanted


def _reference(types: tuple[str, ...]) -> Limit:
    known = resource_types()

    def limit(value: Value) -> Wrong:
        if not isinstance(value, Mapping):
            return None
        address, named = value.get("reference"), value.get("type")
        found = _ADDRESS.fullmatch(address) if address else None
        if address and (found is None or (not address.startswith("http") and found[1] and found[1] not in known)):
            return Rule.NO_ADDRESS, ""
        kind = named or (found[1] if found else None)
        if types and kind and kind not in types:
            return Rule.REFERENCE_TYPE, ", ".join(types)
        return None

    return limit


@cache
def resource_types() -> frozenset[str]:
    """The names of FHIR R4's resources."""
    parents: dict[str, str] = models["r4"]["type2Parent"]
    return frozenset(name for name, parent in parents.items() if parent in ("DomainResource", "Resource"))
