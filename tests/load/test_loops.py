"""The load generators: what is read out of them, and that the open loop leaves out no delay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.load.loops import Closed, closed_of, opened, percentile
from tests.load.machine import ROOT
from tests.load.tools import Missing, Tools, find_tools

STALLED_S = 0.5


@pytest.fixture(scope="session")
def tools() -> Tools:
    try:
        return find_tools(ROOT / "var" / "bench-programs")
    except Missing as missing:
        pytest.skip(str(missing))


def test_the_result_of_wrk_is_found_among_what_it_prints() -> None:
    said = 'Running 1s test\nRESULT {"requests": 9, "seconds": 2, "p50_ms": 1, "p99_ms": 3, "failed": 0, "used": 9}\n'
    assert closed_of(said) == Closed(requests=9, seconds=2, p50_ms=1, p99_ms=3, failed=0, used=9)
    assert closed_of("unable to connect\n") is None


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    values = list(range(1, 201))
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [100, 198, 200]
    assert percentile([7.0], 99) == 7.0


@dataclass
class Stalling:
    """A door that answers nothing while it has stalled: half a second from its first request on."""

    port: int = 0
    is_once: bool = False

    def url(self, _: str) -> str:
        return f"http://127.0.0.1:{self.port}"

    def written(self) -> int:
        return 0

    def pids(self) -> dict[str, list[int]]:
        return {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        begun: list[asyncio.TimerHandle] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.readline():
                while (await reader.readline()).strip():
                    pass
                if not begun:
                    begun.append(loop.call_later(STALLED_S, over.set))
                await over.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield


async def test_the_open_loop_counts_the_delay_of_everything_that_was_due_while_a_door_stalled(
    tools: Tools, tmp_path: Path
) -> None:
    (tmp_path / "sites.tsv").write_text("site-1\twriter\treader\n")
    (tmp_path / "patients.tsv").write_text("site-1\tpatient-1\n")
    (tmp_path / "survey.json").write_text("{}")
    door = Stalling()
    async with door.serving():
        found = await asyncio.to_thread(opened, tools, door, tmp_path, "read", rate=100, seconds=1)
    assert found.due == 100
    assert found.failed == {}
    # Half of them were due while nothing was answered: a closed loop would have sent one of those.
    assert sum(delay > 100 for delay in found.delays_ms) >= 35
    assert max(found.delays_ms) >= STALLED_S * 1000 * 0.9
