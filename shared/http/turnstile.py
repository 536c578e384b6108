"""A bounded queue before the work: what a process cannot do soon it refuses at once, instead of doing all too late."""

import asyncio

from shared.errors import busy


class Turnstile:
    """An asynchronous context for the time of one request: at most `at_work` are inside, and `waiting` before it.

    Raises:
        Problem: 503 on entering, when too many wait; nothing was begun.
    """

    def __init__(self, at_work: int, waiting: int) -> None:
        self._places = asyncio.Semaphore(at_work)
        self._most_waiting = waiting
        self._waiting = 0

    async def __aenter__(self) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        if self._waiting >= self._most_waiting:
            raise busy()
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._places.release()
