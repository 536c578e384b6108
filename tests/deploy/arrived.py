"""Five databases of a network in which every event was accepted and has arrived; no broker is needed for it."""

from collections.abc import Mapping

from deploy.doors import SERVICES, consumes, publishes
from deploy.upkeep.letters import subscription_of
from shared import outbox
from shared.db import open_pool, transaction
from shared.events import PatientErased
from tests.builders import SITE, an_erasure, an_event, an_id, one_of_each
from tests.conftest import Databases, FreshDatabase
from tests.services.streams import deliver_to

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
            subscription = subscription_of(service, found.worker, "p" * 32)
            read = [event for event in EVENTS if event.topic in {topic.name for topic in subscription.topics}]
            await deliver_to(found.worker, subscription, *read)
    return databases
