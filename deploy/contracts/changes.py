"""A difference that breaks somebody, and where it stands (RFC 6901 JSON pointer)."""

from typing import NamedTuple


class Change(NamedTuple):
    pointer: str
    what: str


def below(pointer: str, *parts: str) -> str:
    """The pointer to something under `pointer`."""
    return "/".join((pointer, *(part.replace("~", "~0").replace("/", "~1") for part in parts)))
