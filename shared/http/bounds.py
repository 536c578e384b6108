"""How large and how slow a request may be. Counted on what comes, whatever it says of itself.

The server looks at addresses and headers while they arrive (`shared.http.wire`); here the same holds behind any other.
"""

import asyncio

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


async def body_of(receive: Receive, most_bytes: int, seconds: float) -> bytes:
    """The body, whole.

    Raises:
        Problem: 413, it is larger; 408, it takes longer; 400, it was broken off.
    """
    parts, left = list[bytes](), most_bytes
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Problem(400, "broken-off", "The body did not arrive whole.")
                parts.append(message.get("body", b""))
                left -= len(parts[-1])
                if left < 0:
                    raise Problem(413, "too-large", "The body is too large.")
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise Problem(408, "too-slow", "The body took too long.") from None


def piecemeal(receive: Receive, most_bytes: int) -> Receive:
    """A body that its route reads while it comes.

    Raises:
        Problem: on reading; 413, it has become larger than that, 400, it was broken off.
    """
    left = most_bytes

    async def receive_some() -> Message:
        nonlocal left
        message = await receive()
        if message["type"] != "http.request":
            raise Problem(400, "broken-off", "The file did not arrive whole.")
        left -= len(message.get("body", b""))
        if left < 0:
            raise Problem(413, "too-large", "The file is too large. Send it in parts.")
        return message

    return receive_some


def again(body: bytes, receive: Receive) -> Receive:
    """For who asks for a body that was read; after it comes what comes."""
    read: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return read.pop() if read else await receive()

    return receive_again


def _length(header: tuple[bytes, bytes]) -> int:
    name, value = header
    return len(name) + len(value)
