"""Setting a summary on paper, off the event loop and outside this process.

Typst keeps what it has set in memory, patients' words with it, and never gives it back: so each file is set by a
process that ends with it, has none of our environment, and whose complaints, which quote the words, nobody reads.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any

import orjson

_PRESS = Path(__file__).with_name("press.py")
_AT_ONCE = 2


class Paper:
    """Sets at most two files at once; others wait their turn."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def set(self, summary: dict[str, Any]) -> bytes:
        """The PDF of `summary.summary_of`: a tenth of a second or two of another process.

        Raises:
            RuntimeError: it was not set.
        """
        async with self._turn:
            press = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(_PRESS), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
            )
            try:
                made, _ = await press.communicate(orjson.dumps(summary))
            finally:
                if press.returncode is None:
                    press.kill()
        if press.returncode or not made:
            raise RuntimeError("a summary was not set")
        return made
