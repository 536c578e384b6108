"""One event traced through databases of a publisher and of its readers."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from deploy.doors import SERVICES
from deploy.trace import Hop, trace
from shared import outbox
from shared.broker import Partition, Record
from shared.db import Connection, Pool, open_pool, transaction
from shared.delivery import Subscription, deliver
from shared.delivery_store import places
from shared.events import SURVEY_COMPLETED, Event
from tests.builders import SENT_MS, SITE, a_record, a_survey, an_event
from tests.conftest import Databases, FreshDatabase

PLACE = Partition(SURVEY_COMPLETED.name, 3)


@pytest.fixture
async def databases(database: Databases) -> dict[str, FreshDatabase]:
    return {service: await database(service) for service in SERVICES}


async def accept(dsn: str) -> Event:
    """Let intake accept a survey; the event as it will be sent."""
    event = an_event(a_survey(), event_id=uuid4())
    async with open_pool(dsn, size=1) as pool, transaction(pool) as connection:
        await outbox.add(connection, [outbox.Draft(SITE, event.key, event.body, event.event_id)])
    return event


async def arrive(dsn: str, name: str, event: Event, *, is_dead: bool = False) -> None:
    async def apply(_connection: Connection, _events: Sequence[Event]) -> None:
        if is_dead:
            raise ValueError("never")

    async with open_pool(dsn, size=1) as pool:
        await _delivered(pool, Subscription(name, (SURVEY_COMPLETED,), apply), a_record(event, PLACE, 0))


async def _delivered(pool: Pool, subscription: Subscription, record: Record) -> None:
    async with transaction(pool) as connection:
        await places(connection, subscription.name, [PLACE])
        await deliver(connection, subscription, {PLACE: [record]})


def told(hops: Sequence[Hop]) -> list[tuple[str, bool, str]]:
    return [(hop.place, hop.at is not None, hop.note) for hop in hops]


async def test_an_event_that_was_only_accepted_is_not_yet_anywhere_else(databases: dict[str, FreshDatabase]) -> None:
    event = await accept(databases["intake"].admin)
    assert told(await trace(databases, event.event_id)) == [
        ("intake accepted", True, "survey-completed, sequence 1"),
        ("Kafka", False, "not seen by any consumer yet"),
        ("dashboard applied", False, ""),
        ("feedback applied", False, ""),
        ("analytics applied", False, ""),
    ]


async def test_an_event_is_followed_to_whom_it_reached_and_said_to_be_set_aside_where_it_was(
    databases: dict[str, FreshDatabase],
) -> None:
    event = await accept(databases["intake"].admin)
    await arrive(databases["analytics"].admin, "analytics", event, is_dead=True)
    dead = ("analytics applied", False, "dead: the handler raised ValueError")
    sent = ("Kafka", True, "survey-completed/3 at 0")
    assert told(await trace(databases, event.event_id))[1:] == [
        sent,
        ("dashboard applied", False, ""),
        ("feedback applied", False, ""),
        dead,
    ]
    await arrive(databases["dashboard"].admin, "dashboard", event)
    hops = await trace(databases, event.event_id)
    assert told(hops)[1:] == [sent, ("dashboard applied", True, ""), ("feedback applied", False, ""), dead]
    assert hops[1].at is not None
    assert hops[1].at.timestamp() * 1000 == SENT_MS


async def test_an_event_that_nobody_accepted_has_no_hops(databases: dict[str, FreshDatabase]) -> None:
    await accept(databases["intake"].admin)
    assert await trace(databases, UUID(int=7)) == []
