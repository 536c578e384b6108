"""Patterns that a form asks answers to match.

They come from whoever wrote the form and meet whatever a person types, so they run in an engine that never goes back:
the time is linear in the text, and what would need more (looking around, naming an earlier group) is refused when the
form comes in, as is a pattern that would take too much memory. The engine is the one in pydantic-core.
"""

from collections.abc import Callable
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

LONGEST = 1_000


@lru_cache(maxsize=128)
def matcher(pattern: str, *, is_whole: bool = True) -> Callable[[str], bool]:
    """Says of a text whether it matches, as a whole or anywhere.

    Raises:
        ValueError: not a pattern, or one that cannot be matched in linear time and bounded memory.
    """
    if len(pattern) > LONGEST:
        raise ValueError(f"a pattern has at most {LONGEST} characters")
    anchored = rf"\A(?:{pattern})\z" if is_whole else f"(?s:{pattern})"
    try:
        if is_whole:
            SchemaValidator(core_schema.str_schema(pattern=pattern))  # else `a)|(b` would pass for one
        return SchemaValidator(core_schema.str_schema(pattern=anchored, strict=True)).isinstance_python
    except SchemaError as wrong:
        raise ValueError("not a pattern without looking around or back, or too large a one") from wrong
