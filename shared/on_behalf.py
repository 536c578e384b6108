"""A write of somebody who is signed in at the dashboard, done by clinical, which owns what is written.

The token says who it is, in which role, for the one site that is written for. The dashboard signs it with a key of its
own, for clinical and for seconds. Clinical believes that key for people of a clinic and for the plan, and nothing else.
"""

import time
from uuid import uuid4

from shared.auth import Caller, Role, TrustedIssuer
from shared.settings import Platform
from shared.signing import SigningKeys

SIGNED_BY, OWNER, WRITTEN_AT, TAKEN_BACK_AT = "dashboard", "clinical", "/v1/plans", "/entered-in-error"
GOOD_FOR_S = 10
ROLES = frozenset({Role.CLINICIAN, Role.COORDINATOR})


def token_for(keys: SigningKeys, platform: Platform, caller: Caller, site_id: str) -> str:
    """A token by which clinical knows the caller, at one of their sites."""
    now = int(time.time())
    claims = {
        "iss": platform.public_url(SIGNED_BY),
        "aud": _audience(platform),
        "sub": caller.subject,
        "iat": now,
        "exp": now + GOOD_FOR_S,
        "jti": str(uuid4()),
        "role": caller.role.value,
        "sites": [site_id],
    }
    return keys.sign(claims)


def narrowed(trusted: TrustedIssuer, platform: Platform) -> TrustedIssuer:
    """An issuer as clinical believes it: in no other role and at no other path, whatever its settings say."""
    roles = trusted.roles & ROLES
    return trusted.model_copy(
        update={"audience": _audience(platform), "roles": roles, "only_at": rf"{WRITTEN_AT}(/[^/]+({TAKEN_BACK_AT})?)?"}
    )


def _audience(platform: Platform) -> str:
    return f"{platform.public_url(OWNER)}{WRITTEN_AT}"
