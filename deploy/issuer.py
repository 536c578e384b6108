"""The local issuer: a key pair on this machine and the development tokens that it signs.

For the local stack, the demo and the tests. A network in use has an OpenID Connect provider instead and gives the
services that provider's issuer and key set.
"""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.auth import Role

ISSUER = "https://issuer.samepage.invalid"
AUDIENCE = "samepage"
_KEY_ID = "local-1"


@dataclass(frozen=True)
class LocalIssuer:
    """Keeps its key in `folder`; made on first use, readable by its owner only."""

    folder: Path

    @property
    def key_set_file(self) -> Path:
        return self.folder / "jwks.json"

    def prepare(self) -> None:
        """Make the key pair and the public key set if they are not there."""
        if self.key_set_file.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
        public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key()))
        self.key_set_file.write_text(json.dumps({"keys": [{**public, "kid": _KEY_ID, "alg": "EdDSA", "use": "sig"}]}))

    def token(
        self, role: Role, sites: Iterable[str], *, patient_id: UUID | None = None, subject: str = "", hours: float = 12
    ) -> str:
        """A signed token for this role and these sites."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject or f"{role}-of-the-demo",
            "iat": now,
            "exp": now + int(hours * 3600),
            "role": role.value,
            "sites": sorted(sites),
        }
        if patient_id is not None:
            claims["patient"] = str(patient_id)
        return jwt.encode(claims, self._key_file.read_bytes(), algorithm="EdDSA", headers={"kid": _KEY_ID})

    @property
    def _key_file(self) -> Path:
        return self.folder / "key.pem"
