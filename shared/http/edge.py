"""The edge of every application, as one plain ASGI middleware: request id, trace, sign-in, limits, count, headers.

Default is deny: `shared.http.gate` says who may come in.
"""

import asyncio
import re
import time
from collections.abc import Mapping, MutableMapping, Sequence
from traceback import format_tb
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.db import RETRYABLE
from shared.errors import Problem
from shared.http import problems
from shared.http.gate import Gate
from shared.telemetry import REQUEST_SECONDS, REQUESTS, start_trace

_log = structlog.get_logger()
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Edge:
    """Wraps the application; needs nothing of it but that its errors are answered inside.

    `forms_lead_to` are other origins that the answer to a form may redirect to.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        gate: Gate,
        timeout_s: float,
        max_body_bytes: int,
        forms_lead_to: Sequence[str] = (),
    ) -> None:
        self._app = app
        self._service = service
        self._gate = gate
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        form_action = " ".join(("'self'", *forms_lead_to))
        self._headers = {name: value.format(form_action=form_action) for name, value in _SECURITY_HEADERS.items()}

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
        always = {"x-request-id": request_id, "traceparent": traceparent}
        answer = _Answer(send, always, self._headers)
        try:
            await self._answer(scope, receive, answer)
        finally:
            self._count(scope, answer.status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        receive = _bounded(receive, self._max_body_bytes)
        try:
            async with asyncio.timeout(self._timeout_s):
                app = await self._gate.admit(Request(scope)) or self._app
                await app(scope, receive, answer)
            return
        except Problem as problem:
            failure = problem
        except TimeoutError:
            failure = Problem(503, "too-slow", "The answer took too long. Send it again with the same key.")
        except RETRYABLE as error:
            failure = problems.away(error)
        except Exception as error:
            # The frames without the message: messages of the database and of validation carry values.
            _log.error("unexpected", failure=type(error).__name__, frames=format_tb(error.__traceback__)[-6:])
            failure = Problem(500, "unexpected", "Our mistake; it is on record.")
        if answer.has_begun:
            _log.error("answer broken off", reason=failure.kind)
            return
        await problems.answer(Request(scope), failure)(scope, receive, answer)

    def _count(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        REQUESTS.labels(self._service, scope["method"], route, str(status)).inc()
        REQUEST_SECONDS.labels(self._service, scope["method"], route).observe(seconds)
        if status >= 500:
            _log.error("request failed", route=route, status=status)


class _Answer:
    """The way out of one answer: knows whether it has begun, adds our headers, the `usual` where a route set none."""

    def __init__(self, send: Send, headers: Mapping[str, str], usual: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self._usual = usual
        self.status = 500
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self.status = message["status"]
            out = MutableHeaders(scope=message)
            out.update(self._headers)
            for name, value in self._usual.items():
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
