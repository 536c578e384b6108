"""Clients: systems of a site that ask for tokens. An id, `riverbend.ehr`, names the site where it is looked up."""

import re
from typing import Any, NamedTuple

_ID = re.compile(r"(?P<site>[a-z0-9][a-z0-9-]{0,39})\.(?P<name>[a-z0-9][a-z0-9-]{0,39})")
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_MOST_KEYS = 10


class ClientId(NamedTuple):
    """Whose system, and which one."""

    site_id: str
    name: str

    @classmethod
    def read(cls, text: str) -> "ClientId | None":
        """The parts of an id; None when it is none."""
        match = _ID.fullmatch(text)
        return cls(match["site"], match["name"]) if match else None

    def __str__(self) -> str:
        return f"{self.site_id}.{self.name}"


def wrong_with(key_set: Any) -> str | None:
    """What keeps a document from being the public keys of a client, as a sentence; None when nothing does.

    RSA keys of at least 2048 bits and P-384 keys, each with an id of its own, as SMART Backend Services asks.
    """
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MOST_KEYS:
        return f"It is no JWK Set of 1 to {_MOST_KEYS} keys."
    if not all(isinstance(key, dict) for key in keys):
        return "Each key must be a JSON object."
    if any(_PRIVATE & key.keys() for key in keys):
        return "It holds a private key. Keep that; send the public ones."
    ids = [key.get("kid") for key in keys]
    if not all(isinstance(key_id, str) and key_id for key_id in ids) or len(set(ids)) != len(ids):
        return "Each key needs a kid of its own."
    if not all(map(_is_strong, keys)):
        return "Keys must be RSA of 2048 bits or more, or EC on P-384."
    return None


def _is_strong(key: dict[str, Any]) -> bool:
    if key.get("kty") == "RSA":
        # 2048 bits are 342 characters of base64url.
        return len(str(key.get("n", ""))) >= 342
    return key.get("kty") == "EC" and key.get("crv") == "P-384"
