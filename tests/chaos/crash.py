"""A process that is killed at its n-th await: from then on nothing of it reaches anybody."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

R = TypeVar("R")
_of: ContextVar["Process | None"] = ContextVar("process", default=None)


class Process:
    """All tasks that come of one coroutine, as if they were a process: it is killed where they let others run for the
    n-th time.

    `cut` is called first: it must see to it that nothing of what they still do, as they are cancelled, has an effect
    outside. That makes a cancellation a `kill -9`.
    """

    def __init__(self, *, at: int, cut: Callable[[], None]) -> None:
        self._left = at
        self._cut = cut
        self._tasks: set[asyncio.Task[Any]] = set()
        self.was_killed = False

    def begin(self, coroutine: Coroutine[Any, Any, R]) -> "asyncio.Task[R]":
        """Its first task. Inside `processes` every task that this one begins belongs to it too."""
        token = _of.set(self)
        try:
            return asyncio.get_running_loop().create_task(coroutine)
        finally:
            _of.reset(token)

    def task(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, R], **more: Any) -> Any:
        """A task of this process."""
        task = asyncio.Task(_counted(self, coroutine), loop=loop, **more)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: coroutine.close())  # it may have been cancelled before it began
        return task

    def count(self) -> None:
        """Another await; the last one, perhaps."""
        self._left -= 1
        if self._left == 0:
            self.was_killed = True
            self._cut()
            for task in self._tasks:
                task.cancel()


@contextmanager
def processes() -> Iterator[None]:
    """While this lasts, tasks belong to the process that began them."""
    loop = asyncio.get_running_loop()

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> Any:
        process = _of.get()
        if process is None or process.was_killed:  # what a dead one begins, as it is cleared away, reaches nobody
            return asyncio.Task(coroutine, loop=loop, **more)
        return process.task(loop, coroutine, **more)

    loop.set_task_factory(make)
    try:
        yield
    finally:
        loop.set_task_factory(None)


async def _counted(process: Process, coroutine: Coroutine[Any, Any, R]) -> R:
    result: R = await _Steps(process, coroutine)
    return result


class _Steps:
    """A coroutine step by step."""

    def __init__(self, process: Process, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._process = process
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._coroutine.__await__()
        step = _sending(steps, None)
        while True:
            try:
                waits_for = step()
            except StopIteration as end:
                return end.value
            self._process.count()
            try:
                answer = yield waits_for
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as error:
                step = _throwing(steps, error)
            else:
                step = _sending(steps, answer)


def _throwing(steps: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)


def _sending(steps: Generator[Any, Any, Any], answer: object) -> Callable[[], Any]:
    return lambda: steps.send(answer)
