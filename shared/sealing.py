"""A patient's words, sealed: AES-256-GCM under the patient's own key, bound to the one place where they may stand.

A sealed text is `1.` and then nonce, ciphertext and tag as base64url. Its associated data binds the version, site,
patient, the event or record that holds it, and the field: a text moved to any other place does not open. Keys come
from the key ring (`shared.keyring`); services that must not read words (feedback, analytics) are given none.
"""

import base64
import os
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = "1"
_NONCE_BYTES = 12


class Patient(NamedTuple):
    """Whose words: a patient is one of a site."""

    site_id: str
    patient_id: UUID


class Place(NamedTuple):
    """Where a sealed text stands: in which event or record, and in which field of it."""

    holder: str
    field: str

    @property
    def event_id(self) -> UUID | None:
        """The event that it is in; None for a record."""
        kind, _, name = self.holder.partition("/")
        return UUID(name) if kind == "event" else None


def in_event(event_id: UUID | str, field: str) -> Place:
    """A field of an event, such as `concerns.1.words`; the id is that of the envelope."""
    return Place(f"event/{event_id}", field)


def in_record(record_id: UUID | str, field: str) -> Place:
    """A column of a row of the owning service."""
    return Place(f"record/{record_id}", field)


class WordsState(StrEnum):
    """What a reader is told of words that were sealed. The three are never mixed up."""

    READABLE = "readable"
    NOT_READABLE_NOW = "not-readable-now"
    ERASED = "erased"


class Words(NamedTuple):
    """A text after opening: itself, or why it is not there."""

    state: WordsState
    text: str | None = None


Opener = Callable[[str, Place], Words]
"""Opens the sealed texts of one patient: `(sealed, place)`."""

NOT_READABLE_NOW = Words(WordsState.NOT_READABLE_NOW)
ERASED = Words(WordsState.ERASED)


class WordKey:
    """The key of one patient. It lives in memory, for a moment."""

    def __init__(self, patient: Patient, key: bytes) -> None:
        self._patient = patient
        self._cipher = AESGCM(key)

    def seal(self, words: str, place: Place) -> str:
        """The words for this place; sealing twice gives two texts."""
        nonce = os.urandom(_NONCE_BYTES)
        content = nonce + self._cipher.encrypt(nonce, words.encode(), self._bound(place))
        return f"{_VERSION}.{base64.urlsafe_b64encode(content).decode()}"

    def open(self, sealed: str, place: Place) -> Words:
        """The words, when this patient's were sealed for this place; else they are not readable now."""
        version, _, text = sealed.partition(".")
        if version != _VERSION:
            return NOT_READABLE_NOW
        try:
            content = base64.urlsafe_b64decode(text)
            words = self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], self._bound(place))
        except (InvalidTag, ValueError):
            return NOT_READABLE_NOW
        return Words(WordsState.READABLE, words.decode())

    def _bound(self, place: Place) -> bytes:
        return orjson.dumps([_VERSION, *map(str, self._patient), *place])
