"""What the rig writes to Kafka itself: duplicates of the whole log, and records that lie in a patient's name."""

from uuid import uuid4

import pytest

from deploy.chaos.traffic import ends_of, is_poison, send_again, send_in_their_names, send_poison
from shared.broker import Message, Record, Stream
from shared.errors import UndecodableEvent
from shared.events import ENROLLMENT_UPDATED, VISIT_UPDATED, decode
from shared.memory_broker import MemoryBroker
from tests.builders import SITE, a_message, an_enrollment, an_event

TOPICS = (VISIT_UPDATED, ENROLLMENT_UPDATED)
NAMES = [topic.name for topic in TOPICS]
LONG, LAST = 6_000, 5
STREAMS = [Stream(SITE, ENROLLMENT_UPDATED.name, str(uuid4())) for _ in range(8)]


async def a_broker(*messages: Message) -> MemoryBroker:
    broker = MemoryBroker()
    await broker.create_topics(NAMES)
    await (await broker.sink()).send_all(messages)
    return broker


async def written(broker: MemoryBroker) -> list[Record]:
    """Everything in the log."""
    length = sum((await ends_of(broker, NAMES)).values())
    source = await broker.source("test", NAMES)
    found: list[Record] = []
    while len(found) < length:
        for records in (await source.fetch(max_records=1_000, timeout_ms=5)).values():
            found += records
    await source.close()
    return found


@pytest.mark.parametrize("seed", range(5))
async def test_half_of_what_comes_again_was_written_last_and_the_rest_comes_from_the_whole_log(seed: int) -> None:
    broker = await a_broker(*(Message(NAMES[number % 2], str(number).encode(), b"") for number in range(LONG)))
    ends = await ends_of(broker, NAMES)
    sent = await send_again(broker, TOPICS, seed)
    log = await written(broker)
    assert len(log) == LONG + sent
    again = {record.key for record in log if record.offset >= ends[record.partition]}
    first = [record for record in log if record.key in again and record.offset < ends[record.partition]]
    newest = [record for record in first if record.offset >= ends[record.partition] - LAST]
    assert len(first) == 40
    assert len(newest) * 2 >= len(first)
    shares = sorted(record.offset / ends[record.partition] for record in first if record not in newest)
    assert shares[0] < 0.4
    assert shares[-1] > 0.6


async def test_of_a_short_log_all_may_come_again_and_of_an_empty_one_nothing() -> None:
    assert await send_again(await a_broker(), TOPICS, 1) == 0
    event = an_event(an_enrollment())
    broker = await a_broker(a_message(event))
    assert await send_again(broker, TOPICS, 1) > 0
    assert {record.attribute("ce_id") for record in await written(broker)} == {str(event.event_id)}


async def test_what_lies_in_a_patients_name_is_of_that_patient_and_can_never_be_read() -> None:
    broker = await a_broker(a_message(an_event(an_enrollment())))
    assert await send_in_their_names(broker, STREAMS, 1) == len(STREAMS)
    lies = [record for record in await written(broker) if is_poison(record)]
    assert sorted(record.stream for record in lies) == sorted(STREAMS)
    assert len({record.attribute("ce_id") for record in lies}) == len(STREAMS)
    reasons = set()
    for record in lies:
        with pytest.raises(UndecodableEvent) as refused:
            decode(record.partition.topic, record.headers, record.value)
        reasons.add(str(refused.value))
    assert len(reasons) == 4


async def test_poison_of_nobody_is_under_keys_of_its_own() -> None:
    broker = await a_broker(a_message(an_event(an_enrollment())))
    await send_poison(broker, ENROLLMENT_UPDATED, 1)
    assert [is_poison(record) for record in await written(broker)].count(False) == 1
