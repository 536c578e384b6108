"""One batch of records and everything it changes, in the caller's transaction: exactly one effect for each event.

Two fences make it so. The offset rows, locked first, stop a consumer that lost its partition and every redelivery.
The sequence of each patient stops what was written twice under other offsets: an event is applied when its sequence
is the next one, dropped when it is behind, and kept waiting when one before it is still missing.

A record that can never be applied is set aside as `dead` in the same transaction, with a reason that holds nothing
of the patient; later events of that patient in that topic are `parked` behind it, in order (`shared.dead_letters`).
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from shared import delivery_store as store
from shared.broker import Partition, Record, Stream
from shared.db import Connection, savepoint
from shared.errors import PermanentFailure, UndecodableEvent
from shared.events import Event, Topic, decode, sequence_in

# How long a few records wait for others where nobody waits for what they come to.
AT_LEISURE_S = 0.25

Apply = Callable[[Connection, Sequence[Event]], Awaitable[None]]

_NEVER = (
    PermanentFailure,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    ValueError,
    TypeError,
    LookupError,
)


class OutOfPlace(Exception):
    """The records at hand do not follow what was applied: read again from the stored offsets."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A consumer: its name (= Kafka group), what it reads, and the function that makes an event's effect.

    `apply` must end in the same state when a batch comes again or in another order across streams. A few records
    wait `gather_s` for others: a batch costs much more than a record.
    """

    name: str
    topics: tuple[Topic, ...]
    apply: Apply
    gather_s: float = 0.0


@dataclass(slots=True)
class Outcome:
    """What became of a batch. `duplicates` are the records that were dropped, with what had been given up for good."""

    applied: list[tuple[Event, Record]] = field(default_factory=list)
    letters: list[store.Letter] = field(default_factory=list)
    duplicates: list[Record] = field(default_factory=list)

    @property
    def dead(self) -> int:
        return sum(letter.state == "dead" for letter in self.letters)


async def deliver(
    connection: Connection, subscription: Subscription, batch: Mapping[Partition, Sequence[Record]]
) -> Outcome:
    """Apply what is new in `batch` and move its offsets. Each partition's records are contiguous and not empty.

    Raises:
        OutOfPlace: a partition's first new record is not the one that follows what was applied.
    """
    places = await store.lock_offsets(connection, subscription.name, list(batch))
    fresh = [record for partition, records in batch.items() for record in _after(places[partition], records)]
    outcome = await settle(connection, subscription, fresh)
    await store.move_offsets(connection, subscription.name, [records[-1] for records in batch.values()])
    return outcome


async def settle(connection: Connection, subscription: Subscription, records: Sequence[Record]) -> Outcome:
    """Apply, drop or set aside each record, and remember which. The caller holds their partitions' offset rows."""
    outcome = Outcome()
    if not records:
        return outcome
    streams = {record.stream for record in records}
    kept = await store.kept(connection, subscription.name, streams)
    line = _Line(
        heads=await store.heads(connection, subscription.name, streams),
        kept=kept,
    )
    had_waited = bool(kept.waiting)
    due = [pair for record in records for pair in line.admit(record, outcome)]
    outcome.applied = await _apply(connection, subscription, due, outcome)
    await store.record_applied(connection, subscription.name, outcome.applied, had_waited=had_waited)
    await store.add_letters(connection, subscription.name, outcome.letters)
    return outcome


