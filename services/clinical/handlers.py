"""What arrives from Kafka: who is enrolled where. Any order, any number of times, ends in the same rows."""

from collections.abc import Sequence

from services.clinical import store
from shared.db import Connection
from shared.events import EnrollmentUpdated, Event


async def apply(connection: Connection, events: Sequence[Event]) -> None:
    """Make the effect of a batch."""
    await store.record_enrolments(
        connection,
        [
            (event.site_id, event.body.patient_id, event.sequence)
            for event in events
            if isinstance(event.body, EnrollmentUpdated)
        ],
    )
