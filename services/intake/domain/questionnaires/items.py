"""Reading one item of a Questionnaire, and what is wrong with it as it stands."""

from collections.abc import Mapping
from typing import Any

from services.intake.domain.questionnaires import extensions as known
from services.intake.domain.questionnaires.conditions import OPERATORS, condition
from services.intake.domain.questionnaires.definition import (
    CHOICES,
    Bounds,
    Condition,
    Constraint,
    Expressions,
    Item,
    ItemType,
    Option,
)
from services.intake.domain.questionnaires.extensions import (
    expression_in,
    extension,
    extensions,
    objects_in,
    string_in,
    value_of,
    whole_number,
)
from services.intake.domain.questionnaires.issues import Issue, flaw
from services.intake.domain.questionnaires.limits import limits_of
from services.intake.domain.questionnaires.reading import plain_reader, readers_of
from services.intake.domain.questionnaires.value_sets import Contained, option_of
from services.intake.domain.questionnaires.values import (
    Coding,
    Number,
    Quantity,
    Read,
    Unread,
    Value,
    coding,
    quantity,
    reference,
)
from services.intake.domain.questionnaires.words import Words, words_of

_BOUNDED = frozenset({ItemType.INTEGER, ItemType.DECIMAL, ItemType.DATE, ItemType.DATE_TIME, ItemType.TIME})


