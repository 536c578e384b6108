"""What of a row can be kept and read again: JSON nests as little as in a request, and holds text and numbers."""

from typing import Any

import orjson

_DEEPEST = 16


def can_be_kept(value: Any) -> bool:
    """Whether a value is nested at most 16 deep, with no number beyond 64 bits and no half of a surrogate pair."""
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        if depth > _DEEPEST:
            return False
        level = [part for one in level for part in (one.values() if isinstance(one, dict) else one)]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True
