"""Five databases of a network in which every event was accepted and has arrived; no broker is needed for it."""

from collections.abc import Mapping

from deploy.doors import SERVICES, consumes, publishes
from deploy.upkeep.letters import subscription_of
from shared import outbox
from shared.broker import Partition, Record
from shared.db import open_pool, transaction
from shared.delivery import deliver
from shared.delivery_store import places
from shared.events import PatientErased
from tests.builders import SITE, a_message, an_erasure, an_event, an_id, one_of_each
from tests.conftest import Databases, FreshDatabase

# The one who was erased is another: of them nothing is shown, and so nothing could be missing.
EVENTS = [
    *(event for event in one_of_each() if not isinstance(event.body, PatientErased)),
    an_event(an_erasure(patient_id=an_id("patient", "erased"))),
]


async def arrived_everywhere(database: Databases) -> Mapping[str, FreshDatabase]:
    """By service."""
    databases = {service: await database(service) for service in SERVICES}
    for service, found in databases.items():
        async with open_pool(found.admin, size=1) as pool, transaction(pool) as connection:
            own = [event for event in EVENTS if event.topic in {topic.name for topic in publishes(service)}]
            if own:
                drafts = [outbox.Draft(SITE, event.key, event.body, event.event_id) for event in own]
                await outbox.add(connection, drafts)
        if consumes(service):
            await _arrive(service, found.admin)
    return databases


async def _arrive(service: str, dsn: str) -> None:
    subscription = subscription_of(service, dsn, "p" * 32)
    topics = [topic.name for topic in subscription.topics]
    async with open_pool(dsn, size=1) as pool, transaction(pool) as connection:
        for topic in topics:
            place = Partition(topic, 0)
            await places(connection, service, [place])
            messages = [a_message(event) for event in EVENTS if event.topic == topic]
            records = [
                Record(place, offset, 1_760_000_000_000, message.key, message.value, message.headers)
                for offset, message in enumerate(messages)
            ]
            await deliver(connection, subscription, {place: records})
