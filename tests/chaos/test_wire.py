"""The wire of the rig: what is said arrives, whole and in order, unless the wire is deaf or cut."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from deploy.chaos.wire import Mood, Wire
from deploy.local.ports import HOST

ENDED = (ConnectionResetError, asyncio.IncompleteReadError)
SAID = [bytes([number]) * (number + 1) for number in range(40)]


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """Port of a server that repeats what it hears."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while heard := await reader.read(1024):
            writer.write(heard)
        writer.close()

    server = await asyncio.start_server(repeat, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
def wire(echo: int) -> Iterator[Wire]:
    with Wire(echo) as opened:
        yield opened


@asynccontextmanager
async def connected(wire: Wire) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, wire.port)
    async with asyncio.timeout(20):
        yield reader, writer
    writer.close()


@pytest.mark.parametrize("moods", [["fine"], ["slow", "fine"], ["trickling", "fine"], ["fine", "trickling", "slow"]])
async def test_all_that_is_said_arrives_in_order_however_the_wire_is(wire: Wire, moods: list[Mood]) -> None:
    async with connected(wire) as (reader, writer):
        for number, said in enumerate(SAID):
            wire.mood = moods[number * len(moods) // len(SAID)]
            writer.write(said)
            await writer.drain()
        wire.mood = "fine"
        whole = b"".join(SAID)
        assert await reader.readexactly(len(whole)) == whole


async def test_a_deaf_wire_passes_on_nothing_and_a_cut_one_ends_who_waits(wire: Wire) -> None:
    async with connected(wire) as (reader, writer):
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        wire.mood = "deaf"
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(3)
        wire.cut()
        with pytest.raises(ENDED):
            await reader.readexactly(3)
        wire.mood = "fine"
    async with connected(wire) as (reader, writer):
        writer.write(b"three")
        assert await reader.readexactly(5) == b"three"


async def test_who_comes_while_the_server_is_away_is_turned_away(wire: Wire) -> None:
    wire.to_port = 1
    async with connected(wire) as (reader, _):
        with pytest.raises(ENDED):
            await reader.readexactly(1)
