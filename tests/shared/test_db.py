"""Transactions as every door opens them, on a real PostgreSQL, over one connection that is used again and again."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from structlog.testing import capture_logs

from shared.db import Connection, Pool, SiteScope, lock, open_pool, savepoint, sole_owner, transaction
from tests.conftest import Databases
from tests.waiting import until

BOTH = SiteScope.of("riverbend", "lakeside")
THINGS = [("riverbend", number) for number in range(20)]
# The locks of whoever waits for one: first the one that is waited for, then those that are held.
LOCKS = """
    SELECT (classid::bigint::bit(32) || objid::bigint::bit(32))::bit(64)::bigint AS hash FROM pg_locks
    WHERE locktype = 'advisory' AND pid = (
        SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
    ) ORDER BY granted
"""
BOUND = "SELECT current_setting('samepage.sites', true)"


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[Pool]:
    async with open_pool((await database("intake")).app, size=1) as pool:
        yield pool


async def add_site(connection: Connection, site_id: str) -> None:
    await connection.execute("INSERT INTO site VALUES ($1, 'Synthetic', 'private', 'UTC')", site_id)


async def fail_after_adding(connection: Connection, *site_ids: str) -> None:
    for site_id in site_ids:
        await add_site(connection, site_id)
    raise LookupError


async def sites(pool: Pool) -> list[str]:
    async with transaction(pool, BOTH) as connection:
        return [row["site_id"] for row in await connection.fetch("SELECT site_id FROM site ORDER BY site_id")]


async def test_a_block_that_ends_is_committed_and_one_that_raises_never_was(pool: Pool) -> None:
    async with transaction(pool, BOTH) as connection:
        await add_site(connection, "riverbend")
    with pytest.raises(LookupError):
        async with transaction(pool, BOTH) as connection:
            await fail_after_adding(connection, "lakeside")
    assert await sites(pool) == ["riverbend"]


async def test_the_sites_are_bound_in_the_transaction_and_no_longer(pool: Pool) -> None:
    async with transaction(pool) as connection:
        assert await connection.fetchval(BOUND) is None
    async with transaction(pool, BOTH) as connection:
        assert await connection.fetchval(BOUND) == "lakeside,riverbend"
    async with transaction(pool) as connection:
        assert await connection.fetchval(BOUND) == ""


async def test_a_transaction_that_raises_leaves_no_site_bound(pool: Pool) -> None:
    with pytest.raises(LookupError):
        async with transaction(pool, BOTH) as connection:
            await fail_after_adding(connection)
    assert await pool.fetchval(BOUND) == ""


@pytest.mark.parametrize("site", ["o'hara", "a'; RESET ROLE; --", "\\", "a b"])
async def test_whatever_stands_in_a_site_id_is_bound_and_not_run(pool: Pool, site: str) -> None:
    async with transaction(pool, SiteScope.of(site)) as connection:
        assert await connection.fetchval(BOUND) == site
        await add_site(connection, site)
        assert await connection.fetchval("SELECT site_id FROM site") == site


async def test_a_site_id_that_would_be_taken_for_two_is_refused(pool: Pool) -> None:
    with pytest.raises(ValueError, match="comma"):
        async with transaction(pool, SiteScope.of("riverbend,lakeside")):
            pass


async def test_a_savepoint_is_undone_alone_and_leaves_the_sites_bound(pool: Pool) -> None:
    async with transaction(pool, BOTH) as connection:
        await add_site(connection, "riverbend")
        with pytest.raises(LookupError):
            async with savepoint(connection):
                await fail_after_adding(connection, "lakeside")
        assert await connection.fetchval("SELECT array_agg(site_id) FROM site") == ["riverbend"]
        async with savepoint(connection):
            await add_site(connection, "lakeside")
    assert await sites(pool) == ["lakeside", "riverbend"]


async def test_after_a_refused_statement_the_transaction_goes_on_from_the_savepoint(pool: Pool) -> None:
    async with transaction(pool, BOTH) as connection:
        await add_site(connection, "riverbend")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with savepoint(connection):
                await add_site(connection, "riverbend")
        await add_site(connection, "lakeside")
    assert await sites(pool) == ["lakeside", "riverbend"]


async def test_a_savepoint_in_another_is_undone_without_it(pool: Pool) -> None:
    async with transaction(pool, BOTH) as connection, savepoint(connection):
        await add_site(connection, "riverbend")
        with pytest.raises(LookupError):
            async with savepoint(connection):
                await fail_after_adding(connection, "lakeside")
    assert await sites(pool) == ["riverbend"]


async def test_a_lost_connection_is_said_as_such_and_the_next_transaction_has_a_new_one(pool: Pool) -> None:
    with pytest.raises(asyncpg.PostgresConnectionError):
        async with transaction(pool, BOTH) as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await sites(pool) == []


@pytest.mark.parametrize("is_first", [True, False], ids=["beginning", "begun"])
async def test_things_are_held_in_one_order_so_that_nobody_waits_in_a_circle(
    is_first: bool, database: Databases
) -> None:
    async with open_pool((await database("intake")).app, size=3) as pool:

        async def hold_all() -> None:
            async with transaction(pool, BOTH, locks=THINGS if is_first else ()) as connection:
                await lock(connection, THINGS)

        async def is_waiting() -> bool:
            return bool(await pool.fetch(LOCKS))

        held = 0
        for thing in THINGS[:5]:
            async with transaction(pool, BOTH, locks=[thing]):
                holder = asyncio.create_task(hold_all())
                await until(is_waiting)
                waited_for, *before = [row["hash"] for row in await pool.fetch(LOCKS)]
                assert all(one < waited_for for one in before)
                held += len(before)
            await holder
        assert held > 0


async def nothing(_connection: Connection) -> None:
    """What there is to do while another holds the lock."""


async def test_the_server_is_told_to_miss_an_owner_that_falls_silent(database: Databases) -> None:
    """It keeps the locks of a session for as long as it does not miss the client: two hours, unless it is told."""
    settings = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    async with sole_owner((await database("intake")).worker, 1, "tester", nothing) as connection:
        found = [await connection.fetchval("SELECT current_setting($1)", setting) for setting in settings]
    assert found == ["10", "5", "3", "25000"]


async def test_who_waits_for_the_lock_of_another_says_so_once_and_works_meanwhile(database: Databases) -> None:
    dsn, works, owned = (await database("intake")).worker, 0, asyncio.Event()

    async def work(connection: Connection) -> None:
        nonlocal works
        works += await connection.fetchval("SELECT 1")

    async def own() -> None:
        async with sole_owner(dsn, 7, "second", work):
            owned.set()

    async def has_worked_twice() -> bool:
        return works >= 2

    with capture_logs() as logged:
        async with sole_owner(dsn, 7, "first", work) as first:
            pid = await first.fetchval("SELECT pg_backend_pid()")
            second = asyncio.create_task(own())
            await until(has_worked_twice)
            assert not owned.is_set()
        await second
    assert owned.is_set()
    waits, goes_on = logged
    assert (waits["event"], waits["who"], waits["holder"]["pid"]) == ("another holds the lock", "second", pid)
    assert waits["holder"].keys() == {"pid", "address", "silent_s"}
    assert (goes_on["event"], goes_on["who"]) == ("the lock is ours", "second")


async def test_the_lock_of_another_database_is_another_one(database: Databases) -> None:
    async with sole_owner((await database("intake")).worker, 7, "first", nothing):
        with capture_logs() as logged:
            async with sole_owner((await database("clinical")).worker, 7, "second", nothing):
                assert logged == []
