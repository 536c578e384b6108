"""The statements behind `shared.delivery`: offsets, heads, deliveries and what was set aside."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes
from uuid import UUID

import asyncpg
import orjson

from shared.broker import Partition, Record, Stream
from shared.db import Connection, as_columns
from shared.events import Event

LetterState = Literal["dead", "parked", "waiting", "dropped"]
# Headers of a record set aside are kept byte for byte, percent-encoded where they are not plain ASCII.
_LEGIBLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


class Place(NamedTuple):
    """How far a partition is applied: the offset to read next and the id of the event before it."""

    next_offset: int
    last_event_id: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A record set aside. `reason` names fields and rules, never what stood in them."""

    record: Record
    state: LetterState
    reason: str
    sequence: int | None = None

    def waits_for(self, stream: Stream, head: int) -> bool:
        """Whether it waited for what this stream has reached by now."""
        is_reached = self.sequence is not None and self.sequence <= head
        return self.state == "waiting" and self.record.stream == stream and is_reached


async def places(connection: Connection, consumer: str, partitions: Collection[Partition]) -> dict[Partition, Place]:
    """The stored place of every partition; one never read before begins at 0."""
    await connection.execute(
        """
        INSERT INTO consumer_offset (consumer, topic, partition, next_offset)
        SELECT $1, topic, partition, 0 FROM unnest($2::text[], $3::integer[]) AS p (topic, partition)
        ON CONFLICT DO NOTHING
        """,
        consumer,
        *as_columns(partitions),
    )
    return await _select_places(connection, consumer, partitions, "")


async def lock_offsets(
    connection: Connection, consumer: str, partitions: Collection[Partition]
) -> dict[Partition, Place]:
    """The stored places, held until the transaction ends: no other member can apply these partitions meanwhile."""
    return await _select_places(connection, consumer, partitions, "FOR UPDATE")


async def _select_places(
    connection: Connection, consumer: str, partitions: Collection[Partition], locking: str
) -> dict[Partition, Place]:
    rows = await connection.fetch(
        f"""
        SELECT topic, partition, next_offset, last_event_id FROM consumer_offset
        WHERE consumer = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::integer[]))
        ORDER BY topic, partition {locking}
        """,
        consumer,
        *as_columns(partitions),
    )
    return {Partition(row["topic"], row["partition"]): Place(row["next_offset"], row["last_event_id"]) for row in rows}


async def move_offsets(connection: Connection, consumer: str, last: Sequence[Record]) -> None:
    """Read on after these records; never backwards."""
    await connection.execute(
        """
        UPDATE consumer_offset AS place SET next_offset = read.next_offset, last_event_id = read.event_id
        FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::text[])
            AS read (topic, partition, next_offset, event_id)
        WHERE consumer = $1 AND place.topic = read.topic AND place.partition = read.partition
        AND place.next_offset < read.next_offset
        """,
        consumer,
        *as_columns([(*record.partition, record.offset + 1, record.attribute("ce_id")) for record in last]),
    )


async def heads(connection: Connection, consumer: str, streams: Collection[Stream]) -> dict[Stream, int]:
    """The highest applied sequence of each stream that has one."""
    rows = await connection.fetch(
        """
        SELECT wanted.*, sequence
        FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (site_id, topic, key) CROSS JOIN LATERAL (
            SELECT sequence FROM consumer_head AS head
            WHERE consumer = $1 AND (head.site_id, head.topic, head.key) = (wanted.site_id, wanted.topic, wanted.key)
            LIMIT 1
        ) AS head
        """,
        consumer,
        *as_columns(streams),
    )
    return {_stream(row): row["sequence"] for row in rows}


@dataclass(frozen=True, slots=True)
class Kept:
    """What is set aside of some streams.

    Records that wait for the one before them, by stream and sequence; the streams that something dead blocks, since
    what comes later must not overtake it; what was dropped, and the sequences that are passed over with it.
    """

    waiting: dict[tuple[Stream, int], Record]
    blocked: set[Stream]
    dropped: set[tuple[object, ...]]
    passed: set[tuple[Stream, int]]


async def kept(connection: Connection, consumer: str, streams: Collection[Stream]) -> Kept:
    """What a consumer has set aside of these streams."""
    rows = await connection.fetch(
        """
        SELECT site_id, topic, key, partition, record_offset, state, sequence, headers, timestamp_ms,
               CASE WHEN state = 'waiting' THEN value ELSE '' END AS value
        FROM dead_letter
        WHERE consumer = $1 AND (site_id, topic, key) IN (SELECT * FROM unnest($2::text[], $3::text[], $4::text[]))
        """,
        consumer,
        *as_columns(streams),
    )
    dropped = [row for row in rows if row["state"] == "dropped"]
    return Kept(
        waiting={(_stream(row), row["sequence"]): record_of(row) for row in rows if row["state"] == "waiting"},
        blocked={_stream(row) for row in rows if row["state"] in ("dead", "parked")},
        dropped={record_of(row).identity for row in dropped},
        passed={(_stream(row), row["sequence"]) for row in dropped if row["sequence"] is not None},
    )