class ItemReader:
    """Reads the items of one document and gathers what is wrong with them as `flaws`."""

    def __init__(self, contained: Contained) -> None:
        self._contained = contained
        self.flaws: list[Issue] = []

    def items_of(self, owner: Mapping[str, Any], ancestors: tuple[str, ...] = ()) -> tuple[Item, ...]:
        return tuple(self._item(raw, ancestors) for raw in objects_in(owner, "item"))

    def _item(self, raw: Mapping[str, Any], ancestors: tuple[str, ...]) -> Item:
        link_id = raw["linkId"]
        kind = self._type(raw)
        self.note_other_languages(raw)
        options, away = self._options(raw, kind)
        readers = readers_of(kind, options)
        bounds = self._bounds(raw, kind, readers)
        unit = _one_coding(raw, known.UNIT)
        items = self.items_of(raw, (*ancestors, link_id))
        return Item(
            link_id=link_id,
            type=kind,
            words=words_of(raw, "text") or Words(),
            help_words=_help(items),
            prefix=string_in(raw, "prefix") or "",
            control=_control(raw),
            codes=codings_in(raw),
            required=raw.get("required") is True,
            repeats=raw.get("repeats") is True,
            is_hidden=extension(raw, known.HIDDEN) is True,
            is_read_only=raw.get("readOnly") is True,
            may_be_empty=extension(raw, known.EXPLICIT_SKIP) is False,
            is_from_last=extension(raw, known.FROM_LAST) is True,
            is_extracted=flag(raw, known.OBSERVATION_EXTRACT),
            link_period=_one_quantity(raw, known.OBSERVATION_LINK_PERIOD),
            unit=unit,
            options=options,
            labels=_labels(raw),
            list_away=away,
            bounds=bounds,
            conditions=self._conditions(raw),
            needs_all=raw.get("enableBehavior") == "all",
            initial=self._initial(raw, readers, options),
            expressions=expressions_of(raw),
            items=items,
            ancestors=ancestors,
            readers=readers,
            read_plain=plain_reader(kind, options, unit or (bounds.units[0] if len(bounds.units) == 1 else None)),
            limits=limits_of(kind, bounds, options),
        )

    def note_other_languages(self, owner: Mapping[str, Any]) -> None:
        """Note expressions of an item, or of the form itself, that nobody here understands."""
        whole = [extension(owner, url) for url in _EXPRESSIONS if any(extensions(owner, url))]
        parts = [extension(one, "expression") for one in extensions(owner, known.CONSTRAINT)]
        named = [value_of(one) for one in extensions(owner, known.VARIABLE)]
        if any(expression_in(one) is None for one in (*whole, *parts, *named)):
            self.flaws.append(flaw(string_in(owner, "linkId"), "An expression must be FHIRPath (text/fhirpath)."))

    def _flaw(self, raw: Mapping[str, Any], sentence: str) -> None:
        self.flaws.append(flaw(raw["linkId"], sentence))

    def _type(self, raw: Mapping[str, Any]) -> ItemType:
        try:
            kind = ItemType(raw.get("type", ""))
        except ValueError:
            self._flaw(raw, f"The type of this item must be one of {', '.join(ItemType)}.")
            return ItemType.QUESTION
        if kind is ItemType.QUESTION:
            self._flaw(raw, "The type question is abstract: choose the type of the answer.")
        return kind

    def _options(self, raw: Mapping[str, Any], kind: ItemType) -> tuple[tuple[Option, ...] | None, str | None]:
        offered = objects_in(raw, "answerOption")
        address = string_in(raw, "answerValueSet")
        self._contained.count(len(offered))
        if offered:
            options = [option_of(one, self._contained) for one in offered]
            if None in options:
                self._flaw(raw, "Each answerOption needs a coding, a string, a whole number, a date or a time.")
            return tuple(option for option in options if option is not None), None
        if address is not None:
            listed = self._contained.options_of(address)
            if listed is None:
                self._flaw(raw, f"The value set {address} must be contained in the form, with its codes listed.")
            return listed, address if listed is None else None
        if kind in CHOICES:
            self._flaw(raw, f"An item of type {kind} needs answerOption or answerValueSet.")
        return None, None

    def _bounds(self, raw: Mapping[str, Any], kind: ItemType, readers: Mapping[str, Any]) -> Bounds:
        longest = raw.get("maxLength")
        low, high = (self._end(raw, kind, readers, urls) for urls in (_LOWEST, _HIGHEST))
        size = extension(raw, known.MAX_SIZE)
        return Bounds(
            min_length=whole_number(raw, known.MIN_LENGTH),
            max_length=longest if isinstance(longest, int) and not isinstance(longest, bool) else None,
            min_value=low,
            max_value=high,
            max_decimal_places=whole_number(raw, known.MAX_DECIMAL_PLACES),
            min_occurs=whole_number(raw, known.MIN_OCCURS),
            max_occurs=whole_number(raw, known.MAX_OCCURS),
            pattern=string_in({"regex": extension(raw, known.REGEX)}, "regex"),
            units=self._units(raw),
            max_size=size if isinstance(size, int | float) and not isinstance(size, bool) else None,
            media_types=_strings(raw, known.MIME_TYPE),
            reference_types=_strings(raw, known.REFERENCE_RESOURCE),
        )

    def _end(
        self, raw: Mapping[str, Any], kind: ItemType, readers: Mapping[str, Any], urls: tuple[str, ...]
    ) -> Value | None:
        if not any(extensions(raw, *urls)):
            return None
        found = extension(raw, *urls)
        reads = list(readers.values()) if kind in _BOUNDED or kind is ItemType.QUANTITY else []
        if kind in (ItemType.INTEGER, ItemType.DECIMAL):
            reads = list(readers_of(ItemType.DECIMAL, None).values())
        for read in reads:
            end: Value | Unread = read(found)
            if not isinstance(end, Unread):
                return end
        self._flaw(raw, f"The lowest or highest value of an item of type {kind} must be of its type.")
        return None

    def _units(self, raw: Mapping[str, Any]) -> tuple[Coding, ...]:
        found = [coding(value_of(one)) for one in extensions(raw, known.UNIT_OPTION)]
        address = extension(raw, known.UNIT_VALUE_SET)
        if isinstance(address, str):
            listed = self._contained.options_of(address)
            if listed is None:
                self._flaw(raw, f"The value set {address} must be contained in the form, with its units listed.")
            found += [option.value for option in listed or () if isinstance(option.value, Coding)]
        return tuple(one for one in found if isinstance(one, Coding))

    def _conditions(self, raw: Mapping[str, Any]) -> tuple[Condition, ...]:
        found = []
        for one in objects_in(raw, "enableWhen"):
            operator = one.get("operator")
            expected = _expected(one)
            if operator not in OPERATORS or expected is None:
                self._flaw(raw, f"enableWhen needs an answer, and an operator of {', '.join(OPERATORS)}.")
            elif operator == "exists" and not isinstance(expected, bool):
                self._flaw(raw, "enableWhen with the operator exists needs answerBoolean.")
            else:
                found.append(condition(one["question"], operator, expected))
        if len(found) > 1 and raw.get("enableBehavior") not in ("all", "any"):
            self._flaw(raw, "An item with several enableWhen needs enableBehavior all or any.")
        return tuple(found)

    def _initial(
        self, raw: Mapping[str, Any], readers: Mapping[str, Any], options: tuple[Option, ...] | None
    ) -> tuple[Value, ...]:
        values = []
        for one in objects_in(raw, "initial"):
            key = next((name for name in one if name.startswith("value")), "")
            read = readers.get(key)
            value = Unread.UNREAD if read is None else read(one[key])
            if isinstance(value, Unread):
                self._flaw(raw, "The initial value is not of the type of the item.")
            else:
                values.append(value)
        return tuple(values) or tuple(option.value for option in options or () if option.is_selected)


