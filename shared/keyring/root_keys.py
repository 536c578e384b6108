"""Root keys: they wrap the keys of sites and nothing else. A small port, so that a key service can stand behind it."""

import base64
import binascii
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import KeyRingAway
from shared.sealing import KEY_BYTES

_NONCE_BYTES = 12


class Wrapped(NamedTuple):
    """A key under another one; `root_id` names the root key that opens it."""

    root_id: str
    content: bytes


class RootKeys(Protocol):
    """Wraps with the newest root key, unwraps with any that is still there: during a rotation both are valid."""

    async def newest(self) -> str:
        """Id of the root key that wraps now."""

    async def wrap(self, key: bytes, bound: bytes) -> Wrapped:
        """Wrap with the newest; `bound` must be given again to unwrap."""

    async def unwrap(self, wrapped: Wrapped, bound: bytes) -> bytes:
        """The key.

        Raises:
            KeyRingAway: there is no such root key here, or what was wrapped is not this.
        """


@dataclass
class FileRootKeys:
    """Root keys in a mounted file, read again when it changes: a line `id base64` (32 bytes) each, the newest last."""

    file: Path
    _read: tuple[int, dict[str, bytes]] = field(default=(-1, {}), repr=False)

    async def newest(self) -> str:
        return list(self._keys())[-1]

    async def wrap(self, key: bytes, bound: bytes) -> Wrapped:
        root_id = await self.newest()
        return Wrapped(root_id, wrap(self._keys()[root_id], key, bound))

    async def unwrap(self, wrapped: Wrapped, bound: bytes) -> bytes:
        root = self._keys().get(wrapped.root_id)
        if root is None:
            raise KeyRingAway(f"the root key {wrapped.root_id} is not in the file of root keys")
        return unwrap(root, wrapped.content, bound)

    def _keys(self) -> dict[str, bytes]:
        try:
            changed_at = self.file.stat().st_mtime_ns
            if changed_at != self._read[0]:
                self._read = changed_at, _parsed(self.file.read_text())
        except OSError:
            raise KeyRingAway("the file of root keys cannot be read") from None
        return self._read[1]


def new_root_key(root_id: str) -> str:
    """A line for the file."""
    return f"{root_id} {base64.b64encode(os.urandom(KEY_BYTES)).decode()}\n"


def wrap(wrapping: bytes, key: bytes, bound: bytes) -> bytes:
    """AES-256-GCM: nonce, ciphertext and tag."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(wrapping).encrypt(nonce, key, bound)


def unwrap(wrapping: bytes, wrapped: bytes, bound: bytes) -> bytes:
    """The key that was wrapped.

    Raises:
        KeyRingAway: it was wrapped by another key, for another place, or is damaged.
    """
    try:
        return AESGCM(wrapping).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise KeyRingAway("a wrapped key does not open") from None


def _parsed(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        root_id, _, encoded = line.partition(" ")
        if root_id in keys:
            raise KeyRingAway(f"there are two root keys {root_id}")
        try:
            keys[root_id] = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise KeyRingAway(f"the root key {root_id} is not base64") from None
        if len(keys[root_id]) != KEY_BYTES:
            raise KeyRingAway(f"the root key {root_id} does not have {KEY_BYTES} bytes")
    if not keys:
        raise KeyRingAway("the file of root keys is empty")
    return keys
