"""HTML forms and OAuth requests: `application/x-www-form-urlencoded`, each field once."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from fastapi import Request

from shared.errors import Problem
from shared.http.media import media_type_of


class FormSize(NamedTuple):
    """The largest form that is read."""

    bytes: int = 16 * 1024
    fields: int = 20


_USUAL = FormSize()
_MOST_DIGITS = 18
_BETWEEN = re.compile(r"[\s,;]+")
_YES_OR_NO = {"yes": True, "no": False}


async def form_of(request: Request, most: FormSize = _USUAL) -> dict[str, str]:
    """The fields of a form.

    Raises:
        Problem: 400 where a field comes twice or the body is no form, 413 where it is too large, 415 for another type.
    """
    if media_type_of(request) != "application/x-www-form-urlencoded":
        raise Problem(415, "not-a-form", "Send application/x-www-form-urlencoded.")
    body = await request.body()
    if len(body) > most.bytes:
        raise Problem(413, "too-large", "The form is too large.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=most.fields, errors="strict")
    except ValueError:
        raise Problem(400, "not-a-form", "The body cannot be read as a form.") from None
    if any("\0" in said for pair in pairs for said in pair):
        raise Problem(400, "not-a-form", "A field holds a character that is none.")
    if len(dict(pairs)) != len(pairs):
        raise Problem(400, "not-a-form", "A field comes twice.")
    return dict(pairs)


async def trimmed_form_of(request: Request) -> dict[str, str]:
    """The fields of a form without the space around what they say.

    Raises:
        Problem: as `form_of`.
    """
    return {name: said.strip() for name, said in (await form_of(request)).items()}


def whole_number(text: str) -> int | str:
    """What a field says, as a number where it is a whole one; whoever reads the form refuses all else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else text


def yes_or_no(text: str) -> bool | None:
    """What a field says that is `yes` or `no`; None for all else."""
    return _YES_OR_NO.get(text)


def several(text: str) -> list[str]:
    """What a field says with commas, semicolons or space between."""
    return [one for one in _BETWEEN.split(text) if one]
