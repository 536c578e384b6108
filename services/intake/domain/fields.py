"""What the fields of a survey's page say, by their names.

    concern_1_words   a text, a number, a code, `true` or `false`; `~prefer-not-to-say` skips the question
    +missed_doses     the number where `missed_doses` is `+`: more than the buttons offer
    ~matters_most     the reason for skipping a question that is answered by typing
    @weight           the unit of `weight`, where there are several
    allergies[2]      one of the answers to a question that repeats, or to a question of the second of the groups
    -                 `meals[2]`: the second of these groups is taken away
    !matters_most     when it was answered, in milliseconds since 1970; `!` alone: when the page was made
    =                 the visit that the page is of

What repeats has a field of its own name besides, which says nothing: so it is known that it was asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.intake.domain.questionnaires import Coding, Issue, Item, ItemType, Option, fault_of
from shared.events import SkipReason

SKIP, MORE, UNIT, LESS, AT, VISIT = "~", "+", "@", "-", "!", "="
MOST_ROWS = 50
SKIPPED = "skipped"  # where the plain answers of one of several groups hold its reasons
NUMBERS = (ItemType.INTEGER, ItemType.DECIMAL)
_REASONS = {str(reason): reason for reason in SkipReason}


@dataclass(frozen=True, slots=True)
class Field:
    """What was sent for a question, or for a group that repeats: a plain answer, or the reason for having none.

    By the names of fields: `wrong`, one answer of several that cannot be taken; `typed`, what stood in them.
    """

    answer: Any = None
    reason: SkipReason | None = None
    wrong: Mapping[str, Issue] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        return self.answer is None and self.reason is None


def numbered(name: str, number: int) -> str:
    """The name of one of several."""
    return f"{name}[{number}]"


def is_sent(item: Item, fields: Mapping[str, str]) -> bool:
    """Whether a form has fields of this item."""
    return item.link_id in fields or SKIP + item.link_id in fields


def read_fields(item: Item, fields: Mapping[str, str]) -> Field:
    """What a form says of an item. What is left blank among several is left out, and the others are numbered anew."""
    if item.is_group:
        return _groups(item, fields)
    if item.repeats:
        return _ticked(item, fields) if item.options else _several(item, fields)
    return _one(item, fields, item.link_id)


def given_at(item: Item, fields: Mapping[str, str], now: datetime) -> datetime:
    """When what a form says of an item was given: when it was sent, where that is not said.

    A blank is as old as its page: nobody has taken away what they were not shown.
    """
    told = fields.get(AT + item.link_id) or (fields.get(AT) if read_fields(item, fields).is_blank else None)
    try:
        return now if told is None else min(now, datetime.fromtimestamp(int(told) / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return now


def milliseconds(at: datetime) -> int:
    """A time as the forms say it."""
    return int(at.timestamp() * 1000)


def steps(item: Item) -> Sequence[Option | int] | None:
    """What a question offers to press: options, or the numbers of a short scale; None where it is typed."""
    if item.options:
        return item.options
    low, high = item.bounds.min_value, item.bounds.max_value
    is_scale = item.type in NUMBERS and not item.repeats
    if is_scale and isinstance(low, int | float) and isinstance(high, int | float):
        return range(int(low), min(int(high), int(low) + 10) + 1)
    return None


def units_of(item: Item) -> Mapping[str, Coding]:
    """The units in which a quantity is given, by what a form names each."""
    units = item.bounds.units or ((item.unit,) if item.unit else ())
    return {unit.code or unit.display or "": unit for unit in units}


def _one(item: Item, fields: Mapping[str, str], name: str, called: str | None = None) -> Field:
    """What was typed counts before a reason. `called`: the name under which it is told."""
    text = fields.get(name, "").strip()
    reason = _REASONS.get(fields.get(SKIP + name, ""))
    # What people type may begin with any sign.
    if text.startswith(SKIP) and not item.is_typed:
        return Field(reason=_REASONS.get(text.removeprefix(SKIP)))
    if text == MORE and not item.is_typed:
        text, reason = fields.get(MORE + name, "").strip(), None
    if not text:
        return Field(reason=reason)
    called, unit = called or name, fields.get(UNIT + name, "")
    return Field(_value(item, text, unit), typed={called: text, UNIT + called: unit})


def _several(item: Item, fields: Mapping[str, str]) -> Field:
    answers, wrong, typed = list[Any](), dict[str, Issue](), dict[str, str]()
    for number in range(1, MOST_ROWS + 1):
        called = numbered(item.link_id, len(answers) + 1)
        one = _one(item, fields, numbered(item.link_id, number), called)
        if one.answer is not None:
            answers.append(one.answer)
            typed |= one.typed
            if fault := fault_of(item, one.answer):
                wrong[called] = fault
    return Field(answers or None, _REASONS.get(fields.get(SKIP + item.link_id, "")), wrong, typed)


def _ticked(item: Item, fields: Mapping[str, str]) -> Field:
    names = (numbered(item.link_id, number) for number, _ in enumerate(item.options or (), start=1))
    typed = {name: fields[name] for name in names if fields.get(name)}
    answers = [_value(item, code) for code in typed.values()]
    return Field(answers or None, _REASONS.get(fields.get(SKIP + item.link_id, "")), typed=typed)


def _groups(group: Item, fields: Mapping[str, str]) -> Field:
    """Each group with what could be taken of it: also with nothing, where something was typed."""
    rows, wrong, typed = list[dict[str, Any]](), dict[str, Issue](), dict[str, str]()
    for number in _numbers(group, fields):
        row, reasons = dict[str, Any](), dict[str, SkipReason]()
        sent = [(item, *_cell(item, fields, number, len(rows) + 1)) for item in group.items if item.is_asked]
        for item, called, one in sent:
            fault = None if one.answer is None else fault_of(item, one.answer)
            if fault is not None:
                wrong[called] = fault
                typed |= one.typed
            elif one.answer is not None:
                row[item.link_id] = one.answer
            elif one.reason is not None:
                reasons[item.link_id] = one.reason
        if not all(one.is_blank for _, _, one in sent):
            rows.append({**row, SKIPPED: reasons} if reasons else row)
    return Field(rows or None, wrong=wrong, typed=typed)


def _numbers(group: Item, fields: Mapping[str, str]) -> Iterator[int]:
    return (number for number in range(1, MOST_ROWS + 1) if fields.get(LESS) != numbered(group.link_id, number))


def _cell(item: Item, fields: Mapping[str, str], number: int, told_as: int) -> tuple[str, Field]:
    called = numbered(item.link_id, told_as)
    return called, _one(item, fields, numbered(item.link_id, number), called)


def _value(item: Item, text: str, unit: str = "") -> Any:
    """The plain answer that a text stands for: as it is when it stands for none, so that the check says so."""
    if item.type is ItemType.BOOLEAN:
        return {"true": True, "false": False}.get(text, text)
    if item.type is ItemType.QUANTITY:
        return {"value": _number(text), **_measure(item, unit)}
    return _number(text) if item.type in NUMBERS else text


def _measure(item: Item, named: str) -> dict[str, str]:
    """The parts of a quantity that say its unit; none where one must be chosen and was not."""
    units = units_of(item)
    unit = next(iter(units.values())) if len(units) == 1 else units.get(named)
    if unit is None:
        return {}
    parts = {"unit": unit.display or unit.code, "system": unit.system, "code": unit.code}
    return {name: part for name, part in parts.items() if part is not None}


def _number(text: str) -> float | str:
    """As people write it: `2`, `2.5`, `2,5`."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
