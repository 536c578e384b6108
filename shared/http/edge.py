"""The edge of every application, as one plain ASGI middleware: request id, trace, sign-in, limits, count, headers.

Default is deny: no path answers without a valid token but health, metrics, static files and the sign-in link. The
token comes in `Authorization: Bearer` or, for pages, in the session cookie.
"""

import asyncio
import re
import time
from collections.abc import Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from traceback import format_tb
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth import Caller, Verifier, unauthenticated
from shared.errors import Problem
from shared.http import problems
from shared.telemetry import REQUEST_SECONDS, REQUESTS, start_trace

_log = structlog.get_logger()
SESSION_COOKIE = "samepage_session"
_OPEN = re.compile(r"/(health/(live|ready)|metrics|sign-in|static/.*)")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Edge:
    """Wraps the application; needs nothing of it but that its errors are answered inside."""

    def __init__(
        self, app: ASGIApp, *, service: str, verifier: Verifier, timeout_s: float, max_body_bytes: int
    ) -> None:
        self._app = app
        self._service = service
        self._verifier = verifier
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        traceparent = start_trace(headers.get("traceparent"))
        started = time.perf_counter()
        answer = _Answer(send, {"x-request-id": request_id, "traceparent": traceparent})
        try:
            await self._answer(scope, receive, answer, headers)
        finally:
            self._count(scope, answer.status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer", headers: Headers) -> None:
        try:
            if not _OPEN.fullmatch(scope["path"]):
                scope["state"]["caller"] = self._caller(headers)
            async with asyncio.timeout(self._timeout_s):
                await self._app(scope, _bounded(receive, self._max_body_bytes), answer)
            return
        except Problem as problem:
            failure = problem
        except TimeoutError:
            failure = Problem(503, "too-slow", "The answer took too long. Send it again with the same key.")
        except Exception as error:
            # The frames without the message: messages of the database and of validation carry values.
            _log.error("unexpected", failure=type(error).__name__, frames=format_tb(error.__traceback__)[-6:])
            failure = Problem(500, "unexpected", "Our mistake; it is on record.")
        if answer.has_begun:
            _log.error("answer broken off", reason=failure.kind)
            return
        await problems.answer(failure)(scope, receive, answer)

    def _caller(self, headers: Headers) -> Caller:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return self._verifier.caller(token)
        token = _cookie(headers.get("cookie", ""))
        if token:
            return self._verifier.caller(token)
        raise unauthenticated("Send a token in the header Authorization: Bearer.")

    def _count(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        REQUESTS.labels(self._service, scope["method"], route, str(status)).inc()
        REQUEST_SECONDS.labels(self._service, scope["method"], route).observe(seconds)
        if status >= 500:
            _log.error("request failed", route=route, status=status)


class _Answer:
    """The way out of one answer: adds our headers, and knows whether it has begun."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.status = 500
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self.status = message["status"]
            out = MutableHeaders(scope=message)
            out.update(self._headers)
            for name, value in _SECURITY_HEADERS.items():
                out.setdefault(name, value)
        await self._send(message)


def _bounded(receive: Receive, most_bytes: int) -> Receive:
    """Read no more of a body than this, whatever length it says to have."""
    left = most_bytes

    async def receive_within() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return receive_within


def _request_id(given: str | None) -> str:
    return given if given is not None and _REQUEST_ID.fullmatch(given) else uuid4().hex


def _cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(SESSION_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""
