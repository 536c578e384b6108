"""`Broker` on Apache Kafka, through aiokafka: the only module that knows it.

What its traps ask for (docs/decisions/0002-offsets-in-postgresql.md): a sink is thrown away after any failure; its
end is not waited for; no offset and no seek of the client has to be right, because the place to read stands in
PostgreSQL.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import IllegalStateError, KafkaError, TopicAlreadyExistsError

from shared.broker import Bounds, Message, Partition, Record
from shared.errors import SendFailed
from shared.events import PARTITIONS

_log = structlog.get_logger()


class KafkaAway(ConnectionError):
    """The brokers could not be reached or did not answer: try again."""


class KafkaBroker:
    """Opens sinks and sources on a cluster.

    `prefix` stands before every topic and group on the cluster and nowhere else: two networks can share one.
    """

    def __init__(
        self, bootstrap_servers: str, *, client_id: str, prefix: str = "", send_timeout_s: float = 15.0
    ) -> None:
        self._prefix = prefix
        self._bootstrap_servers = bootstrap_servers
        self._client_id = client_id
        self._send_timeout_s = send_timeout_s

    async def sink(self) -> "KafkaSink":
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=256 * 1024,
        )
        await _started(producer)
        return KafkaSink(producer, self._prefix, self._send_timeout_s)

    async def source(self, group: str, topics: Sequence[str]) -> "KafkaSource":
        consumer = AIOKafkaConsumer(
            *(self._prefix + topic for topic in topics),
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            group_id=self._prefix + group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            fetch_max_wait_ms=100,
        )
        await _started(consumer)
        return KafkaSource(consumer, self._prefix)

    async def create_topics(self, names: Sequence[str], *, replication: int = 1, timeout_s: float = 30.0) -> None:
        """Make the missing topics, kept for ever, and wait until every partition has a leader."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap_servers, client_id=self._client_id)
        await _started(admin)
        try:
            topics = [self._prefix + name for name in names]
            for topic in topics:
                wanted = NewTopic(topic, PARTITIONS, replication, topic_configs={"retention.ms": "-1"})
                with contextlib.suppress(TopicAlreadyExistsError):
                    await admin.create_topics([wanted])
            until = time.monotonic() + timeout_s
            while not _all_led(await admin.describe_topics(topics)):
                if time.monotonic() > until:
                    raise KafkaAway("not every partition has a leader")
                await asyncio.sleep(0.1)
        finally:
            await admin.close()


class KafkaSink:
    """A producer that is idempotent within its life."""

    def __init__(self, producer: Any, prefix: str, send_timeout_s: float) -> None:
        self._producer = producer
        self._prefix = prefix
        self._send_timeout_s = send_timeout_s

    async def send_all(self, messages: Sequence[Message]) -> None:
        try:
            async with asyncio.timeout(self._send_timeout_s):
                sent = [
                    await self._producer.send(self._prefix + m.topic, m.value, key=m.key, headers=list(m.headers))
                    for m in messages
                ]
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError, OSError) as error:
            raise SendFailed(type(error).__name__) from error

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._producer.stop(), 2)


class KafkaSource:
    """A member of a consumer group."""

    def __init__(self, consumer: Any, prefix: str) -> None:
        self._consumer = consumer
        self._prefix = prefix

    async def fetch(self, *, max_records: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        try:
            fetched = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=max_records)
        except KafkaError as error:
            raise KafkaAway(type(error).__name__) from error
        return {
            partition: [_record(partition, record) for record in records]
            for partition, records in ((self._ours(theirs), records) for theirs, records in fetched.items())
        }

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self._ours(partition) for partition in self._consumer.assignment())

    def seek(self, partition: Partition, offset: int) -> None:
        with contextlib.suppress(IllegalStateError):
            self._consumer.seek(self._theirs(partition), offset)

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        asked = {partition: self._theirs(partition) for partition in partitions}
        try:
            async with asyncio.timeout(15):
                starts = await self._consumer.beginning_offsets(list(asked.values()))
                ends = await self._consumer.end_offsets(list(asked.values()))
        except KafkaError as error:
            raise KafkaAway(type(error).__name__) from error
        return {partition: Bounds(starts[theirs], ends[theirs]) for partition, theirs in asked.items()}

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        try:
            await self._consumer.commit({self._theirs(partition): offset for partition, offset in offsets.items()})
        except (KafkaError, IllegalStateError) as error:
            _log.info("commit for lag tools failed", failure=type(error).__name__)

    def _ours(self, partition: Any) -> Partition:
        return Partition(partition.topic.removeprefix(self._prefix), partition.partition)

    def _theirs(self, partition: Partition) -> Any:
        return TopicPartition(self._prefix + partition.topic, partition.number)

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._consumer.stop(), 5)


def _record(partition: Partition, record: Any) -> Record:
    return Record(
        partition=partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key or b"",
        value=record.value or b"",
        headers=record.headers,
    )


def _all_led(topics: Sequence[Mapping[str, Any]]) -> bool:
    partitions = [partition for topic in topics for partition in topic["partitions"]]
    return bool(partitions) and all(partition["leader"] >= 0 for partition in partitions)


async def _started(client: Any) -> None:
    try:
        async with asyncio.timeout(30):
            await client.start()
    except (KafkaError, TimeoutError, OSError) as error:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.stop() if hasattr(client, "stop") else client.close(), 2)
        raise KafkaAway(type(error).__name__) from error
