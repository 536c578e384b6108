"""`Broker` on Apache Kafka, through aiokafka: the only module that knows it.

What its traps ask for (docs/decisions/0002-offsets-in-postgresql.md): a sink is thrown away after any failure; its
end is not waited for; no offset and no seek of the client has to be right, because the place to read stands in
PostgreSQL. No call waits without a bound: aiokafka itself would, for as long as the brokers are away. Who is turned
away is told so (`Refused`), where aiokafka would only say that it found no broker.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnsupportedSaslMechanismError,
    for_code,
)
from aiokafka.partitioner import DefaultPartitioner

from shared.broker import Bounds, Message, Partition, Record
from shared.errors import Halt, Refused, SendFailed
from shared.events import PARTITIONS
from shared.kafka_login import Membership, security_of, user_of
from shared.settings import KafkaLogin

_log = structlog.get_logger()
# What getmany may take beyond its own time-out; it waits without one while the group rebalances.
_FETCH_GRACE_S = 1.0
_COMMIT_S = 5.0
_PARTITIONER = DefaultPartitioner()
_SINK_LEAVES_S = 2.0
_SOURCE_LEAVES_S = 5.0

# What the brokers say to one they do not know, and to one they know about what is not for it.
_UNKNOWN_USER = (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError)
_NOT_ALLOWED = {
    TopicAuthorizationFailedError: "the topic",
    GroupAuthorizationFailedError: "the group",
    ClusterAuthorizationFailedError: "every topic, for writing",  # asked for before the first is named
}

_leaving: set[asyncio.Task[None]] = set()


class KafkaAway(ConnectionError):
    """The brokers could not be reached or did not answer: try again."""


class KafkaBroker:
    """Opens sinks and sources on a cluster, as the user that `login` names.

    `prefix` stands before every topic and group on the cluster and nowhere else: two networks can share one.
    `answer_timeout_s` bounds every wait for the cluster: for a connection and for the acknowledgement of a send.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        client_id: str,
        login: KafkaLogin | None = None,
        prefix: str = "",
        answer_timeout_s: float = 15.0,
        membership: Membership | None = None,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._client: dict[str, Any] = {"client_id": client_id, **security_of(login)}
        self._user = user_of(login)
        self._prefix = prefix
        self._answer_timeout_s = answer_timeout_s
        self._membership = membership or Membership()

    async def sink(self) -> "KafkaSink":
        """A new writer.

        Raises:
            KafkaAway: the brokers did not answer in time.
            Refused: they do not know this user, or it may write nothing.
        """
        try:
            producer = await self._started_producer(is_idempotent=True)
        except KafkaAway as away:
            if not isinstance(away.__cause__, UnknownError):
                raise
            # The memory-only stand-in for Kafka answers so. A retry may then write twice, which readers see through.
            _log.warning("the broker has no idempotent producers", bootstrap_servers=self._bootstrap_servers)
            producer = await self._started_producer(is_idempotent=False)
        return KafkaSink(producer, self._user, self._prefix, self._answer_timeout_s)

    async def source(self, group: str, topics: Sequence[str]) -> "KafkaSource":
        """A new member of `group`; returns when it has its share of the partitions.

        Raises:
            KafkaAway: the brokers did not answer, a topic does not exist, or the group did not settle in time.
            Refused: they do not know this user, or it may not read a topic or join the group.
        """
        session_ms = self._membership.session_timeout_ms
        consumer = AIOKafkaConsumer(
            *(self._prefix + topic for topic in topics),
            bootstrap_servers=self._bootstrap_servers,
            **self._client,
            group_id=self._prefix + group,
            group_instance_id=self._membership.instance_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 5,
            fetch_max_wait_ms=100,
        )
        # A group waits for a member that died until that one's session ends.
        await self._start(consumer, consumer.stop, seconds=self._answer_timeout_s + session_ms / 1000)
        return KafkaSource(consumer, self._user, self._prefix, self._answer_timeout_s)

    async def create_topics(self, names: Sequence[str], *, replication: int = 1, timeout_s: float = 30.0) -> None:
        """Make the missing topics, kept for ever, and return when every partition has a leader.

        With three replicas or more, a write needs all but one of them.

        Raises:
            Halt: the cluster refuses a topic, or one exists with another number of partitions, so that keys would
                change places.
            KafkaAway: the cluster did not answer, or not every partition has a leader within `timeout_s`.
            Refused: it does not know this user.
        """
        topics = [self._prefix + name for name in names]
        async with self._admin() as admin, _answered(self._user, timeout_s):
            created = await admin.create_topics([_new_topic(topic, replication) for topic in topics])
            for topic, code, *message in created.topic_errors:
                _check_created(topic, for_code(code), message)
            while not _all_led(await admin.describe_topics(topics)):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.1)

    async def _started_producer(self, *, is_idempotent: bool) -> Any:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers,
            **self._client,
            acks="all",
            enable_idempotence=is_idempotent,
            linger_ms=2,
            max_batch_size=256 * 1024,
            request_timeout_ms=round(self._answer_timeout_s * 1000),
        )
        await self._start(producer, producer.stop, seconds=self._answer_timeout_s)
        return producer

    @contextlib.asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap_servers, **self._client)
        await self._start(admin, admin.close, seconds=self._answer_timeout_s)
        try:
            yield admin
        finally:
            await _let_go(admin.close(), seconds=_SINK_LEAVES_S)

    async def _start(self, client: Any, stop: Callable[[], Coroutine[Any, Any, None]], *, seconds: float) -> None:
        try:
            async with _answered(self._user, seconds):
                await client.start()
        except BaseException as failure:
            await _let_go(stop(), seconds=_SINK_LEAVES_S)
            if isinstance(failure.__cause__, KafkaConnectionError):
                await self._knock()
            raise

    async def _knock(self) -> None:
        """Find out whether no broker was there or whether one did not let us in; a client that starts does not tell.

        Raises:
            Refused: one did not, or we do not believe that it is one.
        """
        for host, port, _ in collect_hosts(self._bootstrap_servers):
            try:
                async with asyncio.timeout(self._answer_timeout_s):
                    (await create_conn(host, port, **self._client)).close()
            except _UNKNOWN_USER as error:
                raise Refused(f"Kafka does not know {self._user} by this password ({type(error).__name__})") from error
            except ssl.SSLCertVerificationError as error:
                raise Refused(f"Nobody we trust has signed for Kafka at {host}:{port}") from error
            except (OSError, KafkaError):
                continue


