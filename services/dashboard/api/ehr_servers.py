"""What the EHRs' own servers say: with which keys they sign, where people sign in there, who a patient is.

Only addresses that were registered are asked, or that a registered one has named. An answer is at most 64 KiB, comes
within three seconds and from where it was asked for: nothing is redirected.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import jwt
import orjson
import structlog

from services.dashboard.domain import Ehr
from shared.auth import LEEWAY_S, UNREADABLE, Algorithm, Issuer, Role, TrustedIssuer
from shared.key_sets import KeySet, is_trustworthy

ALGORITHMS: tuple[Algorithm, ...] = ("RS384", "ES384")
_SIGN_IN_ALGORITHMS: tuple[Algorithm, ...] = ("RS256", "RS384", "ES256", "ES384")
_LONGEST_S = 300
_MOST_BYTES = 64 * 1024
_TIMEOUT_S = 3.0
_KEEP_S = 3600.0
_log = structlog.get_logger()


class EhrAway(Exception):
    """The EHR's server does not answer, or not as SMART App Launch says."""


@dataclass(frozen=True, slots=True)
class SmartServer:
    """Where people sign in at an EHR, and who says who they are. `scope` is how reading the patient is asked for."""

    authorization: str
    token: str
    issuer_name: str
    issuer: Issuer
    scope: str


class EhrServers:
    """The EHRs' servers, as this process knows them: keys and descriptions are asked for again after an hour."""

    def __init__(self) -> None:
        self._keys: dict[str, KeySet] = {}
        self._described: dict[tuple[str, str], tuple[float, SmartServer]] = {}
        self.tls = ssl.create_default_context()  # reads all that the system trusts: once

    async def claims(self, ehr: Ehr, token: str, *, audience: str) -> dict[str, Any]:
        """The claims of a token that this EHR signed for `audience`: good once (`jti`) and for five minutes at most.

        Raises:
            One of `UNREADABLE`: it did not, or it is not in force now.
        """
        header = jwt.get_unverified_header(token)
        if header["alg"] not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        keys = self._keys.setdefault(ehr.key_set, KeySet(ehr.key_set, read=self._fetched))
        claims: dict[str, Any] = jwt.decode(
            token,
            key=await keys.key(header["kid"], header["alg"]),
            algorithms=list(ALGORITHMS),
            audience=audience,
            issuer=ehr.issuer,
            leeway=LEEWAY_S,
            options={"require": ["iss", "aud", "exp", "iat", "jti"]},
        )
        if claims["exp"] > time.time() + _LONGEST_S + LEEWAY_S:
            raise ValueError("lives too long")
        if not 1 <= len(claims["jti"]) <= 200:
            raise ValueError("no id to remember")
        return claims

    async def patient(self, ehr: Ehr, patient_id: str, access_token: str) -> Any:
        """The EHR's own Patient; None where it cannot be had."""
        headers = {"authorization": f"Bearer {access_token}", "accept": "application/fhir+json"}
        try:
            return orjson.loads(await self._fetched(f"{ehr.fhir_server}/Patient/{patient_id}", headers))
        except (httpx2.HTTPError, ValueError) as failure:
            _log.warning("patient not read", ehr=ehr.ehr_id, failure=type(failure).__name__)
            return None

    async def described(self, ehr: Ehr) -> SmartServer:
        """How people sign in there.

        Raises:
            EhrAway
        """
        named = (ehr.fhir_server, ehr.client_id)
        read_at, known = self._described.get(named, (0.0, None))
        if known is not None and time.monotonic() - read_at < _KEEP_S:
            return known
        try:
            place = f"{ehr.fhir_server}/.well-known/smart-configuration"
            found = self._understood(ehr, orjson.loads(await self._fetched(place)))
        except (httpx2.HTTPError, *UNREADABLE) as failure:
            _log.warning("EHR away", ehr=ehr.ehr_id, failure=type(failure).__name__)
            raise EhrAway(type(failure).__name__) from None
        self._described[named] = (time.monotonic(), found)
        return found

    def _understood(self, ehr: Ehr, document: Mapping[str, Any]) -> SmartServer:
        places = [document[name] for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if not all(map(is_trustworthy, places)):
            raise ValueError("it does not speak https")
        if "S256" not in document["code_challenge_methods_supported"]:
            raise ValueError("it knows no PKCE")
        authorization, token, key_set = places
        trusted = TrustedIssuer(
            issuer=document["issuer"],
            audience=ehr.client_id,
            algorithms=_SIGN_IN_ALGORITHMS,
            key_set=key_set,
            roles=frozenset({Role.CLINICIAN}),
        )
        issuer = Issuer(trusted, KeySet(key_set, read=self._fetched))
        scope = "patient/Patient.r" if "permission-v2" in document.get("capabilities", ()) else "patient/Patient.read"
        return SmartServer(authorization, token, trusted.issuer, issuer, scope)

    async def _fetched(self, address: str, headers: Mapping[str, str] | None = None) -> bytes:
        content = b""
        try:
            async with (
                asyncio.timeout(_TIMEOUT_S),
                httpx2.AsyncClient(timeout=_TIMEOUT_S, verify=self.tls) as client,
                client.stream("GET", address, headers=headers) as answer,
            ):
                if not answer.is_success:
                    raise ValueError(f"answered {answer.status_code}")
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > _MOST_BYTES:
                        raise ValueError("too long an answer")
        except TimeoutError:
            raise ValueError("too slow an answer") from None
        return content
