"""What a sign-in began with, while the browser is away: kept in a cookie of that browser for ten minutes.

What comes back is taken only by the browser that set out: it brings the state in the address, and the same in the
cookie. Several sign-ins may be under way in one browser. The cookie needs no seal: it proves only which browser it is,
and who could read or set a `__Host-` cookie has the browser already.
"""

import json
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from typing import Self

from fastapi import Request, Response

from shared.auth import UNREADABLE
from shared.errors import Problem
from shared.http import cookies
from shared.http.sessions import Sessions

_SECONDS = 600
_PATH = re.compile(r"/(?![/\\])[^\\\s\x00-\x1f\x7f]{0,1000}")


@dataclass(frozen=True, slots=True)
class Flow:
    """`to` is where to go afterwards. `asked_at`: since then the person must have signed in at the provider. `ehr` is
    the FHIR server of the EHR that launched it, perhaps in a frame.
    """

    state: str
    nonce: str
    verifier: str
    to: str
    asked_at: float | None = None
    ehr: str | None = None

    @classmethod
    def new(cls, to: str, *, asked_at: float | None = None, ehr: str | None = None) -> Self:
        """A flow that nobody can guess.

        Raises:
            Problem: 400, `to` leads away from this host.
        """
        if not _PATH.fullmatch(to):
            raise Problem(400, "not-here", "The link leads away from this host.")
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, to, asked_at, ehr)

    def keep(self, response: Response, sessions: Sessions) -> None:
        """Put it into the browser that sets out."""
        content = urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()
        in_frame = self.ehr is not None
        cookies.put(response, _name(sessions, self.state), content, seconds=_SECONDS, in_frame=in_frame)

    def forget(self, response: Response, sessions: Sessions) -> None:
        """Take it out of the browser that came back."""
        cookies.take(response, _name(sessions, self.state), in_frame=self.ehr is not None)

    @classmethod
    def returned(cls, request: Request, sessions: Sessions, state: str) -> Self | None:
        """The flow that this browser set out with under this state; None when it did not."""
        try:
            flow = cls(**json.loads(urlsafe_b64decode(request.cookies.get(_name(sessions, state), ""))))
            return flow if secrets.compare_digest(flow.state, state) and _PATH.fullmatch(flow.to) else None
        except UNREADABLE:
            return None


def _name(sessions: Sessions, state: str) -> str:
    return f"{sessions.cookie}-flow-{state[:8]}"
