"""Which EHR calls, or launches: only those that were registered with a site, and each for its own site.

A call carries a token that the EHR signed for this very address, good once and for five minutes at most (CDS Hooks
2.0, 5.1). Pages of an EHR may call from a browser where their origin was registered with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
from fastapi import Depends, Request, Response

from services.dashboard import store
from services.dashboard.api.ehr_servers import EhrServers
from services.dashboard.domain import Ehr
from shared.audit import Entry, Kind
from shared.auth import UNREADABLE, Caller, Role, unauthenticated
from shared.db import POOL_WAIT_S, Pool, SiteScope, transaction
from shared.http.commands import pool_of
from shared.http.record import Trail, begin_trail
from shared.http.sessions import name_of, spend
from shared.settings import Platform

_LONGEST_TOKEN = 8192
_LONGEST_CLAIM = 500


@dataclass(frozen=True, slots=True)
class EhrCaller:
    """An EHR that has proven itself, with the headers that let its page read the answer."""

    ehr: Ehr
    cors: dict[str, str]

    @property
    def scope(self) -> SiteScope:
        return SiteScope.of(self.ehr.site_id)

    def trail(self, request: Request, subject: str | None) -> Trail:
        """The record of this call, for one of the EHR's practitioners; without one, for the EHR itself."""
        who, role = (self.ehr.ehr_id, Role.SYSTEM) if subject is None else (subject, Role.CLINICIAN)
        return begin_trail(request, Caller(who, role, frozenset({self.ehr.site_id})))


async def calling_ehr(request: Request) -> EhrCaller:
    """The EHR whose token this call carries; the token is spent.

    Raises:
        Problem: 401, without saying which check failed.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or len(token) > _LONGEST_TOKEN:
        raise unauthenticated("Send a token of a registered EHR in the header Authorization: Bearer.")
    try:
        ehr = await _named(request, token)
        servers: EhrServers = request.app.state.ehr_servers
        claims = await servers.claims(ehr, token, audience=f"{address_of(request)}{request.scope['path']}")
        await _spend(request, ehr, claims)
    except UNREADABLE:
        raise unauthenticated("The token is not valid here.") from None
    origin = request.headers.get("origin")
    return EhrCaller(ehr, _readable_by(origin if origin in ehr.origins else None))


Calling = Annotated[EhrCaller, Depends(calling_ehr)]


async def launching_ehr(request: Request, fhir_server: str) -> Ehr | None:
    """The EHR whose FHIR server launches us; None when it is not registered."""
    async with transaction(pool_of(request)) as connection:
        return await store.launcher_of_all_sites(connection, fhir_server.rstrip("/"))


async def framers(pool: Pool, secret: str) -> Sequence[str] | None:
    """The origins that may show in a frame what is answered to this session."""
    async with pool.acquire(timeout=POOL_WAIT_S) as connection:
        return await store.framers_of_all_sites(connection, name_of(secret))


async def let_call(request: Request) -> Response:
    """What browsers ask before a page of another origin may call."""
    allowed = {
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "600",
    }
    headers = await cors_of(request)
    return Response(status_code=204, headers=headers | (allowed if "access-control-allow-origin" in headers else {}))


async def cors_of(request: Request) -> dict[str, str]:
    """Headers that let a page of some registered EHR read what is the same for everybody."""
    origin = request.headers.get("origin")
    if origin is None:
        return _readable_by(None)
    async with transaction(pool_of(request)) as connection:
        return _readable_by(origin if await store.is_origin_of_all_sites(connection, origin) else None)


def _readable_by(origin: str | None) -> dict[str, str]:
    return {"vary": "origin"} | ({} if origin is None else {"access-control-allow-origin": origin})


def address_of(request: Request) -> str:
    """Where we are reached."""
    platform: Platform = request.app.state.platform
    return platform.public_url("dashboard")


async def _named(request: Request, token: str) -> Ehr:
    """The EHR that a token says it is of; nothing is proven yet."""
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    if not isinstance(issuer, str) or len(issuer) > _LONGEST_CLAIM:
        raise ValueError("no issuer")
    async with transaction(pool_of(request)) as connection:
        ehr = await store.caller_of_all_sites(connection, issuer)
    if ehr is None:
        raise LookupError("not registered")
    return ehr


async def _spend(request: Request, ehr: Ehr, claims: dict[str, Any]) -> None:
    """Use the token up. That it came before is on record with the site: somebody else may have it."""
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    async with transaction(pool_of(request), SiteScope.of(ehr.site_id)) as connection:
        is_first = await spend(connection, ehr.site_id, ehr.ehr_id, claims["jti"], expires_at)
        if not is_first:
            trail = begin_trail(request, Caller(ehr.ehr_id, Role.SYSTEM, frozenset({ehr.site_id})))
            await trail.keep(connection, [Entry(ehr.site_id, Kind.DENIED, 401)])
    if not is_first:
        raise ValueError("used before")
