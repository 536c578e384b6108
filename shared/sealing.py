"""Patients' words on their way through Kafka: sealed with AES-256-GCM, one key a patient.

The key of a patient is derived (HKDF-SHA256) from the network's seal key, the site and the patient. The associated
data binds site, patient and field, so that a sealed text cannot be moved to another patient or field. Services that
must not read words (feedback, analytics) are not given the seal key.
"""

import base64
import binascii
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.settings import Platform

_NONCE_BYTES = 12


class Sealer:
    """Seals and opens words. Thread-safe; holds the network's seal key.

    Raises:
        ValueError: the seal key is not 32 bytes in base64.
    """

    def __init__(self, seal_key: str) -> None:
        try:
            key = base64.b64decode(seal_key, validate=True)
        except binascii.Error:
            raise ValueError("the seal key is not base64") from None
        if len(key) != 32:
            raise ValueError("the seal key must have 32 bytes")
        self._cipher = lru_cache(maxsize=4096)(lambda site, patient: _cipher(key, site, patient))

    def seal(self, words: str, *, site_id: str, patient_id: str, field: str) -> str:
        """Nonce and ciphertext as base64url."""
        nonce = os.urandom(_NONCE_BYTES)
        bound = _bound(site_id, patient_id, field)
        sealed = self._cipher(site_id, patient_id).encrypt(nonce, words.encode(), bound)
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, *, site_id: str, patient_id: str, field: str) -> str | None:
        """The words, or None when they cannot be opened: another patient's, another field's, or erased."""
        try:
            content = base64.urlsafe_b64decode(sealed)
            bound = _bound(site_id, patient_id, field)
            cipher = self._cipher(site_id, patient_id)
            return str(cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], bound).decode())
        except (InvalidTag, ValueError):
            return None


def sealer_of(platform: Platform) -> Sealer:
    """The sealer of a service that may read words.

    Raises:
        ValueError: no seal key is set.
    """
    if platform.seal_key is None:
        raise ValueError("SAMEPAGE_SEAL_KEY is not set")
    return Sealer(platform.seal_key.get_secret_value())


def _cipher(key: bytes, site_id: str, patient_id: str) -> AESGCM:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"samepage:{site_id}:{patient_id}".encode())
    return AESGCM(derivation.derive(key))


def _bound(site_id: str, patient_id: str, field: str) -> bytes:
    return "\x1f".join((site_id, patient_id, field)).encode()
