"""One publisher, a broker in memory and one reader with its witness, for the auditor to look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from deploy.chaos import witness
from deploy.chaos.evidence import Evidence, log_of, outbox_of, reader_of
from deploy.chaos.findings import checks
from deploy.chaos.mending import has_read
from deploy.chaos.traffic import ends_of
from deploy.databases import connected
from shared.consumer import Consumer, ConsumerSettings
from shared.db import Connection, Pool, lock, open_pool, transaction
from shared.delivery import Subscription
from shared.events import VISIT_UPDATED, Event
from shared.memory_broker import MemoryBroker
from shared.outbox import Draft, add
from shared.relay import Relay, RelaySettings
from tests.builders import SITE, a_visit
from tests.conftest import FreshDatabase
from tests.shared.effects import running
from tests.waiting import until

QUICK_RELAY = RelaySettings(batch=4, poll_s=0.001, first_retry_s=0.001, retry_s=0.01)
QUICK_READER = ConsumerSettings(max_records=4, fetch_timeout_ms=5, watch_every_s=60, first_retry_s=0.001, retry_s=0.01)
_READING = ("witness.effect", "witness.parked", "delivery", "consumer_head", "consumer_offset", "dead_letter")


async def nothing(_connection: Connection, _events: Sequence[Event]) -> None:
    """The witness sees an effect without there being one."""


READING = Subscription("reader", (VISIT_UPDATED,), nothing)


@dataclass
class Pipeline:
    """`writer` and `reader` are the databases; every part can be begun again on them."""

    writer: FreshDatabase
    reader: FreshDatabase
    broker: MemoryBroker = field(default_factory=MemoryBroker)

    async def begin(self) -> None:
        await self.broker.create_topics([VISIT_UPDATED.name])
        async with connected(self.reader.admin) as superuser:
            await witness.install(superuser)

    async def begin_again(self) -> None:
        """As if nothing of what is written had been sent or read."""
        self.broker = MemoryBroker()
        await self.broker.create_topics([VISIT_UPDATED.name])
        await self.writer.run("UPDATE relay_cursor SET xid = 0, position = 0")
        await self.read_anew()

    async def read_anew(self) -> None:
        """As if nothing had been read."""
        await self.reader.run("; ".join(f"DELETE FROM {table}" for table in _READING))

    async def write(self, *patients: UUID, times: int = 1) -> None:
        """Visits of these patients, each in a transaction of its own."""
        async with open_pool(self.writer.admin, size=1) as pool:
            for patient in patients * times:
                async with transaction(pool) as connection:
                    await write_in(connection, patient)

    async def relay_all(self) -> None:
        """Send what is to be sent, by a sound relay."""
        async with running(Relay("writer", self.writer.worker, self.broker, QUICK_RELAY).run()):
            await until(self.is_all_sent)

    async def read_all(self) -> None:
        """Read what is to be read, by a sound reader."""
        async with open_pool(self.reader.worker, size=2) as pool, running(self.a_reader(pool).run()):
            await until(self.is_all_read)

    def a_reader(self, pool: Pool, subscription: Subscription = READING) -> Consumer:
        return Consumer(subscription, self.broker, pool, QUICK_READER)

    async def is_all_sent(self) -> bool:
        return bool(
            await self.writer.value(
                "SELECT (SELECT (xid, position) FROM relay_cursor) = "
                "(SELECT (xid, position) FROM outbox ORDER BY xid DESC, position DESC LIMIT 1)"
            )
        )

    async def is_all_read(self) -> bool:
        written = await self.writer.value("SELECT sum(sequence) FROM outbox_head")
        return bool(await self.reader.value("SELECT sum(sequence) = $1 FROM consumer_head", written))

    async def has_read_the_log(self) -> bool:
        """Whether the reader is as far as the log, whatever it made of it."""
        return await has_read(self.reader.worker, READING.name, await ends_of(self.broker, [VISIT_UPDATED.name]))

    async def findings(self, *happened: str) -> dict[str, list[str]]:
        """What the auditor finds, by its check; of answers and figures there are none here."""
        async with connected(self.writer.admin) as connection:
            facts = await outbox_of(connection)
        async with connected(self.reader.admin) as connection:
            reader = await reader_of(connection, READING.name, [VISIT_UPDATED.name])
        copies = await log_of(self.broker, [VISIT_UPDATED.name])
        evidence = Evidence([], facts, copies, {READING.name: reader}, happened=frozenset(happened))
        found = {check.name: list(check.findings) for check in checks(evidence)}
        assert len(found.pop(UNTOLD)) == len(facts), "nobody kept a ledger here"
        return {name: findings for name, findings in found.items() if findings}


UNTOLD = "one event in an outbox for each, and no other"


async def write_in(connection: Connection, patient: UUID) -> None:
    """What a command does: the patient's lock, then the event."""
    await lock(connection, [(SITE, patient)])
    await add(connection, [Draft(SITE, str(patient), a_visit(patient_id=patient, visit_id=uuid4()))])
