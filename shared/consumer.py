"""The one loop: read a batch, make its effects and move the offset in one transaction, then read on.

Where to read stands in PostgreSQL (`consumer_offset`), not in Kafka. A partition that is new to this member is
*located*: its stored place is compared with the log's bounds, and the record before that place is read again and must
be the one that was applied. A log that is shorter or other than remembered stops the worker (`LogMismatch`): it is
refilled from the outbox, never guessed at. Whenever records do not follow on, the partition is located anew, so no
rebalance listener and no broker-side offset has to be right.

Database and broker failures are waited out for ever. Records that can never be applied are set aside
(`shared.delivery`), until too many in a row say that the fault is ours: then the brake stops the worker.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias, get_args

import structlog

from shared import delivery_store as store
from shared.broker import Bounds, Broker, Partition, Record, Source, Stream
from shared.db import RETRYABLE, Pool, transaction
from shared.delivery import Outcome, OutOfPlace, Subscription, deliver
from shared.errors import LogMismatch, Refused, Stalled, TooManyDeadLetters
from shared.events import PARTITIONS
from shared.telemetry import APPLIED, DUPLICATES, LAG, SET_ASIDE

_Content: TypeAlias = tuple[Stream, bytes]
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ConsumerSettings:
    """`brake_after` different dead records in a row stop the worker; `stall_after_s` is how long lag may stand still.

    `max_records` is also the most patients that are locked in one transaction: PostgreSQL holds 6,400 locks at its
    defaults, of all transactions together.

    After fewer than `few_records` others may be waited for (`Subscription.gather_s`); more are a log to catch up with.

    After a failure the wait is `first_retry_s`, then twice as long each time up to `retry_s`, until something works.
    `is_log_kept` is false for a memory-only broker, whose log ends cannot be believed: then nothing is compared with
    them, and neither a lost log nor a stall is noticed.
    """

    max_records: int = 2_000
    few_records: int = 100
    fetch_timeout_ms: int = 250
    brake_after: int = 20
    watch_every_s: float = 5.0
    stall_after_s: float = 60.0
    first_retry_s: float = 0.1
    retry_s: float = 5.0
    is_log_kept: bool = True


class Consumer:
    """One member of a consumer group. `run` ends by being cancelled or by raising a `Halt`.

    `refusal` is what the broker refuses to it, while it does.
    """

    def __init__(
        self, subscription: Subscription, broker: Broker, pool: Pool, settings: ConsumerSettings | None = None
    ) -> None:
        self._subscription = subscription
        self._broker = broker
        self._pool = pool
        self._settings = settings or ConsumerSettings()
        self._next: dict[Partition, int] = {}
        self._unproven: dict[Partition, str | None] = {}
        self._dead_in_a_row: frozenset[_Content] = frozenset()
        self.refusal: str | None = None
        for state in get_args(store.LetterState):
            SET_ASIDE.labels(subscription.name, state)  # counts from zero, so that an alert sees the first one

    async def run(self) -> None:
        """Read and apply for ever.

        Raises:
            Halt: going on would lose or invent something, or nothing moves; a supervisor starts the worker again.
        """
        pause = self._settings.first_retry_s
        while True:
            try:
                source = await self._broker.source(
                    self._subscription.name, [topic.name for topic in self._subscription.topics]
                )
                try:
                    self._next.clear()
                    watch = _Watch(self._subscription, self._pool, self._settings)
                    while True:
                        await self._read_on(source, watch)
                        pause = self._settings.first_retry_s
                        self.refusal = None
                finally:
                    await source.close()
            except RETRYABLE as failure:
                self.refusal = str(failure) if isinstance(failure, Refused) else None
                _log.warning("consumer waits", failure=self.refusal or type(failure).__name__, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._settings.retry_s)

    async def _read_on(self, source: Source, watch: "_Watch") -> None:
        """One batch, or a short wait without one."""
        await self._locate(source)
        batch = await source.fetch(max_records=self._settings.max_records, timeout_ms=self._settings.fetch_timeout_ms)
        following = {partition: records for partition, records in batch.items() if self._follows(partition, records)}
        if following:
            await self._apply(source, following)
        await watch.look(source)
        if 0 < sum(map(len, batch.values())) < self._settings.few_records:
            await asyncio.sleep(self._subscription.gather_s)

    async def _locate(self, source: Source) -> None:
        """Find where to read the partitions that were not read just before."""
        held = source.assignment()
        for lost in self._next.keys() - held:
            del self._next[lost]
        new = sorted(held - self._next.keys())
        if not new:
            return
        async with transaction(self._pool) as connection:
            places = await store.places(connection, self._subscription.name, new)
        logs = await source.bounds(new) if self._settings.is_log_kept else {}
        for partition in new:
            place, log = places[partition], logs.get(partition, Bounds(0, 0))
            if self._settings.is_log_kept:
                _check(partition, place, log)
            self._next[partition] = max(place.next_offset - 1, log.start)
            is_read_again = self._next[partition] < place.next_offset
            self._unproven[partition] = place.last_event_id if is_read_again else None
            source.seek(partition, self._next[partition])

    def _follows(self, partition: Partition, records: Sequence[Record]) -> bool:
        """Whether these records follow what was read; if not, the partition is located again."""
        if not records:
            return False
        if records[0].offset != self._next.pop(partition, None):
            return False
        expected = self._unproven.pop(partition, None)
        if expected is not None and records[0].attribute("ce_id") != expected:
            raise LogMismatch(
                f"{partition.topic}/{partition.number} holds another event at {records[0].offset} than was applied"
            )
        self._next[partition] = records[-1].offset + 1
        return True

    async def _apply(self, source: Source, batch: Mapping[Partition, Sequence[Record]]) -> None:
        try:
            async with transaction(self._pool) as connection:
                outcome = await deliver(connection, self._subscription, batch)
                dead_in_a_row = self._brake(batch, outcome)
        except OutOfPlace:
            self._next.clear()  # of no partition in the batch anything was applied
            return
        except RETRYABLE as failure:
            _log.warning("batch comes again", failure=type(failure).__name__)
            self._next.clear()
            await asyncio.sleep(self._settings.first_retry_s)
            return
        self._dead_in_a_row = dead_in_a_row
        self._count(outcome)
        await source.commit({partition: records[-1].offset + 1 for partition, records in batch.items()})

    def _brake(self, batch: Mapping[Partition, Sequence[Record]], outcome: Outcome) -> frozenset[_Content]:
        """What has been dead in a row by now; stop before the batch is committed when it is too much.

        A duplicate ends a row as well: it could be applied once. Else what was set aside over years, with good events
        between, would be one row when the log is read again. Copies of a dead record are one: that it comes again and
        again says nothing of the others.
        """
        if not outcome.letters:
            return frozenset() if outcome.applied or outcome.duplicates else self._dead_in_a_row
        good = chain((record for _, record in outcome.applied), outcome.duplicates)
        done = {(record.partition, record.offset) for record in good}
        dead = {(one.record.partition, one.record.offset): one for one in outcome.letters if one.state == "dead"}
        in_a_row = self._dead_in_a_row
        for record in chain.from_iterable(batch.values()):
            place = (record.partition, record.offset)
            if place in done:
                in_a_row = frozenset()
            elif place in dead:
                in_a_row |= {(record.stream, record.value)}
            if len(in_a_row) > self._settings.brake_after:
                reasons = sorted({letter.reason for letter in dead.values()})
                raise TooManyDeadLetters(f"{len(in_a_row)} records in a row cannot be applied: {reasons[:3]}")
        return in_a_row

    def _count(self, outcome: Outcome) -> None:
        name = self._subscription.name
        for topic, applied in Counter(event.topic for event, _ in outcome.applied).items():
            APPLIED.labels(name, topic).inc(applied)
        DUPLICATES.labels(name).inc(len(outcome.duplicates))
        for letter in outcome.letters:
            SET_ASIDE.labels(name, letter.state).inc()


class _Watch:
    """Sees a consumer that has something to read and does not move, whatever the broker client believes."""

    def __init__(self, subscription: Subscription, pool: Pool, settings: ConsumerSettings) -> None:
        self._name = subscription.name
        self._partitions = [Partition(topic.name, n) for topic in subscription.topics for n in range(PARTITIONS)]
        self._pool = pool
        self._settings = settings
        self._looked_at = self._moved_at = time.monotonic()
        self._applied: dict[Partition, int] = {}

    async def look(self, source: Source) -> None:
        """Compare the log's ends with the stored offsets now and then; raise `Stalled` when lag stands still."""
        now = time.monotonic()
        if now - self._looked_at < self._settings.watch_every_s or not self._settings.is_log_kept:
            return
        self._looked_at = now
        async with transaction(self._pool) as connection:
            places = await store.places(connection, self._name, self._partitions)
        bounds = await source.bounds(self._partitions)
        applied = {partition: place.next_offset for partition, place in places.items()}
        lag = sum(max(bounds[partition].end - applied[partition], 0) for partition in self._partitions)
        LAG.labels(self._name).set(lag)
        for partition, place in places.items():
            _check(partition, place, bounds[partition])
        if lag == 0 or applied != self._applied:
            self._applied, self._moved_at = applied, now
        elif now - self._moved_at > self._settings.stall_after_s:
            raise Stalled(f"{lag} records to read and none applied for {now - self._moved_at:.0f} s")


def _check(partition: Partition, place: store.Place, log: Bounds) -> None:
    """What was applied must be in the log, and what is in the log must reach back to what was applied."""
    if place.next_offset > log.end:
        raise LogMismatch(
            f"{partition.topic}/{partition.number} ends at {log.end} but was applied up to {place.next_offset}: "
            "the topic was re-created or truncated; refill it from the outbox"
        )
    if place.next_offset < log.start:
        raise LogMismatch(
            f"{partition.topic}/{partition.number} starts at {log.start} but was applied only up to "
            f"{place.next_offset}: events were deleted before they were read; make the topic anew, then refill it"
        )
