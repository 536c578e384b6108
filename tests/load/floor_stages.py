"""The floor of the stages behind the doors: a relay, a projection and a fact table without any promise but durability.

The same batches, the same bytes, one statement a batch, and the place to read on from in the same transaction. No
envelope, sequences, sealing, parking, pages or pseudonyms. `python -m tests.load.floor_stages STAGE [until]` runs one
for ever, or until it has done that many records and then prints how fast that was.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services import dashboard
from shared.consumer import ConsumerSettings
from shared.db import Connection
from shared.events import PARTITIONS, SITE_UPDATED, TOPICS
from shared.relay import RelaySettings
from tests.load.processes import Clock
from tests.waiting import until

SURVEYS = "floor-surveys"
OF_PATIENTS = [topic.name for topic in dashboard.CONSUMES if topic is not SITE_UPDATED]
_BATCH = RelaySettings().batch
_MOST_RECORDS = ConsumerSettings().max_records

_READ = """
SELECT xid, position, event_id, site_id, key, value FROM outbox
WHERE (xid, position) > ($1, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
ORDER BY xid, position LIMIT $3
"""
_MOVE = """
INSERT INTO place SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[])
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset
"""
_PAGES = """
INSERT INTO page (site_id, patient_id, json) SELECT * FROM unnest($1::text[], $2::uuid[], $3::bytea[])
ON CONFLICT (site_id, patient_id) DO UPDATE SET json = excluded.json
"""
_ARRIVED = "INSERT INTO arrived (event_id) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING"
_FACTS = """
INSERT INTO fact SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])
ON CONFLICT DO NOTHING
"""

Apply = Callable[[Connection, Sequence[Any]], Awaitable[None]]


class Speed:
    """How fast records were done: those after the first batch, over the time after the first batch."""

    def __init__(self, until: int | None, pids: Sequence[int]) -> None:
        self._until = until
        self._pids = pids
        self._first = self._done = 0
        self._began, self._clock = 0.0, Clock(())

    def count(self, records: int) -> bool:
        """Whether that was enough; then the speed has been printed."""
        self._done += records
        if not self._first:
            self._first, self._began, self._clock = self._done, time.perf_counter(), Clock(self._pids)
        if self._until is None or self._done < self._until:
            return False
        speed = {
            "records": self._done - self._first,
            "seconds": time.perf_counter() - self._began,
            "cpu_s": self._clock.spent_s(self._pids),
        }
        sys.stdout.write(json.dumps(speed) + "\n")
        return True


async def relay(connection: Connection, bootstrap_servers: str, speed: Speed) -> None:
    """Copy the outbox to one topic, in its order."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=True, linger_ms=2, max_batch_size=256 * 1024
    )
    await producer.start()
    try:
        xid, position = await connection.fetchrow("SELECT xid, position FROM cursor") or (0, 0)
        while True:
            behind = partial(connection.fetch, _READ, xid, position, _BATCH)
            rows = await until(behind, seconds=None, every_s=RelaySettings().poll_s)
            sent = [
                await producer.send(
                    SURVEYS,
                    row["value"],
                    key=row["key"].encode(),
                    headers=[("ce_id", str(row["event_id"]).encode()), ("ce_siteid", row["site_id"].encode())],
                )
                for row in rows
            ]
            await asyncio.gather(*sent)
            xid, position = rows[-1]["xid"], rows[-1]["position"]
            await connection.execute("UPDATE cursor SET xid = $1, position = $2", xid, position)
            if speed.count(len(rows)):
                return
    finally:
        await producer.stop()


async def consume(
    connection: Connection, bootstrap_servers: str, speed: Speed, topics: Sequence[str], apply: Apply
) -> None:
    """Read whole topics from their start, or on from the stored places."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=100)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)])
        await consumer.seek_to_beginning()
        for row in await connection.fetch("SELECT * FROM place"):
            consumer.seek(TopicPartition(row["topic"], row["partition"]), row["next_offset"])
        while True:
            batch = await consumer.getmany(timeout_ms=250, max_records=_MOST_RECORDS)
            records = [record for found in batch.values() for record in found]
            if not records:
                continue
            async with connection.transaction():
                await apply(connection, records)
                places = [(where.topic, where.partition, found[-1].offset + 1) for where, found in batch.items()]
                await connection.execute(_MOVE, *map(list, zip(*places, strict=True)))
            if speed.count(len(records)):
                return
    finally:
        await consumer.stop()


async def keep_pages(connection: Connection, records: Sequence[Any]) -> None:
    """The newest bytes of each patient, and that each event arrived."""
    newest = {(_header(record, "ce_siteid"), record.key.decode()): record.value for record in records}
    sites, patients = zip(*newest, strict=True)
    await connection.execute(_PAGES, list(sites), list(patients), list(newest.values()))
    await connection.execute(_ARRIVED, [_header(record, "ce_id") for record in records])


async def keep_facts(connection: Connection, records: Sequence[Any]) -> None:
    """A row an event."""
    rows = [
        (
            _header(record, "ce_siteid"),
            record.topic,
            _header(record, "ce_id"),
            int(_header(record, "ce_sequence")),
            record.value,
        )
        for record in records
    ]
    await connection.execute(_FACTS, *map(list, zip(*rows, strict=True)))


def _header(record: Any, name: str) -> str:
    return next(str(value, "utf-8") for key, value in record.headers if key == name)


async def main(stage: str, until: int | None) -> None:
    bootstrap_servers = os.environ["FLOOR_BOOTSTRAP_SERVERS"]
    connection = await asyncpg.connect(os.environ["FLOOR_DATABASE_URL"])
    speed = Speed(until, [os.getpid(), connection.get_server_pid()])
    try:
        match stage:
            case "relay":
                await relay(connection, bootstrap_servers, speed)
            case "surveys":
                await consume(connection, bootstrap_servers, speed, [SURVEYS], keep_pages)
            case "projection":
                await consume(connection, bootstrap_servers, speed, OF_PATIENTS, keep_pages)
            case "analytics":
                await consume(connection, bootstrap_servers, speed, list(TOPICS), keep_facts)
    finally:
        await connection.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None))
