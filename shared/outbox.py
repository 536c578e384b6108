"""The outbox: a service's own event log, written in the transaction that changes its state.

What is committed here will be published; what is not committed never was. Rows are never changed and kept as long
as a full rebuild needs them; Kafka is a copy that can be refilled from here (`shared.relay`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from shared.db import Connection, SiteScope
from shared.events import TOPIC_OF, Body, SiteUpdated, encode
from shared.telemetry import ACCEPTED, current_trace


@dataclass(frozen=True, slots=True)
class Draft:
    """An event about to be recorded. `key` is the patient's id, or the site's for facts about a site."""

    site_id: str
    key: str
    body: Body
    event_id: UUID = field(default_factory=uuid4)
    traceparent: str | None = field(default_factory=current_trace)

    @property
    def topic(self) -> str:
        return TOPIC_OF[type(self.body)].name

    @property
    def patient_id(self) -> UUID | None:
        """Whom the event is about; None for a fact about a site."""
        return None if isinstance(self.body, SiteUpdated) else UUID(self.key)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording one item came to: the id of the thing, and the events to publish; none when nothing changed.

    `told` is what the answer says beside it.
    """

    id: str
    drafts: Sequence[Draft]
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def receipt(self) -> UUID | None:
        """The last event stands for all of them."""
        return self.drafts[-1].event_id if self.drafts else None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a durable write: what was recorded, as which fact of this patient, and when."""

    event_id: UUID
    topic: str
    sequence: int
    recorded_at: datetime


ADD = "SELECT * FROM outbox_add($1, $2, $3, $4, $5, $6::text[])"
"""Takes the columns of `columns_of`, and answers each event's sequence and time."""


async def add(connection: Connection, drafts: Sequence[Draft]) -> list[Receipt]:
    """Record events in this order. The caller holds the lock of every key (`shared.db.lock`) and commits."""
    rows = await connection.fetch(ADD, *columns_of(drafts))
    count(drafts)
    return [
        Receipt(draft.event_id, draft.topic, row["out_sequence"], row["out_recorded_at"])
        for draft, row in zip(drafts, rows, strict=True)
    ]


def columns_of(drafts: Sequence[Draft]) -> tuple[Sequence[object], ...]:
    """The events as `ADD` takes them."""
    return (
        [draft.site_id for draft in drafts],
        [draft.topic for draft in drafts],
        [draft.key for draft in drafts],
        [draft.event_id for draft in drafts],
        [encode(draft.body) for draft in drafts],
        [draft.traceparent for draft in drafts],
    )


def count(drafts: Sequence[Draft]) -> None:
    """What was recorded counts as accepted."""
    for kind, number in Counter(type(draft.body) for draft in drafts).items():
        ACCEPTED.labels(TOPIC_OF[kind].publisher, TOPIC_OF[kind].name).inc(number)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an accepted event has travelled, and whose it is: `key` is the patient's id, or the site's."""

    receipt: Receipt
    site_id: str
    key: str
    is_published: bool


async def progress_of(connection: Connection, scope: SiteScope, event_id: UUID) -> Progress | None:
    """The receipt of an event of these sites and whether the relay has passed it; None when there is no such event."""
    row = await connection.fetchrow(
        """
        SELECT site_id, key, topic, sequence, recorded_at,
               (outbox.xid, outbox.position) <= (cursor.xid, cursor.position) AS is_published
        FROM outbox JOIN relay_cursor AS cursor ON cursor.name = 'kafka'
        WHERE event_id = $1 AND site_id = ANY($2)
        """,
        event_id,
        scope.ids,
    )
    if row is None:
        return None
    receipt = Receipt(event_id, row["topic"], row["sequence"], row["recorded_at"])
    return Progress(receipt, row["site_id"], row["key"], is_published=row["is_published"])
