"""Waiting for a condition: how tests and the bench wait, whatever for."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
LOOK_S = 0.02


async def until(condition: Callable[[], Awaitable[T]], *, seconds: float | None = 30, every_s: float = LOOK_S) -> T:
    """The first answer of `condition` that is true; for ever, when `seconds` is None.

    Raises:
        TimeoutError: there was none in that time.
    """
    async with asyncio.timeout(seconds):
        while not (answer := await condition()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await asyncio.Event().wait()
    return answer


def wait_until(
    condition: Callable[[], T],
    *,
    seconds: float,
    every_s: float = LOOK_S,
    otherwise: Callable[[], Exception] = TimeoutError,
) -> T:
    """The same where nothing else goes on meanwhile; `otherwise` makes what is raised when the time is over."""
    latest = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > latest:
            raise otherwise()
        threading.Event().wait(every_s)
    return answer