_EXPECTED: dict[str, Read] = {"answerCoding": coding, "answerQuantity": quantity, "answerReference": reference}
_EXPRESSIONS = (known.ENABLE_WHEN_EXPRESSION, known.CALCULATED_EXPRESSION, known.INITIAL_EXPRESSION)
_LOWEST = (known.MIN_VALUE, known.MIN_QUANTITY)
_HIGHEST = (known.MAX_VALUE, known.MAX_QUANTITY)


def flag(owner: object, url: str) -> bool | None:
    found = extension(owner, url)
    return found if isinstance(found, bool) else None


def codings_in(owner: Mapping[str, Any]) -> tuple[Coding, ...]:
    found = [coding(one) for one in objects_in(owner, "code")]
    return tuple(one for one in found if isinstance(one, Coding))


def expressions_of(owner: Mapping[str, Any]) -> Expressions:
    """What an item, or the form itself, says in FHIRPath."""
    variables = []
    for one in extensions(owner, known.VARIABLE):
        value = value_of(one)
        name = string_in(value, "name") if isinstance(value, Mapping) else None
        expression = expression_in(value)
        if name and expression:
            variables.append((name, expression))
    return Expressions(
        variables=tuple(variables),
        enabled=expression_in(extension(owner, known.ENABLE_WHEN_EXPRESSION)),
        calculated=expression_in(extension(owner, known.CALCULATED_EXPRESSION)),
        initial=expression_in(extension(owner, known.INITIAL_EXPRESSION)),
        constraints=tuple(
            Constraint(
                key=str(extension(one, "key") or ""),
                expression=expression,
                human=str(extension(one, "human") or "The answers do not fit together."),
                is_error=extension(one, "severity") != "warning",
            )
            for one in extensions(owner, known.CONSTRAINT)
            if (expression := expression_in(extension(one, "expression")))
        ),
    )


def _expected(raw: Mapping[str, Any]) -> Value | None:
    """What an `enableWhen` compares with: its `answer[x]`."""
    key = next((name for name in raw if name.startswith("answer")), "")
    value = raw.get(key)
    found = _EXPECTED[key](value) if key in _EXPECTED else value
    return found if isinstance(found, bool | int | float | str | Coding | Quantity | Mapping) else None


def _help(items: tuple[Item, ...]) -> Words:
    return next((item.words for item in items if item.type is ItemType.DISPLAY and item.control == "help"), Words())


def _labels(raw: Mapping[str, Any]) -> dict[Number, Words]:
    labels = dict[Number, Words]()
    for one in extensions(raw, known.LABELLED_VALUE):
        step = value_of(one)
        words = words_of(step, "display") if isinstance(step, Mapping) else None
        code = string_in(step, "code") if isinstance(step, Mapping) else None
        if words is not None and code is not None and code.isdecimal():
            labels[int(code)] = words
    return labels


def _control(raw: Mapping[str, Any]) -> str | None:
    found = extension(raw, known.ITEM_CONTROL)
    return next((code for one in objects_in(found, "coding") if (code := string_in(one, "code"))), None)


def _one_coding(raw: Mapping[str, Any], url: str) -> Coding | None:
    found = coding(extension(raw, url))
    return found if isinstance(found, Coding) else None


def _one_quantity(raw: Mapping[str, Any], url: str) -> Quantity | None:
    found = quantity(extension(raw, url))
    return found if isinstance(found, Quantity) else None


def _strings(raw: Mapping[str, Any], url: str) -> tuple[str, ...]:
    found = [value_of(one) for one in extensions(raw, url)]
    return tuple(one for one in found if isinstance(one, str))
