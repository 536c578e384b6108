"""The local issuer: a key pair on this machine and the development tokens that it signs.

For the local stack, the demo and the tests. A network in use has an OpenID Connect provider instead and gives the
services that provider's issuer and key set.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from shared.auth import Role, TrustedIssuer
from shared.signing import ALGORITHM, SigningKeys, make_key_file

ISSUER = "https://issuer.samepage.invalid"
AUDIENCE = "samepage"


@dataclass(frozen=True)
class LocalIssuer:
    """Keeps its key in `folder`; made on first use, readable by its owner only."""

    folder: Path

    @property
    def key_set_file(self) -> Path:
        return self.folder / "jwks.json"

    @property
    def trusted(self) -> TrustedIssuer:
        """As the services are told of it."""
        return TrustedIssuer(
            issuer=ISSUER,
            audience=AUDIENCE,
            algorithms=(ALGORITHM,),
            key_set=str(self.key_set_file),
            roles=frozenset(Role),
        )

    def prepare(self) -> None:
        """Make the key pair and the public key set if they are not there."""
        if self.key_set_file.exists():
            return
        make_key_file(self._key_file)
        self.key_set_file.write_text(json.dumps(SigningKeys([self._key_file]).key_set()))

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
        return SigningKeys([self._key_file]).sign(claims)

    @property
    def _key_file(self) -> Path:
        return self.folder / "key.pem"
