"""`Broker` in memory, for one event loop: the promises of Kafka and the habits that its readers must live with.

A key goes to the partition that Kafka would choose. Members of a group share partitions round-robin; when one joins
or leaves, every member reads on from the group's commit, so what was read and not committed comes again. A place that
is no longer in the log becomes its start. A sink that failed once fails for ever.

Faults come when asked for: the broker goes away (`stop`, `start`), acknowledgements are lost (`fail_next_send`), a
topic loses its disk (`recreate`), the oldest records of a partition are deleted (`delete_before`).
"""

import asyncio
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import cycle

import structlog

from shared.broker import Bounds, Message, Partition, Record
from shared.errors import SendFailed
from shared.events import PARTITIONS

Clock = Callable[[], datetime]

_log = structlog.get_logger()
_MASK = 0xFFFFFFFF
_MULTIPLIER = 0x5BD1E995
_KAFKA_SEED = 0x9747B28C


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key under Kafka's default partitioner: 32-bit MurmurHash2 without its sign, modulo."""
    return (_murmur2(key) & 0x7FFFFFFF) % partitions


class MemoryBroker:
    """The front door, with the faults. `clock` gives the records their timestamps."""

    def __init__(self, *, partitions: int = PARTITIONS, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._partitions = partitions
        self._cluster = _Cluster(clock)

    async def create_topics(self, names: Sequence[str]) -> None:
        """Make the missing topics; those that exist keep their records."""
        for name in names:
            self._cluster.logs.setdefault(name, self._empty_topic())

    async def sink(self) -> "MemorySink":
        self._cluster.check_up()
        return MemorySink(self._cluster)

    async def source(self, group: str, topics: Sequence[str]) -> "MemorySource":
        self._cluster.check_up()
        for topic in topics:
            self._cluster.topic(topic)
        return MemorySource(self._cluster, group, topics)

    def stop(self) -> None:
        """Go away: sends fail, fetches return nothing, nothing can be opened."""
        self._cluster.is_up = False

    def start(self) -> None:
        """Come back with everything that was written."""
        self._cluster.is_up = True
        self._cluster.announce()

    def fail_next_send(self, after: int = 0) -> None:
        """Let the next send write its first `after` messages only, and fail in any case: its outcome is unknown."""
        self._cluster.messages_of_failing_send = after

    def recreate(self, topic: str) -> None:
        """Empty a topic, as after a lost disk: offsets begin at 0 again, groups keep what they committed."""
        self._cluster.topic(topic)
        self._cluster.logs[topic] = self._empty_topic()
        self._cluster.starts = {place: start for place, start in self._cluster.starts.items() if place.topic != topic}

    def delete_before(self, partition: Partition, offset: int) -> None:
        """Delete the oldest records of a partition, as a retention that is too short does."""
        self._cluster.starts[partition] = min(offset, len(self._cluster.log(partition)))

    def _empty_topic(self) -> list[list[Record]]:
        return [[] for _ in range(self._partitions)]


class MemorySink:
    """Writes until it fails once."""

    def __init__(self, cluster: "_Cluster") -> None:
        self._cluster = cluster
        self._is_usable = True

    async def send_all(self, messages: Sequence[Message]) -> None:
        await asyncio.sleep(0)  # others run while messages are on their way
        if not self._is_usable:
            raise SendFailed("this sink failed before or was closed")
        try:
            self._cluster.write(messages)
        except SendFailed:
            self._is_usable = False
            raise

    async def close(self) -> None:
        self._is_usable = False


class MemorySource:
    """A member of a consumer group."""

    def __init__(self, cluster: "_Cluster", group: str, topics: Sequence[str]) -> None:
        self.topics = frozenset(topics)
        self.positions: dict[Partition, int] = {}
        self._cluster = cluster
        self._group = cluster.groups.setdefault(group, _Group())
        self._group.members.append(self)
        self._group.rebalance(cluster)

    async def fetch(self, *, max_records: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        await asyncio.sleep(0)  # a reader that always finds something must not starve the others
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                while not (batch := self._take(max_records)):
                    await self._cluster.news.wait()
        except TimeoutError:
            return {}
        return batch

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self.positions)

    def seek(self, partition: Partition, offset: int) -> None:
        if offset < 0:
            raise ValueError("an offset is 0 or more")
        if partition in self.positions:
            self.positions[partition] = offset

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        self._cluster.check_up()
        return {
            partition: Bounds(self._cluster.starts.get(partition, 0), len(self._cluster.log(partition)))
            for partition in partitions
        }

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        if not self._cluster.is_up or not offsets.keys() <= self.positions.keys():
            _log.warning("commit for lag tools failed", failure="away or not held")
            return
        self._group.commits.update(offsets)

    async def close(self) -> None:
        if self in self._group.members:
            self._group.members.remove(self)
            self.positions = {}
            self._group.rebalance(self._cluster)

    def _take(self, max_records: int) -> dict[Partition, list[Record]]:
        """The next records; a partition that gave some waits for the others before its next turn."""
        batch: dict[Partition, list[Record]] = {}
        room = max_records if self._cluster.is_up else 0
        for partition, position in list(self.positions.items()):
            log, start = self._cluster.log(partition), self._cluster.starts.get(partition, 0)
            begin = position if start <= position <= len(log) else start
            if records := log[begin : begin + room]:
                batch[partition] = records
                room -= len(records)
                del self.positions[partition]
                self.positions[partition] = begin + len(records)
        return batch


class _Group:
    """Who reads together, and how far they said they are."""

    def __init__(self) -> None:
        self.members: list[MemorySource] = []
        self.commits: dict[Partition, int] = {}

    def rebalance(self, cluster: "_Cluster") -> None:
        """Share the partitions out anew, each from the commit."""
        for member in self.members:
            member.positions = {}
        turns = cycle(self.members)
        for topic in sorted({topic for member in self.members for topic in member.topics}):
            for number in range(len(cluster.topic(topic))):
                holder = next(member for member in turns if topic in member.topics)
                partition = Partition(topic, number)
                holder.positions[partition] = self.commits.get(partition, 0)
        cluster.announce()


class _Cluster:
    """What all sinks and sources of one broker share."""

    def __init__(self, clock: Clock) -> None:
        self.logs: dict[str, list[list[Record]]] = {}
        self.starts: dict[Partition, int] = {}
        self.groups: dict[str, _Group] = {}
        self.is_up = True
        self.messages_of_failing_send: int | None = None
        self.news = asyncio.Event()
        self._clock = clock

    def check_up(self) -> None:
        if not self.is_up:
            raise ConnectionError("the broker is away")

    def topic(self, name: str) -> list[list[Record]]:
        if name not in self.logs:
            raise ConnectionError(f"there is no topic {name}")
        return self.logs[name]

    def log(self, partition: Partition) -> list[Record]:
        return self.topic(partition.topic)[partition.number]

    def announce(self) -> None:
        """Wake everybody who waits; whoever waits from now on waits for the next news."""
        self.news.set()
        self.news = asyncio.Event()

    def write(self, messages: Sequence[Message]) -> None:
        limit, self.messages_of_failing_send = self.messages_of_failing_send, None
        if not self.is_up:
            raise SendFailed("the broker is away")
        for message in messages[:limit]:
            if message.topic not in self.logs:
                raise SendFailed(f"there is no topic {message.topic}")
            self._append(message)
        if limit is not None:
            raise SendFailed("the acknowledgement was lost")

    def _append(self, message: Message) -> None:
        partition = Partition(message.topic, partition_of(message.key, len(self.logs[message.topic])))
        log = self.log(partition)
        log.append(
            Record(
                partition=partition,
                offset=len(log),
                timestamp_ms=round(self._clock().timestamp() * 1000),
                key=message.key,
                value=message.value,
                headers=tuple(message.headers),
            )
        )
        self.announce()


def _murmur2(data: bytes) -> int:
    """MurmurHash2 by Austin Appleby, 32 bit, with the seed that Kafka uses."""
    whole = len(data) - len(data) % 4
    state = _KAFKA_SEED ^ len(data)
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        mixed = word * _MULTIPLIER & _MASK
        mixed ^= mixed >> 24
        state = (state * _MULTIPLIER ^ mixed * _MULTIPLIER) & _MASK
    if tail := data[whole:]:
        state = (state ^ int.from_bytes(tail, "little")) * _MULTIPLIER & _MASK
    state = (state ^ state >> 13) * _MULTIPLIER & _MASK
    return state ^ state >> 15
