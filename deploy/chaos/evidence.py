"""What the auditor goes by: everything that the services' databases and Kafka hold, read when all is quiet."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4

import orjson

from deploy.chaos import witness
from deploy.chaos.holdings import Holding, holding_of, items_of
from deploy.chaos.ledger import Entry
from deploy.chaos.release import FIELD
from deploy.chaos.told import Figure, Item
from deploy.chaos.traffic import is_poison
from deploy.chaos.writes import WRITES
from deploy.databases import KEY_RING, at, connected
from deploy.doors import SERVICES, consumes, publishes
from shared.broker import Broker, Partition, Record, Stream
from shared.db import Connection
from shared.delivery_store import LetterState, record_of
from shared.events import (
    DASHBOARD_VIEWED,
    LINK_REVOKED,
    PARTITIONS,
    PATIENT_ERASED,
    SITE_UPDATED,
    TOPICS,
    VISIT_UPDATED,
)

_PREFETCH = 5_000
# In the order in which a relay sends them.
_OUTBOX = """
SELECT event_id::text, topic, site_id, key, sequence, value FROM outbox ORDER BY xid, position
"""
_THING_OF = {
    VISIT_UPDATED.name: "visit_id",
    DASHBOARD_VIEWED.name: "view_id",
    LINK_REVOKED.name: "link_id",
    PATIENT_ERASED.name: "patient_id",
}
_FIGURES = """
SELECT 'surveys', site_id, CASE WHEN counts THEN 'counting' ELSE 'in error' END, count(*) FROM survey
GROUP BY site_id, counts
UNION ALL SELECT 'erased', site_id, '', count(*) FROM erasure GROUP BY site_id
UNION ALL SELECT 'visits', site_id, state, count(*) FROM visit GROUP BY site_id, state
UNION ALL SELECT 'feedback', site_id, '', count(*) FROM feedback GROUP BY site_id
UNION ALL SELECT 'views', site_id, '', count(*) FROM view GROUP BY site_id
UNION ALL SELECT 'clinical facts', site_id, CASE WHEN counts THEN kind ELSE 'in error' END AS is_of, count(*)
FROM clinical_fact GROUP BY site_id, is_of
UNION ALL SELECT 'patients', site_id, consent, count(*) FROM enrolment GROUP BY site_id, consent
"""


class Fact(NamedTuple):
    """An event in an outbox. `thing` is the visit, look or site that it is about, where no receipt may tell.

    `is_next`: a door of the next version wrote it.
    """

    event_id: str
    stream: Stream
    sequence: int
    digest: bytes
    thing: str | None = None
    is_next: bool = False


class Copy(NamedTuple):
    """A record on Kafka; one without an event's attributes has neither id nor sequence. Poison is the rig's own."""

    event_id: str | None
    stream: Stream
    sequence: int | None
    digest: bytes
    place: str
    is_poison: bool = False


class Letter(NamedTuple):
    """Something that a consumer has set aside."""

    stream: Stream
    state: LetterState
    reason: str
    place: str
    event_id: str | None = None
    is_poison: bool = False


@dataclass(frozen=True)
class Reader:
    """A consumer: how often each event had its effect, which are on its books, and how far each stream is.

    `parked` are the events that have waited behind something dead at some time.
    """

    topics: frozenset[str]
    effects: Mapping[str, int]
    delivered: frozenset[str]
    heads: Mapping[Stream, int]
    letters: Sequence[Letter] = ()
    parked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evidence:
    """All of it. `things` are the ids that each owner has, by table; `items` is what the page has. `versions`, `left`
    and `revoked` are by place: which version of each survey counts there (0: none; None: some, it keeps no numbers),
    whom it has anything of, and the links of whom it lets nobody in.

    `happened` are the kinds of faults. After a lost disk Kafka got its log again from the outboxes, behind what relays
    had sent by then.
    """

    ledger: Sequence[Entry]
    outbox: Sequence[Fact]
    kafka: Sequence[Copy]
    readers: Mapping[str, Reader]
    things: Mapping[str, frozenset[str]] = field(default_factory=dict)
    figures: Mapping[Figure, int] = field(default_factory=dict)
    items: Mapping[Item, str] = field(default_factory=dict)
    versions: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    left: Mapping[str, frozenset[str]] = field(default_factory=dict)
    revoked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    happened: Set[str] = frozenset()


async def gather(admin_dsn: str, broker: Broker, ledger: Sequence[Entry], happened: Set[str]) -> Evidence:
    """Read everything, as the superuser whom no wall stops."""
    outbox: list[Fact] = []
    readers: dict[str, Reader] = {}
    things: dict[str, frozenset[str]] = {}
    figures: dict[Figure, int] = {}
    items: Mapping[Item, str] = {}
    holdings: dict[str, Holding] = {}
    for service in SERVICES:
        async with connected(at(admin_dsn, service)) as connection:
            if publishes(service):
                outbox += await outbox_of(connection)
            if consumes(service):
                topics = [topic.name for topic in consumes(service)]
                readers[service] = await reader_of(connection, service, topics)
            holdings[service] = await holding_of(connection, service)
            for table, column in {(w.table, w.column) for w in WRITES.values() if w.service == service}:
                rows = await connection.fetch(f"SELECT {column}::text AS id FROM {table}")
                things[table] = frozenset(row["id"] for row in rows)
            if service == "analytics":
                figures = {Figure(*row[:3]): row[3] for row in await connection.fetch(_FIGURES)}
            if service == "dashboard":
                items = await items_of(connection)
    async with connected(at(admin_dsn, KEY_RING)) as connection:
        holdings[KEY_RING] = await holding_of(connection, KEY_RING)
    return Evidence(
        ledger,
        outbox,
        await log_of(broker, list(TOPICS)),
        readers,
        things,
        figures,
        items,
        versions={place: held.versions for place, held in holdings.items() if held.versions is not None},
        left={place: held.left for place, held in holdings.items() if held.left is not None},
        revoked={place: held.revoked for place, held in holdings.items() if held.revoked is not None},
        happened=happened,
    )


async def outbox_of(connection: Connection) -> list[Fact]:
    """The events of a service in the order of its relay."""
    async with connection.transaction(readonly=True):
        return [
            Fact(
                row["event_id"],
                Stream(row["site_id"], row["topic"], row["key"]),
                row["sequence"],
                _digest(row["value"]),
                _thing(row["topic"], row["key"], row["value"]),
                row["value"].endswith(FIELD),
            )
            async for row in connection.cursor(_OUTBOX, prefetch=_PREFETCH)
        ]


async def reader_of(connection: Connection, consumer: str, topics: Sequence[str]) -> Reader:
    """What a consumer has, the witness beside it included."""
    delivered = await connection.fetch("SELECT event_id::text FROM delivery WHERE consumer = $1", consumer)
    heads = await connection.fetch(
        "SELECT site_id, topic, key, sequence FROM consumer_head WHERE consumer = $1", consumer
    )
    letters = await connection.fetch("SELECT * FROM dead_letter WHERE consumer = $1", consumer)
    return Reader(
        topics=frozenset(topics),
        effects=await witness.effects(connection, consumer),
        delivered=frozenset(row["event_id"] for row in delivered),
        heads={Stream(row["site_id"], row["topic"], row["key"]): row["sequence"] for row in heads},
        letters=[_letter(row["state"], row["reason"], record_of(row)) for row in letters],
        parked=await witness.parked(connection, consumer),
    )


async def log_of(broker: Broker, topics: Sequence[str]) -> list[Copy]:
    """Everything that stands on Kafka, in the order of each partition."""
    partitions = [Partition(topic, number) for topic in topics for number in range(PARTITIONS)]
    found: dict[Partition, list[Record]] = defaultdict(list)
    source = await broker.source(f"chaos-auditor-{uuid4()}", topics)
    try:
        bounds = await source.bounds(partitions)
        left = {partition for partition, bound in bounds.items() if bound.end > bound.start}
        while left:
            for partition, records in (await source.fetch(max_records=_PREFETCH, timeout_ms=500)).items():
                found[partition] += records
                if records and records[-1].offset + 1 >= bounds[partition].end:
                    left.discard(partition)
    finally:
        await source.close()
    return [_copy(record) for records in found.values() for record in records]


def _copy(record: Record) -> Copy:
    sequence = record.attribute("ce_sequence")
    number = int(sequence) if sequence is not None and sequence.isdigit() else None
    event_id, digest = record.attribute("ce_id"), _digest(record.value)
    return Copy(event_id, record.stream, number, digest, _place(record), is_poison(record))


def _letter(state: LetterState, reason: str, record: Record) -> Letter:
    return Letter(record.stream, state, reason, _place(record), record.attribute("ce_id"), is_poison(record))


def _place(record: Record) -> str:
    return f"{record.partition.topic}/{record.partition.number}@{record.offset}"


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=8).digest()


def _thing(topic: str, key: str, value: bytes) -> str | None:
    if topic == SITE_UPDATED.name:
        return key
    return str(orjson.loads(value)[_THING_OF[topic]]) if topic in _THING_OF else None
