"""Tokens for the sites' systems: OAuth client credentials with `private_key_jwt` (SMART Backend Services 2.2).

A client proves itself with an assertion that it signs for this one endpoint, good once and for five minutes at most. It
gets an access token of five minutes for its own site, in the role system, signed with the network's own key.
"""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import jwt
import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.intake import store
from services.intake.domain import ClientId
from shared.audit import Entry, Kind
from shared.auth import LEEWAY_S, UNREADABLE, Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.http import public_keys
from shared.http.commands import pool_of
from shared.http.forms import form_of
from shared.http.rates import Buckets, address_of
from shared.http.record import begin_trail
from shared.http.sessions import spend
from shared.key_sets import key_in
from shared.settings import Platform
from shared.signing import SigningKeys

router = APIRouter(tags=["tokens"])
PATH, SCOPE = "/oauth/token", "system/*.cruds"
OPEN_PATHS = rf"oauth/token|{public_keys.OPEN_PATHS}|\.well-known/smart-configuration"
_ALGORITHMS = ["RS384", "ES384"]
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SECONDS = 300
_FIELDS = ("grant_type", "client_assertion_type", "client_assertion")
_FORM = {
    "type": "object",
    "required": list(_FIELDS),
    "properties": {name: {"type": "string"} for name in (*_FIELDS, "scope")},
}
_OPEN: dict[str, Any] = {"security": []}
_OPEN_FORM = _OPEN | {
    "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}}}
}


class AccessToken(BaseModel):
    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the name of the type
    expires_in: int = _SECONDS
    scope: str = SCOPE


class SmartConfiguration(BaseModel):
    """What SMART App Launch 2.2 asks a server with backend services to say of itself."""

    issuer: str
    jwks_uri: str
    token_endpoint: str
    grant_types_supported: list[str] = ["client_credentials"]
    token_endpoint_auth_methods_supported: list[str] = ["private_key_jwt"]
    token_endpoint_auth_signing_alg_values_supported: list[str] = _ALGORITHMS
    scopes_supported: list[str] = [SCOPE]
    capabilities: list[str] = ["client-confidential-asymmetric", "permission-v2"]


class OAuthError(BaseModel):
    """RFC 6749, 5.2."""

    error: str


class Refused(Exception):
    """Said to the client as an `OAuthError`, and no more than that."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@router.post(
    PATH,
    response_model=AccessToken,
    responses={400: {"model": OAuthError}, 401: {"model": OAuthError}},
    openapi_extra=_OPEN_FORM,
)
async def issue_token(request: Request) -> Response:
    """Give a client its access token."""
    rate: Buckets = request.app.state.token_rate
    rate.take(address_of(request))
    try:
        client_id = await _proven(request, await form_of(request))
    except Refused as refused:
        return _answer({"error": refused.error}, 401 if refused.error == "invalid_client" else 400)
    keys: SigningKeys = request.app.state.signing_keys
    now = int(time.time())
    claims = {
        "iss": _address(request),
        "aud": "samepage",
        "sub": str(client_id),
        "iat": now,
        "exp": now + _SECONDS,
        "jti": str(uuid4()),
        "scope": SCOPE,
        "role": Role.SYSTEM.value,
        "sites": [client_id.site_id],
    }
    return _answer(AccessToken(access_token=keys.sign(claims)).model_dump(), 200)


@router.get("/.well-known/smart-configuration", openapi_extra=_OPEN)
async def describe(request: Request) -> SmartConfiguration:
    """Where and how a client gets a token."""
    address = _address(request)
    return SmartConfiguration(
        issuer=address, jwks_uri=f"{address}/.well-known/jwks.json", token_endpoint=f"{address}{PATH}"
    )


async def _proven(request: Request, form: dict[str, str]) -> ClientId:
    """The client that the assertion proves, which is then spent. What a known client tried is on record.

    Raises:
        Refused: with the same word for every way in which the proof can fail.
    """
    if form.get("grant_type") != "client_credentials":
        raise Refused("unsupported_grant_type")
    if form.get("client_assertion_type") != _ASSERTION_TYPE or "client_assertion" not in form:
        raise Refused("invalid_request")
    if SCOPE not in form.get("scope", SCOPE).split():
        raise Refused("invalid_scope")
    assertion = form["client_assertion"]
    client_id = _named(assertion)
    scope = SiteScope.of(client_id.site_id)
    async with transaction(pool_of(request), scope) as connection:
        client = await store.client(connection, scope, str(client_id))
        if client is None:
            raise Refused("invalid_client")
        claims = _verified(assertion, client, audience=f"{_address(request)}{PATH}")
        is_proven = claims is not None and await _is_first(connection, client_id, claims)
        kind, status = (Kind.WRITE, 200) if is_proven else (Kind.DENIED, 401)
        trail = begin_trail(request, Caller(str(client_id), Role.SYSTEM, scope.sites))
        await trail.keep(connection, [Entry(client_id.site_id, kind, status)])
    if not is_proven:
        raise Refused("invalid_client")
    return client_id


async def _is_first(connection: Connection, client_id: ClientId, claims: dict[str, Any]) -> bool:
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    return await spend(connection, client_id.site_id, str(client_id), claims["jti"], expires_at)


def _named(assertion: str) -> ClientId:
    """The client that an assertion says it is of; nothing is proven yet."""
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except UNREADABLE:
        raise Refused("invalid_client") from None
    client_id = ClientId.read(str(claims.get("iss")))
    if client_id is None or claims.get("sub") != str(client_id):
        raise Refused("invalid_client")
    return client_id


def _verified(assertion: str, client: store.Client, *, audience: str) -> dict[str, Any] | None:
    """The claims of an assertion that this client signed for us; None when it did not, or may not any more."""
    if client.revoked_at is not None:
        return None
    try:
        header = jwt.get_unverified_header(assertion)
        if header["alg"] not in _ALGORITHMS:
            raise ValueError("another algorithm")
        claims: dict[str, Any] = jwt.decode(
            assertion,
            key=key_in(client.key_set, header["kid"], header["alg"]),
            algorithms=_ALGORITHMS,
            audience=audience,
            leeway=LEEWAY_S,
            options={"require": ["iss", "sub", "aud", "exp", "jti"]},
        )
        if claims["exp"] > time.time() + _SECONDS + LEEWAY_S:
            raise ValueError("lives too long")
        if not 1 <= len(claims["jti"]) <= 200:
            raise ValueError("no id to remember")
    except UNREADABLE:
        return None
    return claims


def _address(request: Request) -> str:
    """The network's own issuer: this service, as people and systems reach it."""
    platform: Platform = request.app.state.platform
    return platform.public_urls["intake"]


def _answer(document: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(document), status, {"cache-control": "no-store"}, "application/json")
