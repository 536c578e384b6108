"""The three forms of a copy, each as a file."""

from collections.abc import Mapping
from datetime import UTC
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from services.dashboard.pages.export.fhir import bundle_of
from services.dashboard.pages.export.paper import Paper
from services.dashboard.pages.export.summary import summary_of
from services.dashboard.pages.reader import Reader


class Format(StrEnum):
    """`json` is all that the page has, `fhir` what has a place in FHIR R4, `pdf` the page to read and to print."""

    JSON = "json"
    FHIR = "fhir"
    PDF = "pdf"


class Copy(NamedTuple):
    """A file; its name says the day and nothing of the person."""

    name: str
    media_type: str
    content: bytes


_KINDS: Mapping[Format, tuple[str, str]] = {
    Format.JSON: ("json", "application/json"),
    Format.FHIR: ("fhir.json", "application/fhir+json"),
    Format.PDF: ("pdf", "application/pdf"),
}


async def copy_of(
    page: Mapping[str, Any], form: Format, reader: Reader, paper: Paper, *, is_synthetic: bool = False
) -> Copy:
    """An opened page in this form, made now for this reader.

    Raises:
        RuntimeError: it could not be set on paper.
    """
    match form:
        case Format.JSON:
            content = orjson.dumps(whole(page, reader, is_synthetic=is_synthetic))
        case Format.FHIR:
            content = orjson.dumps(bundle_of(page, made_at=reader.now, is_synthetic=is_synthetic))
        case Format.PDF:
            content = await paper.set(summary_of(page, reader, is_synthetic=is_synthetic))
    ending, media_type = _KINDS[form]
    return Copy(f"samepage-{reader.now.date().isoformat()}.{ending}", media_type, content)


def whole(page: Mapping[str, Any], reader: Reader, *, is_synthetic: bool) -> dict[str, Any]:
    """All of the page, with when it was made and up to which events."""
    made_at = reader.now.astimezone(UTC).isoformat(timespec="seconds")
    return {"made_at": made_at, "up_to": page["as_of"], "is_synthetic": is_synthetic, "page": page}
