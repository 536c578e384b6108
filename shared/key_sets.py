"""The public keys of one issuer, from a file or one fixed address.

They are read when first needed, again after an hour, and at most once a minute when a key id is not among them: unknown
ids cannot make us ask more. While the issuer cannot be reached, the keys that are known stay good. During a rotation
old and new key are both in the set, and both count.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
import structlog

_log = structlog.get_logger()
_KEEP_S = 3600.0
_ASK_AGAIN_S = 60.0
_TIMEOUT_S = 3.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class KeySet:
    """Keys by their id."""

    def __init__(
        self,
        source: str,
        *,
        read: Callable[[str], Awaitable[bytes]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._read = read or _read
        self._clock = clock
        self._document: dict[str, Any] = {"keys": []}
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def key(self, key_id: str, algorithm: str) -> jwt.PyJWK:
        """The key of this id, for this algorithm; `KeyError` when the issuer has none."""
        if self._is_due(key_id):
            async with self._asking:
                if self._is_due(key_id):
                    await self._ask()
        return key_in(self._document, key_id, algorithm)

    def _is_due(self, key_id: str) -> bool:
        age = self._clock() - self._asked_at
        is_known = any(entry.get("kid") == key_id for entry in self._document["keys"])
        return age > _KEEP_S or (age > _ASK_AGAIN_S and not is_known)

    async def _ask(self) -> None:
        try:
            document = json.loads(await self._read(self._source))
            keys = [entry for entry in document["keys"] if isinstance(entry, dict) and "kid" in entry]
            self._document = {"keys": keys} if keys else self._document
        except (OSError, ValueError, KeyError, TypeError, httpx2.HTTPError) as failure:
            _log.warning("key set not read", source=self._source, failure=type(failure).__name__)
        # Only now: who needs the key meanwhile must wait for it.
        self._asked_at = self._clock()


def key_in(document: Mapping[str, Any], key_id: str, algorithm: str) -> jwt.PyJWK:
    """A signing key of a JWK Set; `KeyError` when it has none of this id for this algorithm."""
    for entry in document["keys"]:
        if entry.get("kid") == key_id and entry.get("use", "sig") == "sig" and entry.get("alg", algorithm) == algorithm:
            return jwt.PyJWK(entry, algorithm=algorithm)
    raise KeyError(key_id)


def is_trustworthy(address: str) -> bool:
    """Whether nobody on the way can change what comes from there: https, or this machine itself."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


async def _read(source: str) -> bytes:
    if "://" not in source:
        return await asyncio.to_thread(Path(source).read_bytes)
    async with httpx2.AsyncClient(timeout=_TIMEOUT_S) as client:
        answer = await client.get(source)
        answer.raise_for_status()
        return answer.content
