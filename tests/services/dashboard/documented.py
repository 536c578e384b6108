"""Whether a page is what its document says, for every reader.

Readers ignore what they do not know; here it is refused, so that a member or a kind that comes, goes or changes its
name is described in the same commit.
"""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import orjson

from services.dashboard.domain import open_words, without_clinical
from services.dashboard.domain.document import Page
from shared.sealing import Words, WordsState

SCHEMA = Page.model_json_schema(mode="serialization")
OPEN_KINDS = ("OtherChange", "OtherGap")


def parts() -> dict[str, dict[str, Any]]:
    """The page and every part of it that has members, by name."""
    every = {**SCHEMA["$defs"], "Page": SCHEMA}
    return {name: part for name, part in every.items() if "properties" in part}


def check_documented(page: Mapping[str, Any]) -> None:
    """The page, whose words are still sealed, as readers get it.

    Raises:
        jsonschema_rs.ValidationError: where it is not.
    """
    for shown in (page, without_clinical(page)):
        check_document(open_words(shown, lambda _sealed, _place: Words(WordsState.READABLE, "Words")))


def check_document(document: Mapping[str, Any]) -> None:
    """A page as a reader got it, in the same way."""
    _STRICT.validate(orjson.loads(orjson.dumps(document)))


def _closed(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "additionalProperties": False} if "properties" in part else part


_STRICT = jsonschema_rs.validator_for(
    {
        **_closed(SCHEMA),
        "$defs": {name: {"not": {}} if name in OPEN_KINDS else _closed(part) for name, part in SCHEMA["$defs"].items()},
    },
    validate_formats=True,
)
