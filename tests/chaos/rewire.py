"""A wire to PostgreSQL on which some words of a client become others: a program with a broken part, none of it changed.

What stands in for a word is as long, so the messages of the protocol stay whole.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


@asynccontextmanager
async def rewired(dsn: str, words: Mapping[bytes, bytes]) -> AsyncIterator[str]:
    """The DSN of a server that hears other words."""
    assert all(len(said) == len(heard) for said, heard in words.items())
    address = urlsplit(dsn)

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(address.hostname, address.port)
        await asyncio.gather(_pass_on(reader, back, words), _pass_on(there, writer, {}))

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    place = address.netloc.replace(f":{address.port}", f":{port}")
    try:
        yield address._replace(netloc=place, query="sslmode=disable").geturl()
    finally:
        server.close()
        await server.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: Mapping[bytes, bytes]) -> None:
    with suppress(ConnectionError):
        while said := await reader.read(1 << 20):
            for word, other in words.items():
                said = said.replace(word, other)
            writer.write(said)
    writer.close()
