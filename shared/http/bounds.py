"""How large and how slow a request may be. Counted on what comes, whatever it says of itself.

The server looks at addresses and headers while they arrive (`shared.http.wire`); here the same holds behind any other.
"""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from shared.errors import Problem
from shared.settings import Limits


def refuse_too_large(scope: Scope, limits: Limits) -> None:
    """Look at address and headers.

    Raises:
        Problem: 414, 431, or 400 for too many parameters.
    """
    query: bytes = scope["query_string"]
    if len(scope.get("raw_path") or scope["path"]) + len(query) > limits.address_bytes:
        raise Problem(414, "address-too-long", "The address is too long.")
    if query.count(b"&") >= limits.parameters:
        raise Problem(400, "too-many-parameters", "The query has too many parameters.")
    headers = scope["headers"]
    if len(headers) > limits.headers or sum(map(_length, headers)) > limits.header_bytes:
        raise Problem(431, "headers-too-large", "The headers are too many or too long.")


def bounded(receive: Receive, limits: Limits) -> Receive:
    """The body, as long as it is neither too large nor too slow."""
    left, is_whole = limits.body_bytes, False
    until: float | None = None

    async def receive_within() -> Message:
        nonlocal left, is_whole, until
        if is_whole:
            return await receive()
        loop = asyncio.get_running_loop()
        until = until or loop.time() + limits.body_s
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        is_whole = not message.get("more_body", False)
        return message

    return receive_within


def _length(header: tuple[bytes, bytes]) -> int:
    name, value = header
    return len(name) + len(value)
