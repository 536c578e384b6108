"""A bounded queue before the work: what a process cannot do soon it refuses at once, instead of doing all too late."""

import asyncio

from shared.errors import busy


class Turnstile:
    """An asynchronous context for the time of one request: at most `at_work` are inside, and `waiting` before it.

    Who leaves and comes again at once finds room: they are counted, not the places.

    Raises:
        Problem: 503 on entering, when too many wait; nothing was begun.
    """

    def __init__(self, at_work: int, waiting: int) -> None:
        self._places = asyncio.Semaphore(at_work)
        self._room = at_work + waiting

    async def __aenter__(self) -> None:
        if self._room == 0:
            raise busy()
        self._room -= 1
        try:
            await self._places.acquire()
        except BaseException:
            self._room += 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._places.release()
        self._room += 1
