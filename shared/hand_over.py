"""A patient's session on its way from one service to another: an assertion for one receiver, good once, for a minute.

The receiver begins it, as with any provider: it sends the browser with a state, and takes the assertion only from the
browser that it sent.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from shared.auth import UNREADABLE, Caller, Issuer, Role
from shared.settings import Platform
from shared.signing import SigningKeys

GIVEN_BY, GIVEN_AT = "intake", "/hand-over"
ASKED_AT, TAKEN_AT, ENDED_AT = "/sign-in/own", "/sign-in/own/callback", "/sign-out/own"
# Where patients have sessions. Who signs out of one is led over all, in this order: first where new ones are given.
PLACES = (GIVEN_BY, "dashboard", "feedback")
_GOOD_FOR = timedelta(seconds=60)


class HandedOver(NamedTuple):
    """Who it is, and until when a session may live; by `token_id` an assertion is known when it comes twice."""

    caller: Caller
    session_ends_at: datetime
    issuer: str
    token_id: str
    expires_at: datetime

    @property
    def site_id(self) -> str:
        (site_id,) = self.caller.sites
        return site_id


def assertion(
    keys: SigningKeys, platform: Platform, caller: Caller, *, to: str, state: str, session_ends_at: datetime
) -> str:
    """A signed assertion that this patient may have a session at the service `to`."""
    now = datetime.now(UTC)
    claims = {
        "iss": platform.public_urls[GIVEN_BY],
        "aud": _audience(platform, to),
        "sub": caller.subject,
        "iat": now,
        "exp": now + _GOOD_FOR,
        "jti": str(uuid4()),
        "nonce": state,
        "role": caller.role.value,
        "sites": sorted(caller.sites),
        "patient": str(caller.patient_id),
        "session_ends_at": int(session_ends_at.timestamp()),
    }
    return keys.sign(claims)


class Receiver:
    """One service's reading of assertions; the giver is the network's own issuer."""

    def __init__(self, platform: Platform, service: str) -> None:
        self.service = service
        if platform.network is None:
            raise ValueError("SAMEPAGE_NETWORK is not set")
        trusted = platform.network.model_copy(
            update={"audience": _audience(platform, service), "roles": frozenset({Role.PATIENT})}
        )
        self._issuer = Issuer(trusted)

    async def read(self, assertion: str, state: str) -> HandedOver | None:
        """What an assertion says; None when it is not for us, not for this state, or not in force."""
        try:
            claims = await self._issuer.claims(assertion, "jti", "nonce", "session_ends_at")
            if not secrets.compare_digest(claims["nonce"], state):
                raise ValueError("of another browser")
            ends_at, expires_at = (datetime.fromtimestamp(claims[name], UTC) for name in ("session_ends_at", "exp"))
            return HandedOver(self._issuer.caller(claims), ends_at, claims["iss"], claims["jti"], expires_at)
        except UNREADABLE:
            return None


def _audience(platform: Platform, service: str) -> str:
    """The receiver's own address, so that no other service takes it."""
    return f"{platform.public_urls[service]}{TAKEN_AT}"
