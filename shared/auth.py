"""Who is asking: signed tokens (JWT) of one issuer, with role and sites as claims.

Only the algorithms listed here are believed, with exact issuer and audience and a key out of the issuer's own set;
`jku`, `x5u` and `jwk` in a header are ignored. A verified token is remembered for a minute at most.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import structlog
from pydantic import BaseModel, Field

from shared.db import SiteScope
from shared.errors import Problem
from shared.events import SiteId
from shared.settings import Platform

_log = structlog.get_logger()
_ALGORITHMS = ["ES256", "ES384", "RS384", "EdDSA"]
_REMEMBER_S = 60
_REMEMBERED = 10_000


class Role(StrEnum):
    PATIENT = "patient"
    CLINICIAN = "clinician"
    COORDINATOR = "coordinator"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified token: who, in which role, for which sites; a patient's token names the one patient it is for."""

    subject: str
    role: Role
    sites: frozenset[str]
    patient_id: UUID | None = None

    @property
    def scope(self) -> SiteScope:
        return SiteScope(self.sites)

    def writing_site(self, named: str | None) -> str:
        """The one site that a write is for: the token's only one, or the one named in `Samepage-Site`."""
        if named is None and len(self.sites) == 1:
            return next(iter(self.sites))
        if named is None:
            raise Problem(400, "site-required", "The token is for several sites: name one in the header Samepage-Site.")
        if named not in self.sites:
            raise Problem(403, "wrong-site", "The token is not for the site named in the header Samepage-Site.")
        return named


class Verifier:
    """Turns a token into a `Caller`. Reads the issuer's key set once, and again when a key id is new.

    `leeway_s` is how far the issuer's clock may be from ours.
    """

    def __init__(self, platform: Platform, *, leeway_s: float = 10) -> None:
        self._issuer = platform.issuer
        self._audience = platform.audience
        self._leeway_s = leeway_s
        self._key_set = KeySet(platform.key_set_file)
        self._remembered: dict[bytes, tuple[float, Caller]] = {}

    def caller(self, token: str) -> Caller:
        """The caller behind a token.

        Raises:
            Problem: 401, without saying which check failed: that would help only an attacker.
        """
        digest = hashlib.sha256(token.encode()).digest()
        until, caller = self._remembered.get(digest, (0.0, None))
        if caller is not None and time.time() < until:
            return caller
        try:
            claims = self._verified(token)
            caller = _caller(claims)
        except (jwt.PyJWTError, LookupError, ValueError, TypeError, ArithmeticError):
            raise unauthenticated("The token is not valid here.") from None
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = (min(float(claims["exp"]), time.time() + _REMEMBER_S), caller)
        return caller

    def _verified(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        key = self._key_set.key(str(header["kid"]))
        return jwt.decode(
            token,
            key=key,
            algorithms=_ALGORITHMS,
            audience=self._audience,
            issuer=self._issuer,
            leeway=self._leeway_s,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )


class KeySet:
    """The public keys of the issuer, from a file; read again at most once a minute when a key id is not in it.

    Keys that are not for signatures, or of a kind that is not known here, are passed over. While the file cannot be
    read, the keys that were read before stay.
    """

    def __init__(self, file: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_again_at = clock()

    def key(self, key_id: str) -> jwt.PyJWK:
        """The key of this id; `KeyError` when the issuer has none."""
        if key_id not in self._keys and self._clock() >= self._read_again_at:
            self._read_again_at = self._clock() + _REMEMBER_S
            self._read()
        return self._keys[key_id]

    def _read(self) -> None:
        try:
            keys = jwt.PyJWKSet(json.loads(self._file.read_text())["keys"]).keys
        except (OSError, ValueError, LookupError, TypeError, jwt.PyJWTError) as failure:
            _log.error("the issuer's keys cannot be read", file=str(self._file), failure=type(failure).__name__)
            return
        self._keys = {key.key_id: key for key in keys if key.key_id and key.public_key_use in (None, "sig")}


def unauthenticated(detail: str) -> Problem:
    """401 with the challenge that HTTP asks for."""
    return Problem(401, "unauthenticated", detail, headers={"www-authenticate": 'Bearer realm="samepage"'})


class _Claims(BaseModel):
    sub: str = Field(min_length=1)
    role: Role
    sites: frozenset[SiteId]
    patient: UUID | None = None


def _caller(claims: dict[str, Any]) -> Caller:
    said = _Claims.model_validate(claims)
    if said.role is Role.PATIENT and said.patient is None:
        raise ValueError("a patient's token names the patient")
    return Caller(subject=said.sub, role=said.role, sites=said.sites, patient_id=said.patient)
