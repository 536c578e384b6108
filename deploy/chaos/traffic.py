"""What nobody should have written to Kafka: records that are there already, again and again, and records that lie.

Duplicates keep within the guarantees: what comes again has come before, so for every patient each event still comes
for the first time behind the one before it. Half of them or more are of what was written last, which readers may not
have applied yet, or apply at this moment.

Poison can never be applied. It comes under a key of its own and stays dead, or under a patient's: then that patient's
later events are parked behind it until an operator drops it (`deploy.chaos.mending`).
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from uuid import uuid4

from shared.broker import Bounds, Broker, Message, Partition, Record, Source, Stream
from shared.events import PARTITIONS, Topic, headers_of

POISON = "poison-"
"""The keys of records that lie under none of a patient's begin so."""
MARK = "written-by-nobody"
"""The header of records that lie under a patient's key; readers know nothing of it."""
_MOST_AGAIN = 19
_MOST_RECORDS = 40
_LAST_OF_PARTITION = 5
_FETCH_MS, _LONGEST_S = 500, 10.0
# No patient's stream will ever be so long.
_NEVER_REACHED = 2**62


async def send_again(broker: Broker, topics: Sequence[Topic], seed: int) -> int:
    """Send some records of these topics 1 to 19 times more, mixed; how many were sent."""
    rng = Random(seed)  # noqa: S311 - chance that can be repeated, no secret
    chosen = await _chosen(broker, [topic.name for topic in topics], rng)
    again = [record for record in chosen for _ in range(rng.randint(1, _MOST_AGAIN))]
    rng.shuffle(again)
    await _send(broker, [Message(r.partition.topic, r.key, r.value, r.headers) for r in again])
    return len(again)


async def send_poison(broker: Broker, topic: Topic, seed: int) -> int:
    """Send records that can never be applied, each under a key of its own: without a body, of no site, of no id."""
    rng = Random(seed)  # noqa: S311 - chance that can be repeated, no secret
    values = [b"", b"{}", b"\xff\xfe", rng.randbytes(64)]
    await _send(broker, [Message(topic.name, f"{POISON}{uuid4()}".encode(), value) for value in values])
    return len(values)


async def send_in_their_names(broker: Broker, streams: Sequence[Stream], seed: int) -> int:
    """Send one record under the key of each of these streams that can never be applied; they take turns in why not."""
    rng = Random(seed)  # noqa: S311 - chance that can be repeated, no secret
    await _send(broker, [_lie(stream, number, rng) for number, stream in enumerate(streams)])
    return len(streams)


def is_poison(record: Record) -> bool:
    """Whether this rig wrote a record that can never be applied."""
    return record.stream.key.startswith(POISON) or record.attribute(MARK) is not None


async def ends_of(broker: Broker, topics: Sequence[str]) -> Mapping[Partition, int]:
    """Behind what is written by now."""
    async with _reading(broker, topics) as source:
        return {partition: log.end for partition, log in (await source.bounds(_partitions(topics))).items()}


def _lie(stream: Stream, number: int, rng: Random) -> Message:
    """It says whose it is and has an id; a sound envelope but for one thing, or hardly an envelope."""
    envelope = dict(
        headers_of(
            event_id=uuid4(),
            topic=stream.topic,
            site_id=stream.site_id,
            key=stream.key,
            sequence=_NEVER_REACHED,
            time=datetime.now(UTC),
            traceparent=None,
        )
    )
    headers, value = [
        (envelope, b'{"patient_id": "'),
        ({**envelope, "ce_type": b"something-else"}, b"{}"),
        ({**envelope, "ce_sequence": b"0"}, b"{}"),
        ({name: envelope[name] for name in ("ce_id", "ce_siteid")}, rng.randbytes(64)),
    ][number % 4]
    return Message(stream.topic, stream.key.encode(), value, [*headers.items(), (MARK, b"1")])


async def _chosen(broker: Broker, topics: Sequence[str], rng: Random) -> list[Record]:
    """Of every partition one record from anywhere in it and the last ones, and some of all these."""
    async with _reading(broker, topics) as source:
        logs = await source.bounds(_partitions(topics))
        written = {partition: log for partition, log in logs.items() if log.end > log.start}
        anywhere = {partition: rng.randrange(log.start, log.end) for partition, log in written.items()}
        last = {partition: max(log.start, log.end - _LAST_OF_PARTITION) for partition, log in written.items()}
        from_anywhere = await _behind(source, written, anywhere, 1)
        newest = await _behind(source, written, last, _LAST_OF_PARTITION)
    few = rng.sample(from_anywhere, min(len(from_anywhere), len(newest), _MOST_RECORDS // 2))
    return few + rng.sample(newest, min(len(newest), _MOST_RECORDS - len(few)))


async def _behind(
    source: Source, logs: Mapping[Partition, Bounds], places: Mapping[Partition, int], most: int
) -> list[Record]:
    """The first records from these places on; from a broker that falls silent, those that came until then."""
    left = {partition: min(most, logs[partition].end - place) for partition, place in places.items()}
    for partition, place in places.items():
        source.seek(partition, place)
    found: list[Record] = []
    until = time.monotonic() + _LONGEST_S
    while left and time.monotonic() < until:
        batch = await source.fetch(max_records=most, timeout_ms=_FETCH_MS)
        for partition in batch.keys() & left.keys():
            wanted = batch[partition][: left[partition]]
            found += wanted
            left[partition] -= len(wanted)
            if not left[partition]:
                del left[partition]
                source.seek(partition, logs[partition].end)
    return found


@asynccontextmanager
async def _reading(broker: Broker, topics: Sequence[str]) -> AsyncIterator[Source]:
    """All partitions of these topics, in a group of one."""
    source = await broker.source(f"chaos-{uuid4()}", topics)
    try:
        yield source
    finally:
        await source.close()


def _partitions(topics: Sequence[str]) -> list[Partition]:
    return [Partition(topic, number) for topic in topics for number in range(PARTITIONS)]


async def _send(broker: Broker, messages: Sequence[Message]) -> None:
    if messages:
        sink = await broker.sink()
        try:
            await sink.send_all(messages)
        finally:
            await sink.close()
