"""Waiting for what was written in another service a moment ago."""

import asyncio

import asyncpg
import pytest

from shared.broker import Partition
from shared.db import Pool, SiteScope, transaction
from shared.delivery import deliver
from shared.delivery_store import places
from shared.http.receipts import Arrivals
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
    arrivals = Arrivals()
    waiting = [asyncio.create_task(arrivals.wait(reader, HERE, EVENT.event_id, longest_s=30)) for _ in range(3)]
    done, _ = await asyncio.wait(waiting, timeout=0.1)
    assert not done
    await apply(reader)
    assert await asyncio.gather(*waiting) == [True] * 3
    assert await arrivals.wait(reader, HERE, EVENT.event_id)


async def test_waiting_ends_without_the_event_and_another_sites_event_never_comes(reader: Pool) -> None:
    arrivals = Arrivals()
    assert not await arrivals.wait(reader, HERE, EVENT.event_id, longest_s=0.05)
    await apply(reader)
    here = asyncio.create_task(arrivals.wait(reader, HERE, EVENT.event_id))
    elsewhere = [
        arrivals.wait(reader, SiteScope(frozenset(sites)), EVENT.event_id, longest_s=0.05)
        for sites in ({"lakeside"}, set[str]())
    ]
    assert await asyncio.gather(*elsewhere) == [False, False]
    assert await here


async def test_beyond_a_number_who_comes_looks_once_and_does_not_wait(reader: Pool) -> None:
    arrivals = Arrivals(most=1)
    waiting = asyncio.create_task(arrivals.wait(reader, HERE, EVENT.event_id, longest_s=30))
    await asyncio.wait([waiting], timeout=0.05)
    assert not await arrivals.wait(reader, HERE, EVENT.event_id, longest_s=30)
    await apply(reader)
    assert await arrivals.wait(reader, HERE, EVENT.event_id, longest_s=30)
    assert await waiting


async def test_who_waits_is_told_when_the_database_is_lost_and_the_next_may_wait_again(reader: Pool) -> None:
    arrivals = Arrivals()
    waiting = asyncio.create_task(arrivals.wait(reader, HERE, EVENT.event_id, longest_s=30))
    await asyncio.wait([waiting], timeout=0.05)
    async with transaction(reader) as connection:
        await connection.execute("ALTER TABLE delivery RENAME TO away")
    with pytest.raises(asyncpg.UndefinedTableError):
        await waiting
    async with transaction(reader) as connection:
        await connection.execute("ALTER TABLE away RENAME TO delivery")
    await apply(reader)
    assert await arrivals.wait(reader, HERE, EVENT.event_id)
