"""How the answers of each type of item are read: out of FHIR's `value[x]`, and out of plain JSON."""

from collections.abc import Mapping

from services.intake.domain.questionnaires import values
from services.intake.domain.questionnaires.definition import CHOICES, ItemType, Option
from services.intake.domain.questionnaires.values import UNREAD, Coding, Quantity, Read, Unread, Value

_READERS: dict[ItemType, tuple[str, Read]] = {
    ItemType.BOOLEAN: ("valueBoolean", values.boolean),
    ItemType.DECIMAL: ("valueDecimal", values.decimal),
    ItemType.INTEGER: ("valueInteger", values.integer),
    ItemType.DATE: ("valueDate", values.day),
    ItemType.DATE_TIME: ("valueDateTime", values.moment),
    ItemType.TIME: ("valueTime", values.clock),
    ItemType.STRING: ("valueString", values.text),
    ItemType.TEXT: ("valueString", values.text),
    ItemType.URL: ("valueUri", values.url),
    ItemType.CHOICE: ("valueCoding", values.coding),
    ItemType.OPEN_CHOICE: ("valueCoding", values.coding),
    ItemType.ATTACHMENT: ("valueAttachment", values.attachment),
    ItemType.REFERENCE: ("valueReference", values.reference),
    ItemType.QUANTITY: ("valueQuantity", values.quantity),
}
# Options may be of other types than codings; which one a string is, the answer says.
_OPTION_READERS: dict[str, Read] = {
    "valueInteger": values.integer,
    "valueDate": values.day,
    "valueTime": values.clock,
    "valueString": values.text,
}
# As tuples: `Coding | Quantity` would be made anew for each answer that it is asked of.
_OBJECTS = (Coding, Quantity)
_PLAIN: dict[ItemType, Read] = {
    ItemType.INTEGER: values.whole,
    ItemType.TIME: values.short_clock,
}


def readers_of(kind: ItemType, options: tuple[Option, ...] | None) -> Mapping[str, Read]:
    """By the name of the `value[x]` that the item takes."""
    if kind not in _READERS:
        return {}
    name, read = _READERS[kind]
    readers = {name: read}
    if kind is ItemType.OPEN_CHOICE:
        readers["valueString"] = values.text
    if kind in CHOICES and any(not isinstance(option.value, Coding) for option in options or ()):
        readers.update(_OPTION_READERS)
    return readers


def plain_reader(kind: ItemType, options: tuple[Option, ...] | None, unit: Coding | None) -> Read:
    """How a plain answer is read: a choice by the code of its option, a quantity with one unit by its number."""
    if kind in CHOICES:
        return _choice(kind, options)
    if kind is ItemType.QUANTITY and unit is not None:
        return _measured(unit)
    return _PLAIN.get(kind) or (_READERS[kind][1] if kind in _READERS else lambda _: UNREAD)


def json_of(value: Value) -> object:
    """A value as it stands in FHIR."""
    return value.json() if isinstance(value, _OBJECTS) else value


def name_of(kind: ItemType, value: Value) -> str:
    """The `value[x]` of an answer to an item of this type."""
    if kind in CHOICES and not isinstance(value, Coding):
        return "valueInteger" if isinstance(value, int) else "valueString"
    return _READERS[kind][0]


def plain_of(value: Value) -> object:
    """A value as plain JSON says it; a coding by its code."""
    if isinstance(value, Coding):
        return value.code or value.display
    return json_of(value)


def _choice(kind: ItemType, options: tuple[Option, ...] | None) -> Read:
    by_code: dict[object, Value] = {option.code: option.value for option in options or ()}
    whole = frozenset(option.value for option in options or () if isinstance(option.value, int))

    def read(raw: object) -> Value | Unread:
        if isinstance(raw, str):
            found = by_code.get(raw)
            if found is not None:
                return found
            said = values.text(raw)
            # What is not offered is said to be so, not to be of the wrong type.
            return said if kind is ItemType.OPEN_CHOICE or isinstance(said, Unread) else Coding(None, said)
        if isinstance(raw, int) and not isinstance(raw, bool) and whole:
            return raw
        return values.coding(raw)

    return read


def _measured(unit: Coding) -> Read:
    def read(raw: object) -> Value | Unread:
        number = values.decimal(raw)
        if isinstance(number, Unread):
            return values.quantity(raw)
        return Quantity(number, unit.display or unit.code, unit.system, unit.code)

    return read
