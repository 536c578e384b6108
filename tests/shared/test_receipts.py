"""Waiting for what was written in another service a moment ago."""

import asyncio

from shared.broker import Partition
from shared.db import Pool, SiteScope, transaction
from shared.delivery import deliver
from shared.delivery_store import places
from shared.http.receipts import arrived
from tests.builders import SITE, a_record, a_visit, an_event
from tests.shared.effects import COUNTING

EVENT = an_event(a_visit())
PLACE = Partition(EVENT.topic, 0)
HERE = SiteScope(frozenset({"lakeside", SITE}))


async def apply(reader: Pool) -> None:
    async with transaction(reader) as connection:
        await places(connection, COUNTING.name, [PLACE])
        await deliver(connection, COUNTING, {PLACE: [a_record(EVENT, PLACE, 0)]})


async def test_who_waits_for_an_event_is_let_on_as_soon_as_it_is_applied(reader: Pool) -> None:
    waiting = asyncio.create_task(arrived(reader, HERE, EVENT.event_id, longest_s=30))
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    await apply(reader)
    assert await waiting
    assert await arrived(reader, HERE, EVENT.event_id)


async def test_waiting_ends_without_the_event_and_another_sites_event_never_comes(reader: Pool) -> None:
    assert not await arrived(reader, HERE, EVENT.event_id, longest_s=0.05)
    await apply(reader)
    for sites in ({"lakeside"}, set[str]()):
        assert not await arrived(reader, SiteScope(frozenset(sites)), EVENT.event_id, longest_s=0.05)
