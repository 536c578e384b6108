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
    """Opens sinks and sources on a cluster."""

    def __init__(self, bootstrap_servers: str, *, client_id: str, send_timeout_s: float = 15.0) -> None:
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
        return KafkaSink(producer, self._send_timeout_s)

    async def source(self, group: str, topics: Sequence[str]) -> "KafkaSource":
        consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            fetch_max_wait_ms=100,
        )
        await _started(consumer)
        return KafkaSource(consumer)

    async def create_topics(self, names: Sequence[str], *, replication: int = 1, timeout_s: float = 30.0) -> None:
        """Make the missing topics, kept for ever, and wait until every partition has a leader."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap_servers, client_id=self._client_id)
        await _started(admin)
        try:
            wanted = [NewTopic(name, PARTITIONS, replication, topic_configs={"retention.ms": "-1"}) for name in names]
            for topic in wanted:
                with contextlib.suppress(TopicAlreadyExistsError):
                    await admin.create_topics([topic])
            until = time.monotonic() + timeout_s
            while not _all_led(await admin.describe_topics(list(names))):
                if time.monotonic() > until:
                    raise KafkaAway("not every partition has a leader")
                await asyncio.sleep(0.1)
        finally:
            await admin.close()


class KafkaSink:
    """A producer that is idempotent within its life."""

    def __init__(self, producer: Any, send_timeout_s: float) -> None:
        self._producer = producer
        self._send_timeout_s = send_timeout_s

    async def send_all(self, messages: Sequence[Message]) -> None:
        try:
            async with asyncio.timeout(self._send_timeout_s):
                sent = [
                    await self._producer.send(m.topic, m.value, key=m.key, headers=list(m.headers)) for m in messages
                ]
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError, OSError) as error:
            raise SendFailed(type(error).__name__) from error

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._producer.stop(), 2)


class KafkaSource:
    """A member of a consumer group."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    async def fetch(self, *, max_records: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        try:
            fetched = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=max_records)
        except KafkaError as error:
            raise KafkaAway(type(error).__name__) from error
        return {Partition(p.topic, p.partition): [_record(r) for r in records] for p, records in fetched.items()}

    def assignment(self) -> frozenset[Partition]:
        return frozenset(Partition(p.topic, p.partition) for p in self._consumer.assignment())

    def seek(self, partition: Partition, offset: int) -> None:
        with contextlib.suppress(IllegalStateError):
            self._consumer.seek(TopicPartition(*partition), offset)

    async def bounds(self, partitions: Sequence[Partition]) -> Mapping[Partition, Bounds]:
        asked = [TopicPartition(*partition) for partition in partitions]
        try:
            async with asyncio.timeout(15):
                starts = await self._consumer.beginning_offsets(asked)
                ends = await self._consumer.end_offsets(asked)
        except KafkaError as error:
            raise KafkaAway(type(error).__name__) from error
        return {Partition(p.topic, p.partition): Bounds(starts[p], ends[p]) for p in asked}

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        try:
            await self._consumer.commit({TopicPartition(*partition): offset for partition, offset in offsets.items()})
        except (KafkaError, IllegalStateError) as error:
            _log.info("commit for lag tools failed", failure=type(error).__name__)

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._consumer.stop(), 5)


def _record(record: Any) -> Record:
    return Record(
        partition=Partition(record.topic, record.partition),
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
