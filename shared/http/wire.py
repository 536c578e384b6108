"""The HTTP server's side of the limits: what a connection may send before there is a request at all.

uvicorn waits for ever for the end of a header and keeps what came. Here an address or header that is too long is
refused while it arrives, and who is slower than the limits is hung up on, before, in and after a request.
"""

import asyncio

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.errors import Problem
from shared.http import problems
from shared.http.policy import policy
from shared.settings import Limits


class Wire(HttpToolsProtocol):
    """One connection. `wire` makes it for some limits."""

    limits = Limits()
    _hang_up: asyncio.TimerHandle | None = None
    _read = 0
    _is_in_head = True
    _problem: Problem | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._give(self.limits.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._give(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._hang_up is None and self._is_in_head:
            self._give(self.limits.header_s)
        self._read += len(data)
        super().data_received(data)
        if self._is_in_head and self._read > self.limits.address_bytes + 2 * self.limits.header_bytes:
            self._refuse(431, "headers-too-large", "The headers are too many or too long.")
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._read, self._is_in_head = 0, True
        self._give(self.limits.header_s)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.limits.address_bytes:
            self._refuse(414, "address-too-long", "The address is too long.")
            raise ValueError

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self.limits.headers:
            self._refuse(431, "headers-too-large", "The headers are too many or too long.")
            raise ValueError

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        # The application answers what is too slow or too large. Who sends on may still read that, and no longer.
        self._give(self.limits.request_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_head, self._read = True, 0
        self._give(None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What cannot be read gets a problem document like all that is refused, and the connection ends."""
        if self.transport.is_closing():
            return
        problem = self._problem or Problem(400, "unreadable", "This is no HTTP request.")
        content = orjson.dumps(problems.document(problem))
        headers = {
            **policy(),
            "content-type": "application/problem+json",
            "content-length": str(len(content)),
            "connection": "close",
        }
        lines = [STATUS_LINE[problem.status], *(f"{name}: {value}\r\n".encode() for name, value in headers.items())]
        self.transport.write(b"".join([*lines, b"\r\n", content]))
        self.transport.close()

    def shutdown(self) -> None:
        """The server ends: what has no end of its own is hung up on, all else is answered first."""
        super().shutdown()
        if self.cycle is not None and self.scope.get("state", {}).get("is_stream"):
            self.transport.close()

    def _refuse(self, status: int, kind: str, detail: str) -> None:
        self._problem = Problem(status, kind, detail)

    def _give(self, seconds: float | None) -> None:
        """Hang up after so long, unless something happens until then."""
        if self._hang_up is not None:
            self._hang_up.cancel()
        self._hang_up = None if seconds is None else self.loop.call_later(seconds, self._end)

    def _end(self) -> None:
        """Hang up; but let a file come in for as long as the edge has said that it may."""
        self._hang_up = None
        more_s = None if self._is_in_head else self.scope.get("state", {}).pop("upload_s", None)
        if more_s is None:
            self.transport.close()
        else:
            self._give(more_s - self.limits.request_s)


def wire(limits: Limits) -> type[Wire]:
    """The protocol for `uvicorn.run(http=...)`."""
    return type("LimitedWire", (Wire,), {"limits": limits})
