"""Pseudonyms: the same for the same id, and no way back without the key."""

import hashlib
import hmac
from uuid import UUID


class Pseudonyms:
    """HMAC-SHA-256 of an id under the network's pseudonym key, cut to 128 bits and written as a UUID."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, identity: object) -> UUID:
        """The pseudonym of an id: of a patient, a visit, a clinician ..."""
        return UUID(bytes=hmac.digest(self._key, str(identity).encode(), hashlib.sha256)[:16])
