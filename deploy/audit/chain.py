"""A chain walked from its first place to its last, with what is not as it was sealed.

Pure: it is given the places with their rows, in the order of site and height.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import asyncpg

from shared.audit import COLUMNS, first_link, link, row_hash

PLACES = f"""
SELECT chain.site_id AS of_site, chain.height, chain.number AS of_number, chain.row_hash, chain.hash,
       {", ".join(f"audit.{name}" for name in COLUMNS)}
FROM audit_chain AS chain
LEFT JOIN audit ON audit.site_id = chain.site_id AND audit.number = chain.number
ORDER BY chain.site_id, chain.height
"""
# Each is held against every other.
_MOST_BROKEN = 100


class Fault(StrEnum):
    """What was done to the audit."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    REWRITTEN = "rewritten"
    CUT_OFF = "cut off"
    BOOK = "book of heads"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was: where, and in words."""

    service: str
    site_id: str
    fault: Fault
    words: str

    def __str__(self) -> str:
        place = f"{self.service}, {self.site_id}" if self.site_id else self.service
        return f"{place}: {self.fault}: {self.words}"


@dataclass(frozen=True, slots=True)
class _Broken:
    """A place whose hash does not follow from `previous`, the hash before it."""

    height: int
    number: int
    previous: bytes
    row_hash: bytes
    hash: bytes


class Walk:
    """Over the chains of one service. A fault is told and the walk goes on from what is stored."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._site_id = ""
        self._height = 0
        self._hash = b""
        self._broken: list[_Broken] = []
        self.chains = 0
        self.rows = 0

    def step(self, place: asyncpg.Record) -> Iterator[Finding]:
        """The next place."""
        if place["of_site"] != self._site_id:
            yield from self.end()
            self._site_id, self._height = place["of_site"], 0
            self._hash = first_link(self._service, self._site_id)
            self.chains += 1
        height, number = place["height"], place["of_number"]
        if height != self._height + 1:
            yield self._found(Fault.REMOVED, f"what stood at heights {self._height + 1} to {height - 1} is not there")
        elif link(self._hash, place["row_hash"]) != place["hash"]:
            self._broken.append(_Broken(height, number, self._hash, place["row_hash"], place["hash"]))
        if place["number"] is None:
            yield self._found(Fault.REMOVED, f"row {number}, at height {height}, is not there")
        else:
            self.rows += 1
            if row_hash(place) != place["row_hash"]:
                yield self._found(Fault.CHANGED, f"row {number}, at height {height}, is not what was sealed")
        if len(self._broken) == _MOST_BROKEN:
            yield from self.end()
        self._height, self._hash = height, place["hash"]

    def end(self) -> Iterator[Finding]:
        """Why places did not follow: two that fit each other's hash changed places, any other was rewritten."""
        for at in self._broken:
            if any(link(at.previous, other.row_hash) == at.hash for other in self._broken if other is not at):
                yield self._found(Fault.REORDERED, f"row {at.number} was not the one at height {at.height}")
            else:
                words = f"height {at.height}, row {at.number}, does not follow from the height before it"
                yield self._found(Fault.REWRITTEN, words)
        self._broken = []

    def _found(self, fault: Fault, words: str) -> Finding:
        return Finding(self._service, self._site_id, fault, words)
