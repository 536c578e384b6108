"""Who is asking, before anything is answered: a token in `Authorization: Bearer`, or the session in the cookie.

Default is deny. A browser that asks for a page without a session is led to where it gets one; everything else gets a
401. What a browser sends by itself is believed only where the request comes from our own pages (`Sec-Fetch-Site`, else
`Origin`): no other site can make somebody's browser write here.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from shared.auth import Caller, Verifier, unauthenticated
from shared.db import Pool
from shared.errors import Problem
from shared.http.problems import is_for_page
from shared.http.sessions import SessionEnded, Sessions, name_of
from shared.http.sign_in import lead_in

_STATIC = r"static/.*"
_OPEN = rf"health/(live|ready)|metrics|{_STATIC}"
_SIGN_IN = r"sign-in(/.*)?|sign-out(/own)?|signed-out"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# Origins that may show in a frame what is answered to the session of this secret; None: it did not begin in a frame.
Framers: TypeAlias = Callable[[Pool, str], Awaitable[Sequence[str] | None]]


class Gate:
    """Lets requests in. Only services with pages have sessions.

    `open_paths` (a pattern) answer anybody; what is posted to `uploads` (a pattern) may be a large file, and an answer
    from `streams` (a pattern) goes on for long.
    """

    def __init__(
        self,
        verifier: Verifier,
        sessions: Sessions | None,
        open_paths: str | None,
        uploads: str | None = None,
        framers: Framers | None = None,
        streams: str | None = None,
    ) -> None:
        self._verifier = verifier
        self._sessions = sessions
        self._framers = framers
        patterns = (_OPEN, None if sessions is None else _SIGN_IN, open_paths)
        self._open = re.compile(f"/({'|'.join(filter(None, patterns))})")
        self._uploads = None if uploads is None else re.compile(f"/({uploads})")
        self._streams = None if streams is None else re.compile(f"/({streams})")

    def is_sign_in(self, request: Request) -> bool:
        """Whether somebody signs in there, or out."""
        return self._sessions is not None and re.fullmatch(f"/({_SIGN_IN})", request.scope["path"]) is not None

    def is_upload(self, request: Request) -> bool:
        """Whether a file is sent that its route reads while it comes."""
        is_there = self._uploads is not None and self._uploads.fullmatch(request.scope["path"]) is not None
        return is_there and request.method == "POST"

    def is_stream(self, request: Request) -> bool:
        """Whether somebody listens there for as long as they like."""
        is_there = self._streams is not None and self._streams.fullmatch(request.scope["path"]) is not None
        return is_there and request.method == "GET"

    def is_static(self, request: Request) -> bool:
        """Whether a file is asked for that is the same for everybody."""
        return re.fullmatch(f"/{_STATIC}", request.scope["path"]) is not None

    async def admit(self, request: Request) -> Response | None:
        """Note who asks in `request.state.caller`, if the path needs one; or the response that leads to a sign-in.

        Raises:
            Problem: 401, or 403 for a write that another site's page sent.
        """
        is_open = self._open.fullmatch(request.scope["path"]) is not None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        # No browser sends a token by itself; what it is worth on an open path is for the route to find out.
        is_by_token = scheme.lower() == "bearer"
        if is_by_token and not is_open:
            request.state.caller = await self._verifier.caller(token, request.scope["path"])
            return None
        if request.method not in _SAFE_METHODS and not is_by_token and not _is_from_here(request):
            raise Problem(403, "other-site", "The request came from a page of another site.")
        return None if is_open else await self._admit_session(request)

    async def _admit_session(self, request: Request) -> Response | None:
        ended: SessionEnded | None = None
        if self._sessions is not None:
            try:
                caller = await self._caller(request, self._sessions)
            except SessionEnded as over:
                caller, ended = None, over
            if caller is not None:
                request.state.caller = caller
                return None
        if self._sessions is not None and is_for_page(request):
            return lead_in(request, ended)
        raise unauthenticated("Send a token in the header Authorization: Bearer.")

    async def _caller(self, request: Request, sessions: Sessions) -> Caller | None:
        """Who holds the session, of those in the browser the one that began in a frame. It is noted as theirs."""
        framed, secret = request.cookies.get(sessions.framed_cookie), request.cookies.get(sessions.cookie)
        if self._framers is not None and framed is not None:
            origins = await self._framers(request.app.state.pool, framed)
            if origins is not None:
                request.state.framed_by, secret = origins, framed
        if secret is None:
            return None
        caller = await sessions.caller(request.app.state.pool, secret)
        request.state.session = name_of(secret)
        return caller


def _is_from_here(request: Request) -> bool:
    """Whether no page of another site sent it; what is no browser sends neither header, and no cookie by itself."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:
        return False
