"""What nobody should have written to Kafka: records that are there already, again and again, and records that lie.

Duplicates keep within the guarantees: what comes again has come before, so for every patient each event still comes
for the first time behind the one before it.
"""

from collections.abc import Sequence
from itertools import chain
from random import Random
from uuid import uuid4

from shared.broker import Message, Record
from shared.events import PARTITIONS, Topic
from shared.kafka import KafkaBroker

POISON = "poison-"
"""The keys of records that lie begin so; no patient's does."""
_MOST_AGAIN = 19
_MOST_RECORDS = 40


async def send_again(broker: KafkaBroker, topics: Sequence[Topic], seed: int) -> int:
    """Send some records of these topics 1 to 19 times more, mixed; how many were sent."""
    rng = Random(seed)  # noqa: S311 - chance that can be repeated, no secret
    names = [topic.name for topic in topics]
    found = await _some_of(broker, names)
    chosen = rng.sample(found, min(len(found), _MOST_RECORDS))
    again = [record for record in chosen for _ in range(rng.randint(1, _MOST_AGAIN))]
    rng.shuffle(again)
    await _send(broker, [Message(r.partition.topic, r.key, r.value, r.headers) for r in again])
    return len(again)


async def send_poison(broker: KafkaBroker, topic: Topic, seed: int) -> int:
    """Send records that can never be applied, each under a key of its own: without a body, of no site, of no id."""
    rng = Random(seed)  # noqa: S311 - chance that can be repeated, no secret
    values = [b"", b"{}", b"\xff\xfe", rng.randbytes(64)]
    await _send(broker, [Message(topic.name, f"{POISON}{uuid4()}".encode(), value) for value in values])
    return len(values)


async def _some_of(broker: KafkaBroker, topics: Sequence[str]) -> list[Record]:
    source = await broker.source(f"chaos-{uuid4()}", topics)
    try:
        batch = await source.fetch(max_records=PARTITIONS * _MOST_RECORDS, timeout_ms=1000)
    finally:
        await source.close()
    return list(chain.from_iterable(batch.values()))


async def _send(broker: KafkaBroker, messages: Sequence[Message]) -> None:
    if messages:
        sink = await broker.sink()
        try:
            await sink.send_all(messages)
        finally:
            await sink.close()
