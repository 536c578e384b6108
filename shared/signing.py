"""Keys that sign for us: Ed25519 key files, of which the first signs and all are published.

To rotate: put a new file first, and take the old one away when the last token it signed has expired.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM: Literal["EdDSA"] = "EdDSA"


class SigningKeys:
    """The keys of these PEM files.

    Raises:
        ValueError: a file holds no Ed25519 private key.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._keys = {key_id_of(key): key for key in map(load_key, files)}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token of these claims, signed with the first key."""
        key_id, key = next(iter(self._keys.items()))
        return jwt.encode(dict(claims), key, algorithm=ALGORITHM, headers={"kid": key_id})

    def key_set(self) -> dict[str, Any]:
        """The public keys, as a JWK Set."""
        described = {"alg": ALGORITHM, "use": "sig"}
        return {"keys": [{**_public(key), **described, "kid": key_id} for key_id, key in self._keys.items()]}


def make_key_file(file: Path) -> None:
    """Make a key, readable by its owner only; a file that is there stays."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(pem)


def key_id_of(key: Ed25519PrivateKey) -> str:
    """The key's thumbprint (RFC 7638): the same key has the same id everywhere."""
    members = json.dumps(_public(key), sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).decode().rstrip("=")


def load_key(file: Path) -> Ed25519PrivateKey:
    """A private key in PEM.

    Raises:
        ValueError: it is of another kind.
    """
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file.name} holds no Ed25519 private key")
    return key


def _public(key: Ed25519PrivateKey) -> dict[str, str]:
    """The members that make the key what it is."""
    document: dict[str, str] = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key()))
    return {name: document[name] for name in ("crv", "kty", "x")}