class KafkaSink:
    """A producer that is idempotent within its life, which its first failure ends."""

    def __init__(self, producer: Any, user: str, prefix: str, answer_timeout_s: float) -> None:
        self._producer = producer
        self._user = user
        self._prefix = prefix
        self._answer_timeout_s = answer_timeout_s

    async def send_all(self, messages: Sequence[Message]) -> None:
        sent: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(self._answer_timeout_s):
                for topic, partition, batch in self._batches(messages):
                    sent.append(await self._producer.send_batch(batch, topic, partition=partition))
                await asyncio.gather(*sent)
        except Exception as error:
            for future in sent:
                future.cancel()
            self._abandon()
            raise _refusal(self._user, error) or SendFailed(type(error).__name__) from error

    async def close(self) -> None:
        self._abandon()
        await _let_go(self._producer.stop(), seconds=_SINK_LEAVES_S)

    def _batches(self, messages: Sequence[Message]) -> Iterator[tuple[str, int, Any]]:
        """What goes to one partition together, in the given order; sent one by one a message costs twice as much."""
        filling: dict[tuple[str, int], Any] = {}
        for m in messages:
            place = self._prefix + m.topic, _partition_of(m.key)
            batch = filling.get(place)
            while batch is None or not batch.append(timestamp=None, key=m.key, value=m.value, headers=list(m.headers)):
                if batch is not None:
                    yield *place, batch
                filling[place] = batch = self._producer.create_batch()
        for place, batch in filling.items():
            yield *place, batch

    def _abandon(self) -> None:
        """Drop what is not acknowledged: by itself a producer that ends goes on trying, and would write late what
        its successor has written already. aiokafka has no public call for this.
        """
        self._producer._message_accumulator.fail_all(KafkaError("abandoned"))


