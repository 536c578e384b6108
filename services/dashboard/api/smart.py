"""We as a SMART app of a site's EHR (SMART App Launch 2.2): authorization code with PKCE, launched there or by itself.

What comes back is taken only with what the launch began with: the verifier proves the code, the nonce the ID token.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import SecretStr

from services.dashboard.api.ehr_servers import EhrAway, EhrServers, SmartServer
from services.dashboard.domain import FHIR_ID, Ehr
from shared.auth import UNREADABLE
from shared.http.flows import Flow

CALLBACK = "/launch/callback"
_TIMEOUT_S = 5.0


class LaunchRefused(Exception):
    """What came back is not what was asked for, or names no practitioner or no patient."""


@dataclass(frozen=True, slots=True)
class Launched:
    """Who came, and with whose chart open: the EHR's id, and its Patient where it let us read it."""

    subject: str
    patient_id: str
    resource: Any


class SmartApp:
    """Our dealings with the EHRs. `address` is ours, as people reach it; `secrets_of` are those that EHRs gave us."""

    def __init__(self, servers: EhrServers, address: str, secrets_of: Mapping[str, SecretStr]) -> None:
        self._servers = servers
        self._address = address
        self._secrets = secrets_of

    async def authorization_url(self, ehr: Ehr, flow: Flow, launch: str | None) -> str:
        """Where to send the browser. Without `launch` the EHR asks which patient it is about.

        Raises:
            EhrAway
        """
        described = await self._servers.described(ehr)
        extra = {"aud": ehr.fhir_server, "nonce": flow.nonce} | ({} if launch is None else {"launch": launch})
        wanted = "launch/patient" if launch is None else "launch"
        async with self._client(ehr, f"{wanted} openid fhirUser {described.scope}") as client:
            url, _ = client.create_authorization_url(
                described.authorization, state=flow.state, code_verifier=flow.verifier, **extra
            )
        return str(url)

    async def launched(self, ehr: Ehr, flow: Flow, code: str, issuer: str | None) -> Launched:
        """Who came, for the code that came back with the flow's state. `issuer` is the `iss` beside it, if any.

        Raises:
            EhrAway
            LaunchRefused
        """
        described = await self._servers.described(ehr)
        if issuer is not None and issuer != described.issuer_name:
            raise LaunchRefused("another issuer answered")
        try:
            async with self._client(ehr) as client:
                tokens = await client.fetch_token(described.token, code=code, code_verifier=flow.verifier)
            subject, patient_id = await self._said(ehr, described, flow, tokens)
        except (OAuthError, *UNREADABLE) as failure:
            raise LaunchRefused(type(failure).__name__) from None
        except httpx2.HTTPError as failure:
            raise EhrAway(type(failure).__name__) from None
        return Launched(subject, patient_id, await self._servers.patient(ehr, patient_id, tokens["access_token"]))

    async def _said(self, ehr: Ehr, described: SmartServer, flow: Flow, tokens: Mapping[str, Any]) -> tuple[str, str]:
        """The practitioner of the ID token, and the patient beside it."""
        claims = await described.issuer.claims(tokens["id_token"], "nonce", "fhirUser")
        if not secrets.compare_digest(claims["nonce"], flow.nonce):
            raise ValueError("the ID token is of another launch")
        subject = ehr.subject_of(claims["fhirUser"])
        if subject is None:
            raise ValueError("no practitioner")
        if not FHIR_ID.fullmatch(tokens["patient"]):
            raise ValueError("no patient")
        return subject, tokens["patient"]

    def _client(self, ehr: Ehr, scope: str | None = None) -> Any:
        """With the secret that the EHR gave us; without one we are a public client, and PKCE is what proves us."""
        secret = self._secrets.get(ehr.ehr_id)
        return AsyncOAuth2Client(
            client_id=ehr.client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            scope=scope,
            redirect_uri=f"{self._address}{CALLBACK}",
            code_challenge_method="S256",
            timeout=_TIMEOUT_S,
            verify=self._servers.tls,
        )
