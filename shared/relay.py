"""The relay: copies a service's outbox to the broker, in order, for ever.

Guarantee: every committed event is written to the broker at least once, and per key in the order of its sequence.
- One relay a service owns the log (a session advisory lock on its own connection); a second one waits, and measures
  meanwhile how old the oldest unsent event is: nobody else might.
- It reads behind `(xid, position)` and only below `pg_snapshot_xmin`: every transaction older than that has ended, so
  nothing can still appear behind the cursor. That order is the order of commits for one patient because every
  command takes the patient's lock before it gets a transaction id (docs/decisions/0003-one-relay.md).
- The cursor moves when every message of the batch is acknowledged. After any failure the sink is thrown away and a
  new one starts again at the cursor. An outage is waited for; nothing is ever given up or set aside here.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import structlog

from shared.broker import Broker, Message, Sink
from shared.db import RETRYABLE, Connection, sole_owner
from shared.errors import Refused, SendFailed
from shared.events import headers_of
from shared.telemetry import OLDEST_UNSENT, SEND_FAILURES, SENT

_log = structlog.get_logger()
_OWNER_LOCK = 7_264_001
_LOOK_S = 1.0

# A place, by default the cursor's, and what stands behind it; one row without an event where there is none.
_READ = """
SELECT place.xid AS from_xid, place.position AS from_position, next.*,
       extract(epoch FROM clock_timestamp() - next.recorded_at)::float8 AS age_s
FROM (
    SELECT coalesce($2, xid) AS xid, coalesce($3, position) AS position FROM relay_cursor WHERE name = 'kafka'
) AS place LEFT JOIN LATERAL (
    SELECT xid, position, event_id, topic, site_id, key, sequence, recorded_at, traceparent, value
    FROM outbox
    WHERE (outbox.xid, outbox.position) > (place.xid, place.position)
    AND outbox.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    ORDER BY outbox.xid, outbox.position LIMIT $1
) AS next ON true
ORDER BY next.xid, next.position
"""
# Not when somebody put the cursor back meanwhile, to have everything sent again.
_MOVE = "UPDATE relay_cursor SET xid = $1, position = $2 WHERE name = 'kafka' AND (xid, position) = ($3, $4)"
# Of what is behind the cursor, also of what may not be sent yet.
_AGE_OF_NEXT = """
SELECT extract(epoch FROM clock_timestamp() - next.recorded_at)::float8
FROM relay_cursor AS place CROSS JOIN LATERAL (
    SELECT recorded_at FROM outbox WHERE (outbox.xid, outbox.position) > (place.xid, place.position)
    ORDER BY outbox.xid, outbox.position LIMIT 1
) AS next WHERE place.name = 'kafka'
"""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`poll_s` is the wait after an empty read; each more in a row waits half as long again, up to `idle_poll_s`.

    `first_retry_s` and `retry_s` are the first and the longest wait after a failure.
    """

    batch: int = 1000
    poll_s: float = 0.01
    idle_poll_s: float = 0.05
    first_retry_s: float = 0.1
    retry_s: float = 5.0


class Relay:
    """The relay of one service. `run` ends by being cancelled only.

    `refusal` is what the broker refuses to it, while it does.
    """

    def __init__(self, service: str, dsn: str, broker: Broker, settings: RelaySettings | None = None) -> None:
        self._service = service
        self._dsn = dsn
        self._broker = broker
        self._settings = settings or RelaySettings()
        self._sink: Sink | None = None
        self._ahead: list[asyncpg.Record] = []
        self._look_at = -math.inf
        self.refusal: str | None = None

    async def run(self) -> None:
        """Own the log and copy it; on any failure of database or broker wait a little and begin again."""
        pause = self._settings.first_retry_s
        while True:
            try:
                async with self._owned_log() as connection:
                    rest = self._settings.poll_s
                    while True:
                        if await self._copy_batch(connection):
                            rest = self._settings.poll_s
                        else:
                            await asyncio.sleep(rest)
                            rest = min(rest * 1.5, self._settings.idle_poll_s)
                        pause = self._settings.first_retry_s
                        self.refusal = None
            except (SendFailed, *RETRYABLE) as failure:
                SEND_FAILURES.labels(self._service).inc()
                self.refusal = str(failure) if isinstance(failure, Refused) else None
                _log.warning("relay waits", failure=self.refusal or type(failure).__name__, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._settings.retry_s)

    @asynccontextmanager
    async def _owned_log(self) -> AsyncIterator[Connection]:
        """While this connection lives no other relay moves the cursor. The sink ends before it does."""
        async with sole_owner(self._dsn, _OWNER_LOCK, "relay", self._measure) as connection:
            try:
                yield connection
            finally:
                await self._drop_sink()

    async def _copy_batch(self, connection: Connection) -> bool:
        """Send what is behind the cursor, then move it. False when nothing may be sent now.

        Behind a whole batch the next one is read while the broker acknowledges this one.
        """
        rows, self._ahead = self._ahead or await self._read(connection), []
        place = rows[0]["from_xid"], rows[0]["from_position"]
        is_empty = rows[0]["event_id"] is None
        if is_empty:
            await self._look_behind_fence(connection)
        else:
            OLDEST_UNSENT.labels(self._service).set(rows[0]["age_s"])
        if self._sink is None:  # also with nothing to send: who is refused should know before there is
            self._sink = await self._broker.sink()
        if is_empty:
            return False
        last = rows[-1]["xid"], rows[-1]["position"]
        reading = asyncio.create_task(self._read(connection, last)) if len(rows) == self._settings.batch else None
        try:
            await asyncio.sleep(0)  # the statement is on its way before the messages are made
            await self._sink.send_all([_message(row) for row in rows])
            ahead = await reading if reading is not None else []
        finally:
            if reading is not None:
                reading.cancel()
        if await connection.execute(_MOVE, *last, *place) == "UPDATE 1":
            self._ahead = ahead
        SENT.labels(self._service).inc(len(rows))
        return True

    async def _read(self, connection: Connection, place: tuple[int, int] | None = None) -> list[asyncpg.Record]:
        """A batch behind the cursor or `place`, one row without an event where nothing may be sent."""
        rows = await connection.fetch(_READ, self._settings.batch, *(place or (None, None)))
        if not rows:
            raise RuntimeError("relay_cursor has no row 'kafka': run the migrations")
        return rows

    async def _look_behind_fence(self, connection: Connection) -> None:
        """How long something waits that may not be sent yet. The database is asked once a second."""
        if (now := time.monotonic()) >= self._look_at:
            self._look_at = now + _LOOK_S
            await self._measure(connection)

    async def _measure(self, connection: Connection) -> None:
        OLDEST_UNSENT.labels(self._service).set(await connection.fetchval(_AGE_OF_NEXT) or 0)

    async def _drop_sink(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            await sink.close()


def _message(row: asyncpg.Record) -> Message:
    headers = headers_of(
        event_id=row["event_id"],
        topic=row["topic"],
        site_id=row["site_id"],
        key=row["key"],
        sequence=row["sequence"],
        time=row["recorded_at"],
        traceparent=row["traceparent"],
    )
    return Message(topic=row["topic"], key=row["key"].encode(), value=row["value"], headers=headers)