@dataclass(frozen=True, slots=True)
class _Line:
    """Who is next in each stream."""

    heads: dict[Stream, int]
    kept: store.Kept

    def admit(self, record: Record, outcome: Outcome) -> list[tuple[Event, Record]]:
        """The events that this record makes due: none, itself, or itself and those that waited for it."""
        stream = record.stream
        if self.kept.dropped and record.identity in self.kept.dropped:
            outcome.duplicates.append(record)
            return self._given_up(record, outcome)
        try:
            event = decode(stream.topic, record.headers, record.value)
        except UndecodableEvent as error:
            outcome.letters.append(store.Letter(record, "dead", str(error)))
            self.kept.blocked.add(stream)
            return []
        head = self.heads.get(stream, 0)
        if event.sequence <= head:
            outcome.duplicates.append(record)
            return []
        if stream in self.kept.blocked:
            outcome.letters.append(store.Letter(record, "parked", "an earlier event is set aside", event.sequence))
            return []
        if event.sequence != head + 1 and event.sequence not in self._next(stream, head):
            outcome.letters.append(store.Letter(record, "waiting", f"sequence {head + 1} is missing", event.sequence))
            self.kept.waiting[stream, event.sequence] = record
            return []
        return [(event, record), *self._released(stream, event.sequence, outcome)]

    def _given_up(self, record: Record, outcome: Outcome) -> list[tuple[Event, Record]]:
        """The events that waited for one that was dropped when it did not say its sequence, and says it now."""
        stream, sequence = record.stream, sequence_in(record.attribute("ce_sequence"))
        head = self.heads.get(stream, 0)
        if sequence is None or sequence <= head or (stream, sequence) in self.kept.passed:
            return []
        outcome.letters.append(store.Letter(record, "dropped", "dropped before it said its sequence", sequence))
        self.kept.passed.add((stream, sequence))
        return [] if stream in self.kept.blocked else self._released(stream, head, outcome)

    def _next(self, stream: Stream, sequence: int) -> Iterator[int]:
        """What may follow: the next sequence, and where that was dropped also the one behind it."""
        yield sequence + 1
        while (stream, sequence := sequence + 1) in self.kept.passed:
            yield sequence + 1

    def _released(self, stream: Stream, sequence: int, outcome: Outcome) -> list[tuple[Event, Record]]:
        released, waiting = [], self.kept.waiting
        if not waiting:
            self.heads[stream] = sequence
            return []
        while (number := next((n for n in self._next(stream, sequence) if (stream, n) in waiting), None)) is not None:
            record, sequence = waiting.pop((stream, number)), number
            released.append((decode(stream.topic, record.headers, record.value), record))
        self.heads[stream] = sequence
        if released:
            outcome.letters = [letter for letter in outcome.letters if not letter.waits_for(stream, sequence)]
        return released


async def _apply(
    connection: Connection, subscription: Subscription, due: list[tuple[Event, Record]], outcome: Outcome
) -> list[tuple[Event, Record]]:
    """All at once; what can never succeed in halves, so that one bad event takes no others with it."""
    applied: list[tuple[Event, Record]] = []
    failed: set[Stream] = set()
    parts = [due]
    while parts:
        part = _not_behind(failed, parts.pop(), outcome)
        reason = await _try(connection, subscription, [event for event, _ in part]) if part else None
        if reason is None:
            applied += part
        elif len(part) > 1:
            middle = len(part) // 2
            parts += (part[middle:], part[:middle])
        else:
            ((event, record),) = part
            outcome.letters.append(store.Letter(record, "dead", reason, event.sequence))
            failed.add(record.stream)
    return applied


def _not_behind(
    failed: Collection[Stream], part: list[tuple[Event, Record]], outcome: Outcome
) -> list[tuple[Event, Record]]:
    """Those whose stream has not failed; the others are parked."""
    behind = [(event, record) for event, record in part if record.stream in failed]
    outcome.letters += (
        store.Letter(record, "parked", "an earlier event is set aside", event.sequence) for event, record in behind
    )
    return [(event, record) for event, record in part if record.stream not in failed] if behind else part


async def _try(connection: Connection, subscription: Subscription, events: Sequence[Event]) -> str | None:
    """None when applied, else why these events can never be; infrastructure failures are raised on."""
    try:
        async with savepoint(connection):
            await subscription.apply(connection, events)
    except _NEVER as error:
        return _reason(error)
    return None


def _reason(error: BaseException) -> str:
    """What went wrong without what it went wrong with: messages of the database and of Python carry values."""
    if isinstance(error, PermanentFailure):
        return str(error)
    if isinstance(error, asyncpg.PostgresError):
        return f"{type(error).__name__} {error.sqlstate} {getattr(error, 'constraint_name', None) or ''}".strip()
    return f"the handler raised {type(error).__name__}"


def _after(place: store.Place, records: Sequence[Record]) -> Sequence[Record]:
    fresh = [record for record in records if record.offset >= place.next_offset]
    if fresh and fresh[0].offset != place.next_offset:
        raise OutOfPlace(fresh[0].partition)
    return fresh
