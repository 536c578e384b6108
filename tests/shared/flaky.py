"""A broker of which one call fails, to be tried with every call in turn; one that something happens at; and one that
lets nobody in.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from shared.broker import Bounds, Broker, Message, Partition, Record, Sink, Source
from shared.errors import Refused, SendFailed

T = TypeVar("T")


class FlakyBroker:
    """Passes every call on, but the n-th of all fails; with `has_effect` after it was done, so that only its answer
    is lost.
    """

    def __init__(self, broker: Broker, failing_call: int, *, has_effect: bool) -> None:
        self._broker = broker
        self._calls_left = failing_call
        self._has_effect = has_effect

    @property
    def has_failed(self) -> bool:
        return self._calls_left <= 0

    async def sink(self) -> "FlakySink":
        return FlakySink(self, await self.call(self._broker.sink, ConnectionError))

    async def source(self, group: str, topics: Sequence[str]) -> "FlakySource":
        await self.call(_nothing, ConnectionError)
        return FlakySource(self, await self._broker.source(group, topics))

    async def call(self, act: Callable[[], Awaitable[T]], failure: type[Exception]) -> T:
        self._calls_left -= 1
        is_failing = self._calls_left == 0
        if is_failing and not self._has_effect:
            raise failure("not done")
        result = await act()
        if is_failing:
            raise failure("done, but nobody heard of it")
        return result


class FlakySink:
    def __init__(self, broker: FlakyBroker, sink: Sink) -> None:
        self._broker = broker
        self._sink = sink

    async def send_all(self, messages: Sequence[Message]) -> None:
        await self._broker.call(lambda: self._sink.send_all(messages), SendFailed)

    async def close(self) -> None:
        await self._sink.close()


class FlakySource:
    def __init__(self, broker: FlakyBroker, source: Source) -> None:
        self._broker = broker
        self._source = source
        self.assignment = source.assignment
        self.seek = source.seek
        self.commit = source.commit
        self.close = source.close

    async def fetch(self, *, max_records: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        return await self._broker.call(
            lambda: self._source.fetch(max_records=max_records, timeout_ms=timeout_ms), ConnectionError
        )

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        return await self._broker.call(lambda: self._source.bounds(partitions), ConnectionError)


class EventfulBroker:
    """Before each send to it, something happens."""

    def __init__(self, broker: Broker, happen: Callable[[], Awaitable[None]]) -> None:
        self._broker = broker
        self._happen = happen
        self.source = broker.source

    async def sink(self) -> "EventfulBroker":
        self._sink = await self._broker.sink()
        self.close = self._sink.close
        return self

    async def send_all(self, messages: Sequence[Message]) -> None:
        await self._happen()
        await self._sink.send_all(messages)


class RefusingBroker:
    """Lets nobody in, for this reason, until it is changed to None."""

    def __init__(self, broker: Broker, reason: str) -> None:
        self._broker = broker
        self.reason: str | None = reason

    async def sink(self) -> Sink:
        self._look()
        return await self._broker.sink()

    async def source(self, group: str, topics: Sequence[str]) -> Source:
        self._look()
        return await self._broker.source(group, topics)

    def _look(self) -> None:
        if self.reason is not None:
            raise Refused(self.reason)


async def _nothing() -> None:
    """Opening a source whose answer is lost would leave a member behind; only a broker's time-out ends that one."""
