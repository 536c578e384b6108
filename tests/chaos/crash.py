"""A process that is killed at its n-th await: from then on nothing of it reaches anybody."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

R = TypeVar("R")


class Killed(Exception):
    """It did not come to its end."""


class Awaits(Generic[R]):
    """Runs a coroutine, counts where it lets others run, and kills it at the n-th such place.

    `cut` is called first: it must see to it that nothing of what the coroutine still does, as it is cancelled, has an
    effect outside. That makes a cancellation a `kill -9`.
    """

    def __init__(self, running: Coroutine[Any, Any, R], *, at: int, cut: Callable[[], None]) -> None:
        self._running = running
        self._left = at
        self._cut = cut
        self.was_killed = False

    def __await__(self) -> Generator[Any, Any, R]:
        steps = self._running.__await__()
        step = _sending(steps, None)
        while True:
            try:
                waits_for = step()
            except StopIteration as end:
                result: R = end.value
                return result
            self._left -= 1
            if self._left == 0:
                self.was_killed = True
                self._cut()
                killed = asyncio.current_task()
                assert killed is not None
                killed.cancel()
            try:
                answer = yield waits_for
            except BaseException as error:
                step = _throwing(steps, error)
            else:
                step = _sending(steps, answer)


def _throwing(steps: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)


def _sending(steps: Generator[Any, Any, Any], answer: object) -> Callable[[], Any]:
    return lambda: steps.send(answer)
