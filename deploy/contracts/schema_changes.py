"""Which differences between two JSON Schemas break somebody.

A difference *narrows* when a value that was valid no longer is, and *widens* when a value that was not valid now is.
What that breaks depends on the use:

    EVENT     both: the log keeps old events for new readers, and old readers meet new events
    REQUEST   narrowing: a caller sends what it always sent
    RESPONSE  widening: a caller meets what it cannot read

Readers ignore fields that they do not know, so a new optional field breaks nobody. A field that goes breaks every use.
The comparison errs on the side of a finding: a keyword that it does not know may not change at all, and `integer` to
`number` counts as another type.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from deploy.contracts.changes import Change, below

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Use:
    """What may happen to a schema without breaking those who use it."""

    may_narrow: bool
    may_widen: bool


EVENT = Use(may_narrow=False, may_widen=False)
REQUEST = Use(may_narrow=False, may_widen=True)
RESPONSE = Use(may_narrow=True, may_widen=False)

_NARROWS, _WIDENS, _BOTH = (True, False), (False, True), (True, True)
_WORDS_ONLY = {"$schema", "$id", "$defs", "title", "description", "examples", "example", "deprecated", "discriminator"}
_NESTING = {"items", "additionalProperties"}
_COMPARED = {"$ref", "anyOf", "oneOf", "type", "enum", "const", "default", "properties", "required"} | _NESTING
_LOWER_BOUNDS = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_UPPER_BOUNDS = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_TYPE_OF = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class _Difference(NamedTuple):
    change: Change
    effect: tuple[bool, bool]


class _At(NamedTuple):
    """A schema and where it stands in its document."""

    schema: Schema
    pointer: str

    @property
    def type(self) -> str:
        values = _values(self.schema)
        if "type" not in self.schema and values:
            return _TYPE_OF[type(values[0])]
        return str(self.schema.get("type", "any"))

    @property
    def label(self) -> tuple[str, object]:
        return self.type, self.schema.get("title") if self.type == "object" else None


def schema_changes(
    old_document: Schema, new_document: Schema, use: Use, *, old_at: str = "", new_at: str = ""
) -> Iterator[Change]:
    """The changes from the schema at `old_at` (a JSON pointer) to the one at `new_at` that break this use."""
    comparison = _Comparison(old_document, new_document)
    old, new = _At(_find(old_document, old_at), old_at), _At(_find(new_document, new_at), new_at)
    for change, (narrows, widens) in comparison.schemas(old, new):
        if (narrows and not use.may_narrow) or (widens and not use.may_widen):
            yield change


class _Comparison:
    """Of two documents; each pair of shared definitions is compared once."""

    def __init__(self, old_document: Schema, new_document: Schema, seen: Iterable[tuple[str, str]] = ()) -> None:
        self._old_document = old_document
        self._new_document = new_document
        self._seen = set(seen)

    def schemas(self, old: _At, new: _At) -> Iterator[_Difference]:
        if "default" in old.schema and "default" in new.schema and old.schema["default"] != new.schema["default"]:
            yield _difference(below(new.pointer, "default"), "the meaning of an absent field changed", _NARROWS)
        if "$ref" in old.schema and "$ref" in new.schema:
            pair = (old.schema["$ref"], new.schema["$ref"])
            if pair in self._seen:
                return
            self._seen.add(pair)
        yield from self._alternatives(_resolved(self._old_document, old), _resolved(self._new_document, new))

    def _alternatives(self, old: _At, new: _At) -> Iterator[_Difference]:
        """Each alternative against its successor: the one with the same name, else one of the same type."""
        before, right = _options(self._old_document, old), _options(self._new_document, new)
        left = list(before)
        for trait in (attrgetter("label"), attrgetter("type")):
            for option in tuple(left):
                successor = next((other for other in right if trait(other) == trait(option)), None)
                if successor is not None:
                    left.remove(option)
                    right.remove(successor)
                    yield from self._keywords(option, successor)
        was_any, is_any = (any(each.type == "any" for each in side) for side in (left, right))
        for option in left if not is_any else ():
            yield _difference(new.pointer, f"{_name(option)} is not allowed any more", _NARROWS)
        for option in right if not was_any else ():
            if not any(self._covers(each, option) for each in before):
                yield _difference(new.pointer, f"{_name(option)} is allowed now", _WIDENS)

    def _covers(self, old: _At, new: _At) -> bool:
        """Whether the old alternative allowed already what the new one does, as an open one beside known kinds does."""
        apart = _Comparison(self._old_document, self._new_document, self._seen)
        return old.type == new.type and not any(widens for _, (_, widens) in apart._keywords(old, new))

    def _keywords(self, old: _At, new: _At) -> Iterator[_Difference]:
        yield from _values_changed(old, new)
        yield from self._properties(old, new)
        yield from self._contents(old, new)
        for keyword in sorted((set(old.schema) | set(new.schema)) - _WORDS_ONLY - _COMPARED):
            before = _expanded(self._old_document, old.schema.get(keyword))
            now = _expanded(self._new_document, new.schema.get(keyword))
            if before != now:
                yield _constraint_changed(below(new.pointer, keyword), keyword, before, now)

    def _properties(self, old: _At, new: _At) -> Iterator[_Difference]:
        before, now = old.schema.get("properties", {}), new.schema.get("properties", {})
        needed_before, needed_now = set(old.schema.get("required", ())), set(new.schema.get("required", ()))
        for name in sorted(set(before) | set(now)):
            at = below(new.pointer, "properties", name)
            if name not in now:
                yield _difference(at, "the field was removed", _BOTH)
            elif name not in before:
                if name in needed_now:
                    yield _difference(at, "a required field was added", _NARROWS)
            else:
                if name in needed_now - needed_before:
                    yield _difference(at, "the field became required", _NARROWS)
                if name in needed_before - needed_now:
                    yield _difference(at, "the field became optional", _WIDENS)
                yield from self.schemas(_At(before[name], below(old.pointer, "properties", name)), _At(now[name], at))

    def _contents(self, old: _At, new: _At) -> Iterator[_Difference]:
        """Items of an array, values of a map, and whether an object may have fields that the schema does not name."""
        for keyword in sorted(_NESTING & (set(old.schema) | set(new.schema))):
            before, now = old.schema.get(keyword, True), new.schema.get(keyword, True)
            at = below(new.pointer, keyword)
            if now is False and before is not False:
                yield _difference(at, "unknown fields are not allowed any more", _NARROWS)
            elif before is not False and now is not False:
                yield from self.schemas(_At(_as_schema(before), below(old.pointer, keyword)), _At(_as_schema(now), at))


def _difference(pointer: str, what: str, effect: tuple[bool, bool]) -> _Difference:
    return _Difference(Change(pointer, what), effect)


def _values_changed(old: _At, new: _At) -> Iterator[_Difference]:
    before, now = _values(old.schema), _values(new.schema)
    at = below(new.pointer, "const" if "const" in new.schema else "enum")
    if before is None and now is not None:
        yield _difference(at, "only listed values are allowed now", _NARROWS)
    elif now is None and before is not None:
        yield _difference(at, "values that are not listed are allowed now", _WIDENS)
    elif before is not None and now is not None:
        for value in before:
            if value not in now:
                yield _difference(at, f"the value {value!r} was removed", _NARROWS)
        for value in now:
            if value not in before:
                yield _difference(at, f"the value {value!r} was added", _WIDENS)


def _constraint_changed(at: str, keyword: str, before: Any, now: Any) -> _Difference:
    if before is None:
        return _difference(at, f"the constraint {now!r} was added", _NARROWS)
    if now is None:
        return _difference(at, f"the constraint {before!r} was removed", _WIDENS)
    effect = _BOTH
    if keyword in _LOWER_BOUNDS | _UPPER_BOUNDS:
        effect = _NARROWS if (now > before) == (keyword in _LOWER_BOUNDS) else _WIDENS
    return _difference(at, f"the constraint changed from {before!r} to {now!r}", effect)


def _values(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _as_schema(schema: Schema | bool) -> Schema:
    return schema if isinstance(schema, Mapping) else {}


def _name(option: _At) -> str:
    title = option.label[1]
    return f"{option.type} {title}" if title else f"type {option.type}"


def _options(document: Schema, at: _At) -> list[_At]:
    """The alternatives of a union, unions inside it too; a plain schema is the one alternative of itself."""
    for keyword in ("anyOf", "oneOf"):
        if keyword in at.schema:
            around = {name: rule for name, rule in at.schema.items() if name not in _WORDS_ONLY | {keyword, "default"}}
            parts = (
                _resolved(document, _At(part, below(at.pointer, keyword, str(number))))
                for number, part in enumerate(at.schema[keyword])
            )
            return [
                option for part in parts for option in _options(document, _At({**around, **part.schema}, part.pointer))
            ]
    types = at.schema.get("type")
    return [_At({**at.schema, "type": each}, at.pointer) for each in types] if isinstance(types, list) else [at]


def _resolved(document: Schema, at: _At) -> _At:
    while "$ref" in at.schema:
        pointer = at.schema["$ref"].removeprefix("#")
        at = _At(_find(document, pointer), pointer)
    return at


def _expanded(document: Schema, value: Any, within: tuple[str, ...] = ()) -> Any:
    """The value with the definitions that it names put in their place."""
    if isinstance(value, list):
        return [_expanded(document, each, within) for each in value]
    if not isinstance(value, Mapping):
        return value
    reference = value.get("$ref")
    if reference is not None and reference not in within:
        return _expanded(document, _find(document, reference.removeprefix("#")), (*within, reference))
    return {name: _expanded(document, each, within) for name, each in value.items()}


def _find(document: Schema, pointer: str) -> Schema:
    found: Any = document
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found[int(name)] if isinstance(found, list) else found[name]
    return dict(found)
