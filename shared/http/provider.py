"""The people's OpenID Connect provider, as one service sees it: authorization code with PKCE.

What comes back is taken only with what the sign-in began with: the verifier proves the code, the nonce the ID token.
"""

import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from shared.auth import LEEWAY_S, UNREADABLE, Caller, Issuer, TrustedIssuer
from shared.http.flows import Flow
from shared.http.sessions import AtProvider
from shared.key_sets import is_trustworthy
from shared.settings import SignIn

_log = structlog.get_logger()
_TIMEOUT_S = 5.0
_KEEP_DESCRIPTION_S = 3600.0
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class ProviderAway(Exception):
    """The provider does not answer, or not as OpenID Connect says."""


class SignInRefused(Exception):
    """What came back is not what was asked for, or the person has no role here."""


@dataclass(frozen=True, slots=True)
class _Described:
    """The provider's description of itself, and the issuer of ID tokens that it makes of the provider."""

    authorization: str
    token: str
    end_session: str | None
    key_set: str
    issuer: Issuer


class Provider:
    """One service's dealings with the provider. `address` is the service's own, as people reach it."""

    def __init__(self, settings: SignIn, address: str) -> None:
        self._settings = settings
        self._address = address
        self._described: _Described | None = None
        self._read_at = float("-inf")
        self._tls = ssl.create_default_context()  # reads all that the system trusts: once

    async def authorization_url(self, flow: Flow, login_hint: str | None) -> str:
        """Where to send the browser. A person who must sign in anew is asked to, whatever session the provider has.

        Raises:
            ProviderAway
        """
        described = await self._describe()
        extra: dict[str, Any] = {"nonce": flow.nonce}
        if login_hint is not None:
            extra["login_hint"] = login_hint
        if flow.asked_at is not None:
            extra |= {"prompt": "login", "max_age": 0}
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                described.authorization, state=flow.state, code_verifier=flow.verifier, **extra
            )
        return str(url)

    async def signed_in(self, flow: Flow, code: str, issuer: str | None) -> tuple[Caller, AtProvider]:
        """Who signed in, for the code that came back with the flow's state. `issuer` is the `iss` beside it, if any.

        Raises:
            ProviderAway
            SignInRefused: nobody, or nobody with a role here.
        """
        described = await self._describe()
        if issuer is not None and issuer != self._settings.issuer:
            raise SignInRefused("another issuer answered")
        try:
            async with self._client() as client:
                tokens = await client.fetch_token(described.token, code=code, code_verifier=flow.verifier)
            claims = await described.issuer.claims(tokens["id_token"], "nonce")
            self._check(claims, flow)
            caller = described.issuer.caller(claims)
        except (OAuthError, *UNREADABLE) as failure:
            raise SignInRefused(type(failure).__name__) from None
        except httpx2.HTTPError as failure:
            raise ProviderAway(type(failure).__name__) from None
        return caller, AtProvider(claims.get("sid"), tokens["id_token"])

    async def end_session_url(self, id_token: str, *, back: str) -> str | None:
        """Where the session at the provider ends too, and the browser comes back to our path; None where there is none.

        Raises:
            ProviderAway
        """
        place = (await self._describe()).end_session
        asked = {
            "id_token_hint": id_token,
            "post_logout_redirect_uri": f"{self._address}{back}",
            "client_id": self._settings.client_id,
        }
        return f"{place}?{urlencode(asked)}" if place else None

    async def signed_out(self, logout_token: str) -> tuple[str, str | None]:
        """Subject and session that ended at the provider (OpenID Connect Back-Channel Logout 1.0).

        Raises:
            ProviderAway
            SignInRefused: the token does not say so.
        """
        described = await self._describe()
        try:
            claims = await described.issuer.claims(logout_token, "jti", "events")
            if "nonce" in claims or _LOGOUT_EVENT not in claims["events"]:
                raise ValueError("no logout token")
        except UNREADABLE as failure:
            raise SignInRefused(type(failure).__name__) from None
        return claims["sub"], claims.get("sid")

    def _check(self, claims: Mapping[str, Any], flow: Flow) -> None:
        """What an ID token must say beyond what every token must."""
        if not secrets.compare_digest(claims["nonce"], flow.nonce):
            raise ValueError("the ID token is of another sign-in")
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", audiences[0] if len(audiences) == 1 else None) != self._settings.client_id:
            raise ValueError("the ID token was made for somebody else")
        if flow.asked_at is not None and claims["auth_time"] < flow.asked_at - LEEWAY_S:
            raise ValueError("the person did not sign in anew")

    def _client(self) -> Any:
        secret = self._settings.client_secret
        return AsyncOAuth2Client(
            client_id=self._settings.client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            scope="openid",
            redirect_uri=f"{self._address}/sign-in/callback",
            code_challenge_method="S256",
            timeout=_TIMEOUT_S,
            verify=self._tls,
        )

    async def _describe(self) -> _Described:
        """The description, asked for again after an hour."""
        if self._described is None or time.monotonic() - self._read_at > _KEEP_DESCRIPTION_S:
            try:
                self._described = self._understood(await self._read())
            except (httpx2.HTTPError, ValueError, KeyError, TypeError) as failure:
                _log.warning("provider away", failure=type(failure).__name__)
                raise ProviderAway(type(failure).__name__) from None
            self._read_at = time.monotonic()
        return self._described

    async def _read(self) -> dict[str, Any]:
        async with httpx2.AsyncClient(timeout=_TIMEOUT_S, verify=self._tls) as client:
            answer = await client.get(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def _understood(self, document: Mapping[str, Any]) -> _Described:
        places = [document[name] for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if document["issuer"] != self._settings.issuer or not all(map(is_trustworthy, places)):
            raise ValueError("it describes another issuer, or does not speak https")
        authorization, token, key_set = places
        is_known = self._described is not None and self._described.key_set == key_set
        issuer = self._described.issuer if self._described and is_known else Issuer(self._trusted(key_set))
        return _Described(authorization, token, document.get("end_session_endpoint"), key_set, issuer)

    def _trusted(self, key_set: str) -> TrustedIssuer:
        """The provider as the issuer of ID tokens, which it makes for the name that we have there."""
        settings = self._settings
        return TrustedIssuer(
            issuer=settings.issuer,
            audience=settings.client_id,
            algorithms=settings.algorithms,
            key_set=key_set,
            roles=settings.roles,
            **settings.model_dump(include={"role_claim", "sites_claim", "patient_claim"}),
        )
