"""Who is asking: signed tokens (JWT) of the issuers that the settings name, with role and sites as claims.

Each issuer has its own keys, algorithms, audience and roles: a key of one never proves a token of another, and none
gives a role that it was not trusted with. `jku`, `x5u` and `jwk` in a header are ignored. A verified token is
remembered for a minute at most.
"""

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import jwt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.db import SiteScope
from shared.errors import Problem, unknown
from shared.events import SiteId
from shared.key_sets import KeySet, is_trustworthy

LEEWAY_S = 10
# What reading a token can raise that somebody made up: of another form, with numbers without end, nested without end.
UNREADABLE = (jwt.PyJWTError, LookupError, ValueError, TypeError, ArithmeticError, RecursionError)
_LONGEST_TOKEN = 8192
_REMEMBER_S = 60
_REMEMBERED = 10_000


class Role(StrEnum):
    PATIENT = "patient"
    CLINICIAN = "clinician"
    COORDINATOR = "coordinator"
    OPERATOR = "operator"
    SYSTEM = "system"


Algorithm = Literal["RS256", "RS384", "ES256", "ES384", "EdDSA"]


class Claims(BaseModel):
    """Where an issuer says what we need to know; a dotted name leads into nested claims (`realm_access.roles`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role_claim: str = "role"
    sites_claim: str = "sites"
    patient_claim: str = "patient"


def _trustworthy(source: str) -> str:
    if "://" in source and not is_trustworthy(source):
        raise ValueError("https, or a file")
    return source


class TrustedIssuer(Claims):
    """An issuer whose tokens are believed, for these algorithms and roles only."""

    issuer: str = Field(min_length=1, description="Exact `iss`")
    audience: str = "samepage"
    algorithms: tuple[Algorithm, ...] = Field(min_length=1)
    key_set: Annotated[str, AfterValidator(_trustworthy)] = Field(description="JWK Set: a file or a fixed address")
    roles: frozenset[Role] = Field(min_length=1)
    only_at: str | None = Field(default=None, description="Pattern of the paths where its tokens are good; null: all")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who, in which role, for which sites; a patient's is for the one patient it names."""

    subject: str
    role: Role
    sites: frozenset[str]
    patient_id: UUID | None = None

    @property
    def scope(self) -> SiteScope:
        return SiteScope(self.sites)

    def writing_site(self, named: str | None) -> str:
        """The one site that a write is for: the token's only one, or the one named in `Samepage-Site`.

        Raises:
            Problem: 404 for a site that the token is not for, be there one of that name or not.
        """
        if named is None and len(self.sites) == 1:
            return next(iter(self.sites))
        if named is None:
            raise Problem(400, "site-required", "The token is for several sites: name one in the header Samepage-Site.")
        if named not in self.sites:
            raise unknown("site")
        return named


class Issuer:
    """One trusted issuer and its keys."""

    def __init__(self, trusted: TrustedIssuer, keys: KeySet | None = None, *, leeway_s: float = LEEWAY_S) -> None:
        self._trusted = trusted
        self._leeway_s = leeway_s
        self._keys = keys or KeySet(trusted.key_set)

    def is_good_at(self, path: str) -> bool:
        """Whether its tokens may be shown there."""
        return self._trusted.only_at is None or re.fullmatch(self._trusted.only_at, path) is not None

    async def claims(self, token: str, *required: str) -> dict[str, Any]:
        """The claims of a token that this issuer signed for us and that is in force now.

        Raises:
            One of `UNREADABLE`: it is not.
        """
        header = jwt.get_unverified_header(token)
        if header["alg"] not in self._trusted.algorithms:
            raise jwt.InvalidAlgorithmError
        return jwt.decode(
            token,
            key=await self._keys.key(header["kid"], header["alg"]),
            algorithms=list(self._trusted.algorithms),
            audience=self._trusted.audience,
            issuer=self._trusted.issuer,
            leeway=self._leeway_s,
            options={"require": ["exp", "iat", "iss", "aud", "sub", *required]},
        )

    def caller(self, claims: Mapping[str, Any]) -> Caller:
        """Who the claims are about.

        Raises:
            ValueError, TypeError: they do not say so, or the role is not this issuer's to give.
        """
        trusted = self._trusted
        sites = _claim(claims, trusted.sites_claim) or []
        said = _Said(
            sub=claims["sub"],
            role=_one_role(_claim(claims, trusted.role_claim), trusted.roles),
            sites=[sites] if isinstance(sites, str) else sites,
            patient=_claim(claims, trusted.patient_claim),
        )
        if (said.role is Role.PATIENT) != (said.patient is not None):
            raise ValueError("a patient's token names the patient, and no other does")
        if not said.sites and said.role is not Role.OPERATOR:
            raise ValueError("only an operator is of no site")
        return Caller(said.sub, said.role, said.sites, said.patient)


class _Verified(NamedTuple):
    caller: Caller
    issuer: Issuer
    until: float


class Verifier:
    """Turns a token into a `Caller`. `leeway_s` is how far an issuer's clock may be from ours."""

    def __init__(self, issuers: Sequence[TrustedIssuer], *, leeway_s: float = LEEWAY_S) -> None:
        self._issuers = {trusted.issuer: Issuer(trusted, leeway_s=leeway_s) for trusted in issuers}
        self._remembered: dict[bytes, _Verified] = {}

    async def caller(self, token: str, path: str = "") -> Caller:
        """The caller behind a token that is shown at a path.

        Raises:
            Problem: 401, without saying which check failed: that would help only an attacker.
        """
        digest = hashlib.sha256(token.encode()).digest()
        known = self._remembered.get(digest)
        if known is None or time.time() >= known.until:
            known = await self._verified(token)
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[digest] = known
        if not known.issuer.is_good_at(path):
            raise _not_valid()
        return known.caller

    async def _verified(self, token: str) -> _Verified:
        try:
            issuer = self._issuer(token)
            claims = await issuer.claims(token)
            return _Verified(issuer.caller(claims), issuer, min(float(claims["exp"]), time.time() + _REMEMBER_S))
        except UNREADABLE:
            raise _not_valid() from None

    def _issuer(self, token: str) -> Issuer:
        """The issuer that the token names; that it is from there is for its keys to prove."""
        if len(token) > _LONGEST_TOKEN:
            raise ValueError("too long")
        return self._issuers[jwt.decode(token, options={"verify_signature": False})["iss"]]


def expiry_of(token: str) -> datetime:
    """When a token ends that was verified."""
    return datetime.fromtimestamp(jwt.decode(token, options={"verify_signature": False})["exp"], UTC)


def unauthenticated(detail: str) -> Problem:
    """401 with the challenge that HTTP asks for."""
    return Problem(401, "unauthenticated", detail, headers={"www-authenticate": 'Bearer realm="samepage"'})


def _not_valid() -> Problem:
    return unauthenticated("The token is not valid here.")


class _Said(BaseModel):
    """What the claims of a token have to say, whatever they are called there."""

    sub: str = Field(min_length=1)
    role: Role
    sites: frozenset[SiteId]
    patient: UUID | None


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    outer, dot, inner = name.partition(".")
    nested = claims.get(outer)
    return _claim(nested, inner) if dot and isinstance(nested, Mapping) else None


def _one_role(named: Any, trusted: frozenset[Role]) -> Role:
    """The one role of ours among the names; a person with two must say at the provider in which one they come."""
    (role,) = {Role(name) for name in ([named] if isinstance(named, str) else named) if name in trusted}
    return role
