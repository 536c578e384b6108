"""FHIR resources out of a body: one, a Bundle of them, or NDJSON. What is wrong with one does not spoil the others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from fastapi import Request

from services.intake.domain import Resource, numbers_in
from shared.errors import Problem
from shared.http.batch import MOST_ITEMS
from shared.http.media import media_type_of
from shared.http.ndjson import NDJSON, an_object, lines_of, object_in

_LINES = ("application/fhir+ndjson", *NDJSON)
JSON = ("application/json", "application/fhir+json")
T = TypeVar("T")
ReadOne = Callable[[Resource, Mapping[str, str]], T]
"""Reads a resource; the mapping has the site's own numbers of the patients that came along, by reference."""


class Resources(Generic[T]):
    """What a body holds: what was read, or what is wrong, by item."""

    def __init__(self, items: Sequence[T | Problem], *, is_single: bool) -> None:
        if not 1 <= len(items) <= MOST_ITEMS:
            raise Problem(422, "invalid", f"Send 1 to {MOST_ITEMS} resources at once.")
        self.items = items
        self.is_single = is_single


async def resources_of(request: Request, kinds: Sequence[str], read: ReadOne[T]) -> Resources[T]:
    """What `read` makes of the resources of these kinds. Others in a Bundle are passed over.

    Raises:
        Problem: 422, the body is no JSON object, or holds none or too many.
    """
    body = await request.body()
    if media_type_of(request) in _LINES:
        return Resources([_line(line, read) for line in lines_of(body)], is_single=False)
    whole = an_object(body)
    if whole.get("resourceType") != "Bundle":
        return Resources([_read(whole, {}, read)], is_single=True)
    entries = whole.get("entry")
    entries = entries if isinstance(entries, list) else []
    resources = [entry["resource"] for entry in entries if isinstance(entry, dict) and _has_resource(entry)]
    numbers = numbers_in(resources)
    return Resources(
        [_read(one, numbers, read) for one in resources if one.get("resourceType") in kinds], is_single=False
    )


def body_of(kinds: Sequence[str], what: str) -> dict[str, Any]:
    """The body of such a route, for its OpenAPI document."""
    schema = {
        "type": "object",
        "description": f"A FHIR R4 {what}, or Bundle of these; in NDJSON one resource a line",
        "required": ["resourceType"],
        "properties": {"resourceType": {"enum": [*kinds, "Bundle"]}, "status": {"type": "string", "maxLength": 40}},
    }
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in (*JSON, *_LINES)}}}


def _line(line: bytes, read: ReadOne[T]) -> T | Problem:
    try:
        return read(object_in(line), {})
    except Problem as problem:
        return problem


def _read(resource: Resource, numbers: Mapping[str, str], read: ReadOne[T]) -> T | Problem:
    try:
        return read(resource, numbers)
    except Problem as problem:
        return problem


def _has_resource(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("resource"), dict)