async def record_applied(
    connection: Connection, consumer: str, applied: Sequence[tuple[Event, Record]], *, had_waited: bool
) -> None:
    """Move the heads and note each delivery; where some `had_waited`, forget those that wait no more."""
    if not applied:
        return
    newest = {record.stream: event.sequence for event, record in applied}
    streams = as_columns(newest)
    await connection.execute(
        """
        INSERT INTO consumer_head (consumer, site_id, topic, key, sequence)
        SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
        ON CONFLICT (site_id, consumer, topic, key) DO UPDATE SET sequence = excluded.sequence
        """,
        consumer,
        *streams,
        list(newest.values()),
    )
    await connection.execute(
        """
        INSERT INTO delivery (consumer, site_id, event_id, topic, partition, record_offset, sent_at)
        SELECT $1, site_id, event_id, topic, partition, record_offset, to_timestamp(sent_ms / 1000.0)
        FROM unnest($2::text[], $3::uuid[], $4::text[], $5::integer[], $6::bigint[], $7::bigint[])
            AS applied (site_id, event_id, topic, partition, record_offset, sent_ms)
        ON CONFLICT DO NOTHING
        """,
        consumer,
        *as_columns(
            [
                (event.site_id, event.event_id, *record.partition, record.offset, record.timestamp_ms)
                for event, record in applied
            ]
        ),
    )
    if not had_waited:
        return
    await connection.execute(
        """
        DELETE FROM dead_letter AS letter USING consumer_head AS head
        WHERE letter.consumer = $1 AND letter.state = 'waiting' AND letter.sequence <= head.sequence
        AND (letter.site_id, letter.topic, letter.key) IN (SELECT * FROM unnest($2::text[], $3::text[], $4::text[]))
        AND head.consumer = letter.consumer AND head.site_id = letter.site_id
        AND head.topic = letter.topic AND head.key = letter.key
        """,
        consumer,
        *streams,
    )


async def add_letters(connection: Connection, consumer: str, letters: Sequence[Letter]) -> None:
    """Set records aside. One that is set aside already gets its new state and reason, but a dead one stays dead.

    A letter's id says which record it is and where that stands: a topic that was made anew may bring others to a place.
    """
    await connection.executemany(
        """
        INSERT INTO dead_letter AS old (letter_id, site_id, consumer, topic, partition, record_offset, state, reason,
                                        key, sequence, headers, value, timestamp_ms)
        VALUES (left(encode(sha256(convert_to(
                    concat_ws(' ', $3::text, $4::integer, $5::bigint, $8::text, $10::jsonb), 'UTF8'
                ) || $11::bytea), 'hex'), 32)::uuid, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (site_id, consumer, letter_id) DO UPDATE
        SET state = excluded.state, reason = excluded.reason, sequence = excluded.sequence
        WHERE (old.state, excluded.state) <> ('dead', 'parked')
        """,
        [_letter_row(consumer, letter) for letter in letters],
    )


async def dead_record(connection: Connection, consumer: str, letter_id: UUID) -> Record | None:
    """The record that is set aside under this id; None when there is none that is dead."""
    row = await connection.fetchrow(
        "SELECT * FROM dead_letter WHERE consumer = $1 AND letter_id = $2 AND state = 'dead'", consumer, letter_id
    )
    return None if row is None else record_of(row)


async def give_up(connection: Connection, consumer: str, letter_id: UUID, why: str, sequence: int | None) -> bool:
    """Drop a dead record, and with it this sequence of its stream; False when it is dead no more."""
    done = await connection.execute(
        """
        UPDATE dead_letter SET state = 'dropped', reason = reason || '; dropped: ' || $3, sequence = $4
        WHERE consumer = $1 AND letter_id = $2 AND state = 'dead'
        """,
        consumer,
        letter_id,
        why,
        sequence,
    )
    return done == "UPDATE 1"


async def take_letters(connection: Connection, consumer: str, streams: Collection[Stream]) -> list[Record]:
    """Remove what these streams have set aside and return it in the order of the log; what was dropped stays so."""
    rows = await connection.fetch(
        """
        DELETE FROM dead_letter
        WHERE consumer = $1 AND state <> 'dropped'
        AND (site_id, topic, key) IN (SELECT * FROM unnest($2::text[], $3::text[], $4::text[]))
        RETURNING *
        """,
        consumer,
        *as_columns(streams),
    )
    return sorted((record_of(row) for row in rows), key=lambda record: (record.partition, record.offset))


def _letter_row(consumer: str, letter: Letter) -> tuple[object, ...]:
    record = letter.record
    headers = [(quote(name, _LEGIBLE), quote(value, _LEGIBLE)) for name, value in record.headers]
    return (
        record.stream.site_id,
        consumer,
        *record.partition,
        record.offset,
        letter.state,
        letter.reason,
        record.stream.key,
        letter.sequence,
        orjson.dumps(headers).decode(),
        record.value,
        record.timestamp_ms,
    )


def record_of(row: asyncpg.Record) -> Record:
    """The record in a row of `dead_letter`, as it was read."""
    return Record(
        partition=Partition(row["topic"], row["partition"]),
        offset=row["record_offset"],
        timestamp_ms=row["timestamp_ms"],
        key=row["key"].encode(),
        value=row["value"],
        headers=[(unquote(name), unquote_to_bytes(value)) for name, value in orjson.loads(row["headers"])],
    )


def _stream(row: asyncpg.Record) -> Stream:
    return Stream(row["site_id"], row["topic"], row["key"])
