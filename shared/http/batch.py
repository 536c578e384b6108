"""A request body that is one item or many, in which a bad item does not spoil the good ones.

`Batch[Model]` as the type of a route's body: each item is validated by itself and is either a model or the `Problem`
that says what is wrong with it. In OpenAPI it reads as `Model | list[Model]`.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from shared.errors import Problem
from shared.http.problems import invalid

MOST_ITEMS = 1000
T = TypeVar("T", bound=BaseModel)


class Batch(Generic[T]):
    """Items in the order they came; `is_single` when the body was one object."""

    def __init__(self, items: Sequence[T | Problem], *, is_single: bool) -> None:
        self.items = items
        self.is_single = is_single

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
    if not isinstance(value, list):
        return Batch([_item(model, value)], is_single=True)
    if not 1 <= len(value) <= MOST_ITEMS:
        raise ValueError(f"a list of 1 to {MOST_ITEMS} items")
    return Batch([_item(model, item) for item in value], is_single=False)


def _item(model: type[T], value: Any) -> T | Problem:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        return invalid(error.errors(include_input=False, include_url=False, include_context=False))
