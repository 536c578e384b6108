"""What a service needs of a broker, and nothing more: `Broker`, `Sink`, `Source`.

Two implementations keep the same promises, held by one test suite: `shared.kafka` and `shared.memory_broker`.
A topic is a set of append-only partitions. A key always goes to the same partition. Delivery is at least once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Partition(NamedTuple):
    topic: str
    number: int


class Stream(NamedTuple):
    """The facts of one key in one topic: what has an order."""

    site_id: str
    topic: str
    key: str


class Bounds(NamedTuple):
    """Offsets of a partition's log: the first that can be read and the one that the next record will get."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Message:
    """Something to be written."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """Something that was written, and where."""

    partition: Partition
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = field(default=())
    stream: Stream = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        stream = Stream(self.attribute("ce_siteid") or "", self.partition.topic, _text(self.key))
        object.__setattr__(self, "stream", stream)

    @property
    def identity(self) -> tuple[object, ...]:
        """What it is wherever it stands in a log: its event; its place, when it names none."""
        event_id = self.attribute("ce_id")
        return (self.partition, self.offset) if event_id is None else (self.stream, event_id)

    def attribute(self, name: str) -> str | None:
        """A header as text that can be stored, whatever bytes it is made of; None when there is none."""
        for header, value in self.headers:
            if header == name:
                return _text(value)
        return None


def _text(content: bytes) -> str:
    """What cannot be read becomes U+FFFD, and so does NUL, which PostgreSQL has no place for."""
    return content.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


class Sink(Protocol):
    """Writes. One per relay; thrown away after any failure, because what a failed send left behind is unknown.

    After a failure or `close` every send fails.
    """

    async def send_all(self, messages: Sequence[Message]) -> None:
        """Write in this order per key; return when every message is acknowledged by all in-sync replicas.

        Raises:
            SendFailed: at least one was not acknowledged in time. Any of them may have been written.
            Refused: the same, because a topic is not ours to write.
        """

    async def close(self) -> None:
        """Let go without waiting long; safe to call twice."""


class Source(Protocol):
    """Reads as one member of a consumer group. Where to read is the caller's memory, not the broker's."""

    async def fetch(self, *, max_records: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        """The next records per assigned partition in offset order; empty when none came within `timeout_ms`.

        Records that were read before may come again after a rebalance, a restart or a seek. A place that the log
        does not reach is replaced by its start: whoever must know compares with `bounds`.

        Raises:
            ConnectionError: the broker did not want to (`Refused`: has no right to read); open a new source.
        """

    def assignment(self) -> frozenset[Partition]:
        """The partitions that this member holds now."""

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on from `offset`. Without effect when the partition is no longer held."""

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        """The log's bounds, asked from the broker.

        Raises:
            ConnectionError: the broker is away, or a topic does not exist.
        """

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Tell the broker how far this group is, for lag tools only. Failing is logged, not raised."""

    async def close(self) -> None:
        """Leave the group."""


class Broker(Protocol):
    """Opens sinks and sources.

    Raises `ConnectionError` while that cannot be done: try again. One of them, `Refused`, somebody must put right.
    """

    async def sink(self) -> Sink:
        """A new writer, connected."""

    async def source(self, group: str, topics: Sequence[str]) -> Source:
        """A new member of `group` that reads `topics`, from the group's commit or else from the start of the log.

        A topic must exist.
        """
