"""The sites' own numbers of patients and visits, and rows that hold them: only a keyed hash of each is kept."""

import hashlib
import hmac
from collections.abc import Sequence


def identifier_hash(key: bytes, site_id: str, identifier: str) -> bytes:
    """HMAC-SHA-256 over site and a patient's identifier: the same number at two sites is two patients."""
    return hmac.new(key, f"{site_id}\x1f{identifier}".encode(), hashlib.sha256).digest()


class Identifiers:
    """Hashes under each key in use; the first is by the key that new ones are kept by."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys

    def of_patient(self, site_id: str, identifier: str) -> list[bytes]:
        return [identifier_hash(key, site_id, identifier) for key in self._keys]

    def of_visit(self, site_id: str, name: str) -> list[bytes]:
        """Of a name that the site's system has for a visit; never that of a patient."""
        return [identifier_hash(key, site_id, f"visit\x1f{name}") for key in self._keys]

    def of_row(self, site_id: str, row: str) -> list[bytes]:
        """Of a row that was imported, written in one way."""
        return [identifier_hash(key, site_id, f"row\x1f{row}") for key in self._keys]
