"""The edge of every application, as one plain ASGI middleware: request id, trace, sign-in, time limit, count, headers.

Default is deny: `shared.http.gate` says who may come in.
"""

import asyncio
import re
import time
from collections.abc import MutableMapping, Sequence
from traceback import format_tb
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.db import RETRYABLE
from shared.errors import Problem
from shared.http import problems
from shared.http.gate import Gate
from shared.telemetry import REQUEST_SECONDS, REQUESTS, start_trace

_log = structlog.get_logger()
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
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
        self, app: ASGIApp, *, service: str, gate: Gate, timeout_s: float, forms_lead_to: Sequence[str] = ()
    ) -> None:
        self._app = app
        self._service = service
        self._gate = gate
        self._timeout_s = timeout_s
        form_action = " ".join(("'self'", *forms_lead_to))
        self._headers = {name: value.format(form_action=form_action) for name, value in _SECURITY_HEADERS.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id"))
        structlog.contextvars.bind_contextvars(request_id=request_id)
        traceparent = start_trace(headers.get("traceparent"))
        started = time.perf_counter()
        status = 500

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["x-request-id"] = request_id
                out["traceparent"] = traceparent
                for name, value in self._headers.items():
                    out.setdefault(name, value)
            await send(message)

        try:
            await self._answer(scope, receive, send_on)
        finally:
            self._count(scope, status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                app = await self._gate.admit(Request(scope)) or self._app
                await app(scope, receive, send)
        except Problem as problem:
            await problems.answer(problem)(scope, receive, send)
        except TimeoutError:
            late = Problem(503, "too-slow", "The answer took too long. Send it again with the same key.")
            await problems.answer(late)(scope, receive, send)
        except RETRYABLE as error:
            await problems.answer(problems.away(error))(scope, receive, send)
        except Exception as error:
            # The frames without the message: messages of the database and of validation carry values.
            _log.error("unexpected", failure=type(error).__name__, frames=format_tb(error.__traceback__)[-6:])
            await problems.answer(Problem(500, "unexpected", "Our mistake; it is on record."))(scope, receive, send)

    def _count(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        REQUESTS.labels(self._service, scope["method"], route, str(status)).inc()
        REQUEST_SECONDS.labels(self._service, scope["method"], route).observe(seconds)
        if status >= 500:
            _log.error("request failed", route=route, status=status)


def _request_id(given: str | None) -> str:
    return given if given is not None and _REQUEST_ID.match(given) else uuid4().hex
