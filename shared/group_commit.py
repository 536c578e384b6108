"""Group commit: what arrives together is written together, in one transaction with one wait for the disk.

Nothing is delayed by the clock to make a group: while nobody writes an item is written at once and alone. What arrives
meanwhile goes together when that is done: two small groups cost more than a large one (docs/decisions/0052). Another
writer begins where a crowd waits, or anybody behind something large. Each item is answered after the commit of its own
group.

- Two items that share a key (a patient, an idempotency key) never stand in one group, so whoever writes a group need
  not look for an item's effect on another one.
- A group that fails is written again, each item by itself (`write_apart`): a bad item never fails its neighbours.
  Nothing of a failed group was committed, or the connection was lost and nobody knows: then every item gets that error,
  and its sender asks again.
- An item whose key somebody else holds waits beside the groups: its neighbours, who may be of other sites, go on.
- A sender that goes away does not take the group with it.
- What waits is bounded: beyond that the answer is 503 at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import asyncpg

from shared.db import RETRYABLE, Connection, Lockable, Pool, SiteScope, transaction
from shared.errors import busy

T = TypeVar("T")
R = TypeVar("R")
# To be tried again, and for sure not committed: a deadlock, a statement that took too long.
_UNDONE = (asyncpg.TransactionRollbackError, asyncpg.QueryCanceledError)


@dataclass(frozen=True)
class GroupWork(Generic[T, R]):
    """How items are written: `write` gets a connection that holds all `keys` and answers each item, in order.

    `scope` names the sites that an item was checked for; the group runs under all of them. `write_apart` does the same
    for an item whose group failed, and may take longer to find out what is wrong with it.
    """

    keys: Callable[[T], Iterable[Lockable]]
    scope: Callable[[T], SiteScope]
    write: Callable[[Connection, Sequence[T]], Awaitable[Sequence[R]]]
    write_apart: Callable[[Connection, Sequence[T]], Awaitable[Sequence[R]]]


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """`writers` transactions at once, of at most `group` items that hold at most `keys` keys; at most `waiting` wait.

    An item that holds more keys than that, such as an import of many patients, is written by itself. There is more than
    one writer only beside such an item or when a `crowd` waits. A group waits `lock_wait_s` for a key that is held
    outside of it.
    """

    writers: int = 2
    crowd: int = 16
    group: int = 64
    keys: int = 256
    lock_wait_s: float = 0.1
    waiting: int = 1024


@dataclass(eq=False, slots=True)
class _Waiting(Generic[T, R]):
    item: T
    keys: frozenset[Lockable]
    answer: "asyncio.Future[R]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class GroupCommit(Generic[T, R]):
    """Writes items of one kind, for one event loop."""

    def __init__(self, work: GroupWork[T, R], settings: GroupSettings | None = None) -> None:
        self._work = work
        self._settings = settings or GroupSettings()
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._writers: set[asyncio.Task[None]] = set()
        self._beside: set[asyncio.Task[None]] = set()
        self._places_beside = asyncio.Semaphore(self._settings.writers)
        self._held = 0  # keys of the groups that are being written

    @property
    def queued(self) -> int:
        """How many items wait for a writer."""
        return len(self._waiting)

    @property
    def _is_more_wanted(self) -> bool:
        """Whether one writer alone would let others wait too long."""
        return len(self._waiting) >= self._settings.crowd or self._held > self._settings.keys

    async def submit(self, pool: Pool, item: T) -> R:
        """The answer to an item, once it is durable.

        Raises:
            Problem: 503 when too much is waiting; or what `write_apart` raised for this item.
        """
        if len(self._waiting) >= self._settings.waiting:
            raise busy()
        waiting: _Waiting[T, R] = _Waiting(item, frozenset(self._work.keys(item)))
        self._waiting.append(waiting)
        if len(self._writers) < self._settings.writers and (not self._writers or self._is_more_wanted):
            # A task of its own: a sender that is cancelled must not end what was begun for others. Under a context of
            # its own too: what a log says of one sender's request and trace is not true of the others.
            self._writers.add(asyncio.create_task(self._write_while_some_wait(pool), context=Context()))
        return await waiting.answer

    async def _write_while_some_wait(self, pool: Pool) -> None:
        try:
            while (len(self._writers) == 1 or self._is_more_wanted) and (group := self._next_group()):
                held = sum(len(waiting.keys) for waiting in group)
                self._held += held
                await self._settle(pool, group)
                self._held -= held
        finally:
            # In the same step as the last look: what is submitted after it finds a free place and begins a new writer.
            self._writers.discard(_this_task())

    async def _settle(self, pool: Pool, group: Sequence[_Waiting[T, R]]) -> None:
        try:
            await self._write(pool, group, self._work.write, self._settings.lock_wait_s)
        except Exception as failure:
            if isinstance(failure, RETRYABLE) and not isinstance(failure, _UNDONE):
                _fail(group, failure)
                return
            for waiting in group:
                await self._settle_apart(pool, waiting, self._settings.lock_wait_s)

    async def _settle_apart(self, pool: Pool, waiting: _Waiting[T, R], lock_wait_s: float | None) -> None:
        if waiting.answer.cancelled():
            return
        try:
            await self._write(pool, [waiting], self._work.write_apart, lock_wait_s)
        except asyncpg.LockNotAvailableError:
            task = asyncio.create_task(self._settle_beside(pool, waiting))
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)
        except Exception as failure:
            _fail([waiting], failure)

    async def _settle_beside(self, pool: Pool, waiting: _Waiting[T, R]) -> None:
        """Beside the groups, in as many transactions at once as there are writers: they wait, and hold connections."""
        async with self._places_beside:
            await self._settle_apart(pool, waiting, None)

    def _next_group(self) -> list[_Waiting[T, R]]:
        """The longest waiting items that share no key and are not too much at once; the others stay, in their order."""
        group: list[_Waiting[T, R]] = []
        held: set[Lockable] = set()
        passed: list[_Waiting[T, R]] = []
        while self._waiting and len(group) < self._settings.group:
            waiting = self._waiting.popleft()
            if waiting.answer.cancelled():
                continue
            if group and len(held) + len(waiting.keys) > self._settings.keys:
                self._waiting.appendleft(waiting)
                break
            if held.isdisjoint(waiting.keys):
                group.append(waiting)
            else:
                passed.append(waiting)
            # One that is passed holds its keys too: what comes after it must not overtake it.
            held |= waiting.keys
        self._waiting.extendleft(reversed(passed))
        return group

    async def _write(
        self,
        pool: Pool,
        group: Sequence[_Waiting[T, R]],
        write: Callable[[Connection, Sequence[T]], Awaitable[Sequence[R]]],
        lock_wait_s: float | None,
    ) -> None:
        scope = SiteScope(frozenset().union(*(self._work.scope(waiting.item).sites for waiting in group)))
        locks = frozenset().union(*(waiting.keys for waiting in group))
        async with transaction(pool, scope, locks=locks, lock_wait_s=lock_wait_s) as connection:
            answers = await write(connection, [waiting.item for waiting in group])
            answered = list(zip(group, answers, strict=True))  # before the commit: after it nothing may fail any more
        for waiting, answer in answered:
            if not waiting.answer.done():
                waiting.answer.set_result(answer)


def _fail(group: Sequence[_Waiting[T, R]], failure: Exception) -> None:
    for waiting in group:
        if not waiting.answer.done():
            waiting.answer.set_exception(failure)


def _this_task() -> "asyncio.Task[None]":
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a writer runs as a task")
    return task
