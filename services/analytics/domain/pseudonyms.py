"""Pseudonyms: the same for the same id, and no way back without the key."""

import hmac
from functools import lru_cache


class Pseudonyms:
    """HMAC-SHA-256 of an id under the network's pseudonym key, cut to 128 bits: a UUID, written without hyphens."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._of = lru_cache(maxsize=10_000)(self._computed)

    def of(self, identity: object) -> str:
        """The pseudonym of an id: of a patient, a visit, a clinician ..."""
        return self._of(str(identity))

    def _computed(self, identity: str) -> str:
        return hmac.digest(self._key, identity.encode(), "sha256")[:16].hex()