class KafkaSource:
    """A member of a consumer group.

    Behind a batch that was full, when there is a log to catch up with, it reads the partitions of one number together,
    number by number: a key has the same number in every topic, so that all that is known of a patient comes together.
    """

    def __init__(self, consumer: Any, user: str, prefix: str, answer_timeout_s: float) -> None:
        self._consumer = consumer
        self._user = user
        self._prefix = prefix
        self._answer_timeout_s = answer_timeout_s
        self._numbers: deque[int] = deque()

    async def fetch(self, *, max_records: int, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]:
        batch: dict[Partition, Sequence[Record]] = {}
        room = max_records
        while room and self._numbers:
            number = self._numbers.popleft()
            theirs = [partition for partition in self._consumer.assignment() if partition.partition == number]
            taken = await self._fetch(theirs, max_records=room, timeout_ms=0) if theirs else {}
            room -= _count(taken)
            if not room:
                self._numbers.append(number)
            batch |= taken
        if not batch:
            batch = await self._fetch((), max_records=max_records, timeout_ms=timeout_ms)
            self._numbers.extend(range(PARTITIONS) if _count(batch) == max_records else ())
        return batch

    async def _fetch(
        self, theirs: Sequence[Any], *, max_records: int, timeout_ms: int
    ) -> dict[Partition, Sequence[Record]]:
        """What has come of these partitions, or of all when none are named."""
        try:
            async with asyncio.timeout(timeout_ms / 1000 + _FETCH_GRACE_S):
                fetched = await self._consumer.getmany(*theirs, timeout_ms=timeout_ms, max_records=max_records)
        except TimeoutError:
            return {}
        except KafkaError as error:
            raise _refusal(self._user, error) or KafkaAway(type(error).__name__) from error
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
        async with _answered(self._user, self._answer_timeout_s):
            starts = await self._consumer.beginning_offsets(list(asked.values()))
            ends = await self._consumer.end_offsets(list(asked.values()))
        return {partition: Bounds(starts[theirs], ends[theirs]) for partition, theirs in asked.items()}

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        try:
            async with asyncio.timeout(_COMMIT_S):
                await self._consumer.commit({self._theirs(partition): offset for partition, offset in offsets.items()})
        except (KafkaError, TimeoutError) as error:
            _log.warning("commit for lag tools failed", failure=type(error).__name__)

    async def close(self) -> None:
        await _let_go(self._consumer.stop(), seconds=_SOURCE_LEAVES_S)

    def _ours(self, partition: Any) -> Partition:
        return Partition(partition.topic.removeprefix(self._prefix), partition.partition)

    def _theirs(self, partition: Partition) -> Any:
        return TopicPartition(self._prefix + partition.topic, partition.number)


def _count(batch: Mapping[Partition, Sequence[Record]]) -> int:
    return sum(map(len, batch.values()))


@lru_cache(maxsize=100_000)
def _partition_of(key: bytes) -> int:
    """Where every producer of Kafka puts this key."""
    partition: int = _PARTITIONER(key, range(PARTITIONS), range(PARTITIONS))
    return partition


def _record(partition: Partition, record: Any) -> Record:
    return Record(
        partition=partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key or b"",
        value=record.value or b"",
        headers=record.headers,
    )


def _new_topic(topic: str, replication: int) -> Any:
    settings = {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "min.insync.replicas": str(max(replication - 1, 1)),
        "unclean.leader.election.enable": "false",
    }
    return NewTopic(topic, PARTITIONS, replication, topic_configs=settings)


def _check_created(topic: str, error: Any, message: Sequence[str | None]) -> None:
    if issubclass(error, TopicAlreadyExistsError) or error.errno == 0:
        return
    detail = f"{topic} was not created: {error.__name__} {' '.join(filter(None, message))}".strip()
    raise KafkaAway(detail) if error.retriable else Halt(detail)


def _all_led(topics: Sequence[Mapping[str, Any]]) -> bool:
    for topic in topics:
        if topic["error_code"] == 0 and len(topic["partitions"]) != PARTITIONS:
            raise Halt(f"{topic['topic']} has {len(topic['partitions'])} partitions, not {PARTITIONS}")
    leaders = [partition["leader"] for topic in topics for partition in topic["partitions"]]
    return len(leaders) == PARTITIONS * len(topics) and min(leaders, default=0) >= 0


@contextlib.asynccontextmanager
async def _answered(user: str, seconds: float) -> AsyncIterator[None]:
    """Within this time, or else `KafkaAway`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except KafkaAway:
        raise
    except (KafkaError, OSError) as error:
        raise _refusal(user, error) or KafkaAway(type(error).__name__) from error


def _refusal(user: str, error: Exception) -> Refused | None:
    """What is refused, when that is what an error says."""
    what = next((words for kind, words in _NOT_ALLOWED.items() if isinstance(error, kind)), None)
    return None if what is None else Refused(" ".join(map(str, (f"Kafka refuses {user}", what, *error.args))))


async def _let_go(ending: Coroutine[Any, Any, None], *, seconds: float) -> None:
    """Wait a moment for a client to end, and leave it to itself when it takes longer."""
    task = asyncio.create_task(ending)
    _leaving.add(task)
    task.add_done_callback(_is_gone)
    await asyncio.wait({task}, timeout=seconds)


def _is_gone(task: asyncio.Task[None]) -> None:
    _leaving.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.info("a Kafka client ended badly", failure=type(error).__name__)
