"""The sites' own numbers of patients and visits, and rows that hold them: only a keyed hash of each is kept."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple


def identifier_hash(key: bytes, site_id: str, identifier: str) -> bytes:
    """HMAC-SHA-256 over site and a patient's identifier: the same number at two sites is two patients."""
    return hmac.new(key, f"{site_id}\x1f{identifier}".encode(), hashlib.sha256).digest()


class VisitNames(NamedTuple):
    """What a site's system calls a visit, in hashes.

    `own` are its names, `numbers` those in names that have a system, without it. A file has no systems, so its numbers
    may be of any: `as_in_a_file` is how a file would name the `numbers`, and `of_any_system` how the numbers that came
    without a system are kept where they came with one.
    """

    own: frozenset[bytes]
    numbers: frozenset[bytes]
    as_in_a_file: frozenset[bytes]
    of_any_system: frozenset[bytes]

    @property
    def kept(self) -> frozenset[bytes]:
        """By which the visit is found from now on."""
        return self.own | self.numbers

    @property
    def sought(self) -> frozenset[bytes]:
        """By which it may have been kept."""
        return self.kept | self.as_in_a_file | self.of_any_system

    def have_the_number_of(self, kept: Set[bytes]) -> bool:
        """Whether a visit kept under these hashes has the same number, which one of the two has from no system."""
        return bool(kept & self.of_any_system) or (bool(kept & self.as_in_a_file) and not kept & self.numbers)


class Identifiers:
    """Hashes under each key in use; the first is by the key that new ones are kept by."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys

    def of_patient(self, site_id: str, identifier: str) -> list[bytes]:
        return [identifier_hash(key, site_id, identifier) for key in self._keys]

    def of_visit(self, site_id: str, name: str) -> list[bytes]:
        """Of a name that the site's system has for a visit; never that of a patient."""
        return [identifier_hash(key, site_id, f"visit\x1f{name}") for key in self._keys]

    def names_of_visit(self, site_id: str, names: Sequence[str]) -> VisitNames:
        """Of all names of a visit: numbers, each behind its system and `|`, and addresses."""

        def hashed(what: str, words: Iterable[str]) -> frozenset[bytes]:
            return frozenset(identifier_hash(key, site_id, f"{what}\x1f{word}") for word in words for key in self._keys)

        parts = [name.partition("|") for name in names]
        with_system = [number for system, mark, number in parts if mark and system]
        without_system = [number for system, mark, number in parts if mark and not system]
        return VisitNames(
            own=hashed("visit", names),
            numbers=hashed("visit-number", with_system),
            as_in_a_file=hashed("visit", [f"|{number}" for number in with_system]),
            of_any_system=hashed("visit-number", without_system),
        )

    def of_row(self, site_id: str, row: str) -> list[bytes]:
        """Of a row that was imported, written in one way."""
        return [identifier_hash(key, site_id, f"row\x1f{row}") for key in self._keys]
