"""A request body that is one item or many, in which a bad item does not spoil the good ones.

`Batch[Model]` as the type of a route's body: each item is validated by itself and is either a model or the `Problem`
that says what is wrong with it. In OpenAPI it reads as `Model | list[Model]`, and as `Model` a line of NDJSON.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from shared.errors import Problem
from shared.http.ndjson import lines_of, object_in
from shared.http.problems import invalid

MOST_ITEMS = 1000
T = TypeVar("T", bound=BaseModel)


class Batch(Generic[T]):
    """Items in the order they came; `is_single` when the body was one object, `is_lines` when it was no JSON."""

    def __init__(self, items: Sequence[T | Problem], *, is_single: bool, is_lines: bool = False) -> None:
        self.items = items
        self.is_single = is_single
        self.is_lines = is_lines

    @property
    def valid(self) -> list[T]:
        return [item for item in self.items if not isinstance(item, Problem)]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        (model,) = get_args(source)
        one = handler.generate_schema(model)
        many = core_schema.list_schema(one, min_length=1, max_length=MOST_ITEMS)
        return core_schema.no_info_plain_validator_function(
            lambda value: _read(model, value), json_schema_input_schema=core_schema.union_schema([one, many])
        )


def _read(model: type[T], value: Any) -> Batch[T]:
    """The items of a body; FastAPI hands one that does not say to be JSON on as bytes."""
    if isinstance(value, bytes):
        return Batch([_line(model, line) for line in _bounded(lines_of(value))], is_single=False, is_lines=True)
    if isinstance(value, list):
        return Batch([_item(model, item) for item in _bounded(value)], is_single=False)
    return Batch([_item(model, value)], is_single=True)


def _bounded(items: list[Any]) -> list[Any]:
    if not 1 <= len(items) <= MOST_ITEMS:
        raise ValueError(f"1 to {MOST_ITEMS} items")
    return items


def _line(model: type[T], line: bytes) -> T | Problem:
    try:
        return _item(model, object_in(line))
    except Problem as problem:
        return problem


def _item(model: type[T], value: Any) -> T | Problem:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        return invalid(error.errors(include_input=False, include_url=False, include_context=False))
