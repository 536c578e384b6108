"""NDJSON: a JSON object a line. What is wrong with one line does not spoil the others."""

from typing import Any

import orjson

from shared.errors import Problem
from shared.http import sound_json

NDJSON = ("application/x-ndjson", "application/ndjson")


def lines_of(body: bytes) -> list[bytes]:
    """The lines that hold something."""
    return [line for line in body.split(b"\n") if line.strip()]


def object_in(line: bytes) -> dict[str, Any]:
    """The object that a line holds.

    Raises:
        Problem: 400, two readers might take it for two things; 422, it is no JSON object.
    """
    sound_json.check(line)
    return an_object(line)


def an_object(text: bytes) -> dict[str, Any]:
    """The object that a text is.

    Raises:
        Problem: 422, it is no JSON object.
    """
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError:
        read = None
    if not isinstance(read, dict):
        raise Problem(422, "invalid", "This is no JSON object.")
    return read
