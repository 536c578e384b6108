"""JSON that means one thing to whoever reads it (I-JSON, RFC 7493), looked at before anything else reads it.

Refused with 400: what nests deeper than 16, a name that comes twice in an object, `NaN` and `Infinity`, text with a NUL
or half a surrogate pair (no database stores it), anything but UTF-8. What is no JSON at all is for the route to refuse.
"""

import json
import re
from itertools import accumulate
from typing import Any, NoReturn

from shared.errors import Problem

# Where in a request's state the edge leaves what its body says.
READ_BODY = "json"
_DEEPEST = 16
_ALL_BUT_MARKS = bytes(set(range(256)) - set(b'[]{}"'))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_UNSTORABLE_ESCAPE = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


def is_json(media_type: str) -> bool:
    """Whether a body that says to be this is JSON."""
    main, _, sub = media_type.partition("/")
    return main == "application" and "/" not in sub and (sub == "json" or sub.endswith("+json"))


def check(body: bytes) -> Any:
    """Look at a body that says to be JSON, and what it says; None for what is no JSON at all.

    Raises:
        Problem: 400, two readers might take it for two things, or break on it.
    """
    if _depth(body) > _DEEPEST:
        raise _unsound(f"It is nested deeper than {_DEEPEST}.")
    try:
        read = _DECODER.decode(body.decode())
    except json.JSONDecodeError:
        return None
    except (UnicodeDecodeError, ValueError):
        raise _unsound("It is not UTF-8, or a number is too long.") from None
    if _UNSTORABLE_ESCAPE.search(body) and not _is_storable(read):
        raise _unsound("A text holds a NUL or half a surrogate pair.")
    return read


def _depth(body: bytes) -> int:
    """How deep it nests; a bound above that where it is cheaper to know and low enough."""
    opened = body.count(b"[") + body.count(b"{")
    if opened <= _DEEPEST:
        return opened
    marks = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _ALL_BUT_MARKS)
    brackets = b"".join(marks.split(b'"')[::2])  # every other part is within a text
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(members)
    if len(made) != len(members):
        raise _unsound("A name comes twice in an object.")
    return made


def _refuse_constant(_name: str) -> NoReturn:
    raise _unsound("NaN and Infinity are no numbers.")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def _is_storable(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(map(_is_storable, value)) and all(map(_is_storable, value.values()))
    return all(map(_is_storable, value)) if isinstance(value, list) else True


def _unsound(why: str) -> Problem:
    return Problem(400, "unsound-json", f"The body cannot be taken. {why}")
