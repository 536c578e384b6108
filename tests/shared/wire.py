"""A wire to PostgreSQL that can be cut at any moment, before a request arrives or before its answer does.

It can also change words on their way to the server: a program with a broken part, none of it changed. What stands in
for a word is as long, so that the messages of the protocol stay whole.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"


class Wire:
    """Passes on what is said between clients at `dsn` and the server behind it."""

    def __init__(self, words: Mapping[bytes, bytes]) -> None:
        assert all(len(said) == len(heard) for said, heard in words.items())
        self.dsn = ""
        self._words = words
        self._exchanges_left: int | None = None
        self._is_away = False
        self._may_pass = asyncio.Event()
        self._may_pass.set()
        self.is_holding_something = False
        self._open: set[asyncio.StreamWriter] = set()

    def cut_at(self, exchange: int) -> None:
        """Drop everything at this exchange (1 is the next thing said by either side), and pass on from then on."""
        self._exchanges_left = exchange

    @property
    def was_cut(self) -> bool:
        return self._exchanges_left is None

    def unplug(self) -> None:
        """Drop everything, and let nobody in until `plug`."""
        self._is_away = True
        self._drop()

    def plug(self) -> None:
        self._is_away = False

    def hold(self) -> None:
        """Keep back what is said, until `release`."""
        self._may_pass.clear()

    def release(self) -> None:
        self._may_pass.set()

    async def join(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, until either side ends it."""
        if self._is_away:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_connection(host, port)
        self._open |= {writer, server_writer}
        await asyncio.gather(
            self._pass_on(reader, server_writer, self._words), self._pass_on(server_reader, writer, {})
        )
        self._open -= {writer, server_writer}

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: Mapping[bytes, bytes]
    ) -> None:
        with suppress(ConnectionError):
            while said := await reader.read(65_536):
                self.is_holding_something = not self._may_pass.is_set()
                await self._may_pass.wait()
                if self._is_cut_now():
                    self._drop()
                for word, other in words.items():
                    said = said.replace(word, other)
                writer.write(said)
        writer.close()

    def _is_cut_now(self) -> bool:
        if self._exchanges_left is None:
            return False
        self._exchanges_left -= 1
        if self._exchanges_left:
            return False
        self._exchanges_left = None
        return True

    def _drop(self) -> None:
        for writer in self._open:
            writer.transport.abort()


@asynccontextmanager
async def wire_to(dsn: str, words: Mapping[bytes, bytes] = MappingProxyType({})) -> AsyncIterator[Wire]:
    """A wire to this database, which hears other `words` than were said."""
    address, wire = urlsplit(dsn), Wire(words)
    host, port = address.hostname or LOOPBACK, address.port or 5432
    server = await asyncio.start_server(lambda r, w: wire.join(host, port, r, w), LOOPBACK, 0)
    own_port = server.sockets[0].getsockname()[1]
    place = address.netloc.replace(f":{port}", f":{own_port}")
    wire.dsn = address._replace(netloc=place, query="sslmode=disable").geturl()
    try:
        yield wire
    finally:
        server.close()
        wire.unplug()
        await server.wait_closed()
