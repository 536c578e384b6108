"""A book of signed heads, read line by line and checked: its signature, its number, what it says of the line before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.heads import digest, is_signed, lines_of

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_NO_END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a site's chain between two signed heads: above one, up to the next, whose hash is known.

    Nothing in it can have been recorded before `since`, when everything up to `above` was chained.
    """

    site_id: str
    above: int
    since: datetime
    height: int
    until: datetime
    hash: bytes | None

    def to(self, height: int, until: datetime, hashed: bytes) -> "Span":
        """The next one."""
        return Span(self.site_id, self.height, self.until, height, until, hashed)

    def beyond(self) -> "Span":
        """What came after the last signed head."""
        return replace(self, above=self.height, since=self.until, height=_NO_END, hash=None)


@dataclass(frozen=True, slots=True)
class Line:
    """A line's heads, as spans from those before them, and what is wrong with the line; then it has no spans."""

    spans: list[Span]
    faults: list[str]


def lines_checked(
    file: Path, end: int, service: str, keys: Mapping[str, Ed25519PublicKey], signed: dict[str, Span]
) -> Iterator[Line]:
    """The lines within the first `end` bytes. `signed` is kept as the newest signed head of each site."""
    before: bytes | None = None
    for number, line in enumerate(lines_of(file, end=end) if end else (), start=1):
        content = _parsed(line)
        faults = _faults(content, number, before, service, keys)
        spans = [] if faults else list(_spans(signed, content))
        signed |= {span.site_id: span for span in spans}
        before = line
        yield Line(spans, faults)


def _spans(signed: Mapping[str, Span], content: Mapping[str, Any]) -> Iterator[Span]:
    until = datetime.fromisoformat(content["until"])
    for site_id, (height, hashed) in content["heads"].items():
        before = signed.get(site_id) or Span(site_id, 0, _NO_TIME, 0, _NO_TIME, None)
        yield before.to(height, until, bytes.fromhex(hashed))


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _faults(
    content: Mapping[str, Any], number: int, before: bytes | None, service: str, keys: Mapping[str, Ed25519PublicKey]
) -> list[str]:
    if not is_signed(content, keys):
        return [f"line {number} was changed, or is signed by no known key ({content.get('key', 'none named')})"]
    faults = []
    if content["service"] != service:
        faults.append(f"line {number} is of {content['service']}")
    if content["line"] != number or content["previous"] != digest(before):
        faults.append(f"line {number} does not follow from the line before it")
    return faults
