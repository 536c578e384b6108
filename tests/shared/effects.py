"""An effect that shows every repetition, since it counts; and the two ends of a pipeline around it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from shared import outbox
from shared.broker import Broker
from shared.db import Connection, Pool, lock, transaction
from shared.delivery import Subscription
from shared.events import VISIT_UPDATED, Event
from shared.memory_broker import MemoryBroker
from tests.builders import SITE, a_message, a_visit, an_event

PATIENTS = [uuid4() for _ in range(5)]


async def count(connection: Connection, events: Sequence[Event]) -> None:
    await connection.executemany(
        "INSERT INTO effect (key, sequence, times) VALUES ($1, $2, 1) "
        "ON CONFLICT (key, sequence) DO UPDATE SET times = effect.times + 1",
        [(event.key, event.sequence) for event in events],
    )


COUNTING = Subscription("test", (VISIT_UPDATED,), count)


async def an_empty_broker() -> MemoryBroker:
    """A broker that has the topic of this effect."""
    broker = MemoryBroker()
    await broker.create_topics([VISIT_UPDATED.name])
    return broker


@asynccontextmanager
async def running(*jobs: Awaitable[object]) -> AsyncIterator[list[asyncio.Task[object]]]:
    """The jobs as tasks, until the block ends."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def record_visit(connection: Connection, patient: UUID) -> None:
    """What a command does: the patient's lock, then the event."""
    await lock(connection, [(SITE, patient)])
    visit = a_visit(patient_id=patient, visit_id=uuid4())
    await outbox.add(connection, [outbox.Draft(SITE, str(patient), visit)])


async def write(pool: Pool, patient: UUID, times: int = 1) -> None:
    """Record `times` visits of a patient, each in a transaction of its own."""
    for _ in range(times):
        async with transaction(pool) as connection:
            await record_visit(connection, patient)


async def publish(broker: Broker, *sequences: int, patient: UUID = PATIENTS[0], value: bytes | None = None) -> None:
    """Write these facts of a patient to the broker, as a relay would."""
    sink = await broker.sink()
    for sequence in sequences:
        await sink.send_all([a_message(an_event(a_visit(patient_id=patient), sequence=sequence), value=value)])
    await sink.close()


async def effects(reader: Pool) -> dict[tuple[str, int], int]:
    """How often each fact (patient and sequence) had its effect."""
    return {(row["key"], row["sequence"]): row["times"] for row in await reader.fetch("SELECT * FROM effect")}


def once(*patients: UUID, upto: int) -> dict[tuple[str, int], int]:
    """The effects when facts 1 to `upto` of these patients had theirs once."""
    return {(str(patient), sequence): 1 for patient in patients for sequence in range(1, upto + 1)}
