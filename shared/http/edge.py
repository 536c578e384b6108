"""The edge of every application, as one plain ASGI middleware: request id, trace, sign-in, limits, count, headers.

Default is deny: `shared.http.gate` says who may come in.
"""

import asyncio
import re
import time
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import AsyncExitStack
from functools import cache
from traceback import format_tb
from typing import Any, TypeAlias
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.db import RETRYABLE
from shared.errors import Problem
from shared.http import problems
from shared.http.bounds import again, body_of, piecemeal, refuse_too_large
from shared.http.gate import Gate
from shared.http.media import media_type_of
from shared.http.policy import framed_by
from shared.http.rates import Crowd
from shared.http.sound_json import READ_BODY, check, is_json
from shared.http.turnstile import Turnstile
from shared.settings import Limits
from shared.telemetry import REQUEST_SECONDS, REQUESTS, start_trace

RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]
_log = structlog.get_logger()
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_MACHINERY = re.compile(r"/(health/(live|ready)|metrics)")


class Edge:
    """Wraps the application; needs nothing of it but that its errors are answered inside.

    Health and metrics are answered however much else there is to do. `usual` are the headers of every answer that sets
    no others. `framed_by` in a request's state are origins whose pages may show the answer in a frame.
    """

    def __init__(
        self, app: ASGIApp, *, service: str, gate: Gate, limits: Limits, crowd: Crowd, usual: Mapping[str, str]
    ) -> None:
        self._app = app
        self._service = service
        self._gate = gate
        self._limits = limits
        self._crowd = crowd
        self._turnstile = Turnstile(limits.at_work, limits.waiting)
        self._uploads = Turnstile(limits.uploads, limits.uploads)
        self._streams = Turnstile(limits.streams, 0)
        self._usual = _raw(usual)

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
        answer = _Answer(send, scope, _raw({"x-request-id": request_id, "traceparent": traceparent}), self._usual)
        try:
            await self._answer(scope, receive, answer)
        finally:
            self._count(scope, answer.status, (answer.streams_since or time.perf_counter()) - started)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            refuse_too_large(scope, self._limits)
            async with asyncio.timeout(self._limits.request_s) as deadline:
                await self._answer_in_turn(scope, receive, answer, deadline)
            return
        except Problem as problem:
            failure = problem
        except HTTPException as error:
            failure = problems.of_http(error)
        except TimeoutError:
            detail = "The answer took too long. Send it again with the same key."
            failure = Problem(503, "too-slow", detail, headers={"retry-after": "1"})
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

    async def _answer_in_turn(
        self, scope: Scope, receive: Receive, answer: "_Answer", deadline: asyncio.Timeout
    ) -> None:
        if _MACHINERY.fullmatch(scope["path"]):
            await self._app(scope, receive, answer)
            return
        request = Request(scope)
        async with self._turnstile:
            app = await self._admit(request) or self._app
        is_known = "caller" in scope["state"]
        if is_known and self._gate.is_upload(request):
            await self._take_upload(scope, receive, answer, deadline)
            return
        if is_known and self._gate.is_stream(request):
            await self._open_stream(scope, receive, answer, deadline)
            return
        # Between two places: who sends slowly takes none.
        most_bytes = self._limits.body_bytes if is_known else self._limits.strangers_bytes
        body = await body_of(receive, most_bytes, self._limits.body_s)
        if is_json(media_type_of(request)):
            scope["state"][READ_BODY] = check(body)
        async with self._turnstile:
            await app(scope, again(body, receive), answer)

    async def _take_upload(self, scope: Scope, receive: Receive, answer: "_Answer", deadline: asyncio.Timeout) -> None:
        """Let a file in while it comes. It has more time, and a queue of its own; the connection is told (`wire`)."""
        more_s = self._limits.upload_s
        deadline.reschedule(asyncio.get_running_loop().time() + more_s)
        scope["state"]["upload_s"] = more_s
        async with self._uploads:
            await self._app(scope, piecemeal(receive, self._limits.upload_bytes), answer)

    async def _open_stream(self, scope: Scope, receive: Receive, answer: "_Answer", deadline: asyncio.Timeout) -> None:
        """A stream takes a turn until it begins, and then none: there are only so many at once. The route ends it."""
        scope["state"]["is_stream"] = True
        async with self._streams, AsyncExitStack() as turn:
            await turn.enter_async_context(self._turnstile)

            async def send(message: Message) -> None:
                await answer(message)
                if message["type"] == "http.response.start":
                    answer.streams_since = time.perf_counter()
                    # The route ends it in time; this is for one who does not read.
                    most_s = self._limits.stream_s + self._limits.request_s
                    deadline.reschedule(asyncio.get_running_loop().time() + most_s)
                    await turn.aclose()

            await self._app(scope, receive, send)

    async def _admit(self, request: Request) -> ASGIApp | None:
        """Let a request in that may come, and not too often; who fails to say who they are is a stranger."""
        is_arriving = self._gate.is_sign_in(request)
        try:
            response = await self._gate.admit(request)
        except Problem as problem:
            if problem.status == 401:
                self._crowd.take_stranger(request, is_arriving=is_arriving)
            raise
        caller = getattr(request.state, "caller", None)
        if caller is not None:
            self._crowd.take(caller)
        elif not self._gate.is_static(request):
            self._crowd.take_stranger(request, is_arriving=is_arriving)
        return response

    def _count(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        requests, request_seconds = _metrics_of(self._service, scope["method"], route, status)
        requests.inc()
        request_seconds.observe(seconds)
        if status >= 500:
            _log.error("request failed", route=route, status=status)


class _Answer:
    """The way out of one answer: knows whether it has begun, adds our headers, the `usual` where a route set none."""

    def __init__(self, send: Send, scope: Scope, headers: RawHeaders, usual: RawHeaders) -> None:
        self._send = send
        self._state = scope["state"]
        self._headers = headers
        self._usual = usual
        self.status = 500
        self.has_begun = False
        self.streams_since: float | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self.status = message["status"]
            set_by_route = message.get("headers", [])
            names = {name for name, _ in set_by_route}
            origins = self._state.get("framed_by")
            policy = framed_by(origins, self._usual) if origins else self._usual
            usual = [(name, value) for name, value in policy if name not in names]
            message["headers"] = [*set_by_route, *self._headers, *usual]
        await self._send(message)


@cache
def _metrics_of(service: str, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: that takes longer than counting."""
    return REQUESTS.labels(service, method, route, str(status)), REQUEST_SECONDS.labels(service, method, route)


def _raw(headers: Mapping[str, str]) -> RawHeaders:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _request_id(given: str | None) -> str:
    return given if given is not None and _REQUEST_ID.fullmatch(given) else uuid4().hex
