"""The wire from the doors to a server: it passes everything on, until it is told to be slow, deaf, or cut.

It lives in a thread of its own, so that nothing that the rig waits for holds it up.
"""

import asyncio
import socket
import threading
from collections import deque
from typing import Literal, Self, cast

from deploy.local.ports import HOST

Mood = Literal["fine", "slow", "trickling", "deaf"]
_SLOW_S = 0.08


class Wire:
    """Listens on `port` and leads to the server at `to_port`, once that is known. Use it as a context."""

    def __init__(self, to_port: int = 0) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.to_port = to_port
        self.mood: Mood = "fine"
        self.ends: set[_End] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._loop.run_until_complete(self._loop.create_server(lambda: _End(self), sock=self._listener))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._let_go(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._listener.close()

    def cut(self) -> None:
        """End every connection at once, in the middle of whatever is said."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for end in list(self.ends):
            end.abort()

    async def _let_go(self) -> None:
        """Return when no connection is left."""
        while self.ends:
            self._cut()
            await asyncio.sleep(0.01)


class _End(asyncio.Protocol):
    """One end of a connection: of the client, and the other one that it opens to the server."""

    def __init__(self, wire: Wire, other: "_End | None" = None) -> None:
        self._wire = wire
        self._other = other
        self._is_of_client = other is None
        self._transport: asyncio.Transport | None = None
        self._to_say: deque[bytes] = deque()
        self._saying: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._wire.ends.add(self)
        if self._is_of_client:
            self._other = _End(self._wire, self)
            self._saying = asyncio.get_running_loop().create_task(self._lead_on(self._other))
        else:
            self._say_on()

    def data_received(self, data: bytes) -> None:
        if self._other is not None and self._wire.mood != "deaf":
            self._other.say(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wire.ends.discard(self)
        if self._other is not None:
            self._other.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def say(self, data: bytes) -> None:
        """Pass on behind what waits; at once where nothing does and nothing is wrong."""
        if self._transport is not None and self._transport.is_closing():
            return
        if self._transport is not None and not self._to_say and self._wire.mood == "fine":
            self._transport.write(data)
            return
        self._to_say.append(data)
        if self._transport is not None:
            self._say_on()

    def _say_on(self) -> None:
        if self._to_say and (self._saying is None or self._saying.done()):
            self._saying = asyncio.get_running_loop().create_task(self._say_slowly())

    async def _say_slowly(self) -> None:
        while self._to_say and self._transport is not None and not self._transport.is_closing():
            if self._wire.mood == "slow":
                await asyncio.sleep(_SLOW_S)
            said = self._to_say[0]
            part = said[:1] if self._wire.mood == "trickling" else said
            self._transport.write(part)
            if len(part) == len(said):
                self._to_say.popleft()
            else:
                self._to_say[0] = said[len(part) :]
                await asyncio.sleep(0)

    async def _lead_on(self, other: "_End") -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: other, HOST, self._wire.to_port)
        except OSError:
            self.abort()
