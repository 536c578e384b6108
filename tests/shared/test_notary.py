"""The notary on a real PostgreSQL: every committed row on one place of its chain, whatever commits when."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import asyncpg
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from shared.audit import canonical, first_link, link, row_hash
from shared.db import Connection, Pool, open_pool, transaction
from shared.heads import Book, Head, is_signed, key_id, lines_of
from shared.notary import Notary, NotarySettings, extend
from tests.builders import SITE
from tests.conftest import Databases, FreshDatabase
from tests.shared.acts import look
from tests.shared.wire import wire_to
from tests.waiting import until

OTHER_SITE = "lakeside"
SERVICE = "dashboard"
Place = tuple[str, int, int, bytes]


@pytest.fixture
async def opened(database: Databases) -> FreshDatabase:
    return await database(SERVICE)


@pytest.fixture
def dsn(opened: FreshDatabase) -> str:
    return opened.worker


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    """What the notary works on."""
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """Where requests write."""
    async with open_pool(dsn, size=16) as opened:
        yield opened


async def chain(connection: Connection) -> list[Place]:
    rows = await connection.fetch("SELECT site_id, height, number, hash FROM audit_chain ORDER BY site_id, height")
    return [(row["site_id"], row["height"], row["number"], row["hash"]) for row in rows]


async def not_chained(connection: Connection) -> int:
    statement = "SELECT count(*) FROM audit LEFT JOIN audit_chain USING (site_id, number) WHERE hash IS NULL"
    return int(await connection.fetchval(statement))


async def extend_all(connection: Connection, *, batch: int = 1000) -> None:
    while not (await extend(connection, SERVICE, batch=batch)).is_last:
        pass


async def test_each_row_is_hashed_with_the_one_before_it_from_a_beginning_of_its_own_site(
    connection: Connection,
) -> None:
    for site_id in (SITE, OTHER_SITE, SITE):
        await look(connection, site_id)
    await extend_all(connection)
    rows = await connection.fetch("SELECT * FROM audit ORDER BY number")
    first, other, second = (row_hash(row) for row in rows)
    start = link(first_link(SERVICE, SITE), first)
    assert await chain(connection) == [
        (OTHER_SITE, 1, rows[1]["number"], link(first_link(SERVICE, OTHER_SITE), other)),
        (SITE, 1, rows[0]["number"], start),
        (SITE, 2, rows[2]["number"], link(start, second)),
    ]


async def test_the_form_that_is_hashed_is_the_one_that_is_written_down(connection: Connection) -> None:
    row = await connection.fetchrow(
        """
        SELECT 'riverbend' AS site_id, 7::bigint AS number, 900::bigint AS xid,
               timestamptz '2026-10-13 15:20:00.000001+00' AS recorded_at, 'dr "Ü"' AS subject, 'clinician' AS role,
               'denied' AS kind, 'care' AS purpose, uuid '0B3AF0C4-0B3A-4F0C-8B3A-F0C40B3AF0C4' AS patient_id,
               'GET' AS method, 'read_page' AS route, 404::smallint AS status, 'r-1' AS request_id, 't-1' AS trace_id,
               NULL::uuid AS event_id, ARRAY['visit_id=1'] AS asked
        """
    )
    assert row is not None
    assert canonical(row).decode() == (
        '["riverbend",7,900,1791904800000001,"dr \\"Ü\\"","clinician","denied","care",'
        '"0b3af0c4-0b3a-4f0c-8b3a-f0c40b3af0c4","GET","read_page",404,"r-1","t-1",null,["visit_id=1"]]'
    )


# What may happen in what order: four writers each begin and record, commit or give up; the notary looks in between.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["record", "commit", "roll back"]), st.integers(0, 3)),
        st.tuples(st.just("look"), st.integers(1, 3)),
    ),
    max_size=40,
)


@pytest.fixture
async def writers(dsn: str) -> AsyncIterator[list[Connection]]:
    opened = [await asyncpg.connect(dsn) for _ in range(4)]
    yield list(opened)
    for writer in opened:
        await writer.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_no_row_is_left_out_and_no_place_moves_in_whatever_order_transactions_end(
    connection: Connection, writers: list[Connection], steps: list[tuple[str, int]]
) -> None:
    for writer in writers:
        await writer.reset()
    before = await chain(connection)
    for step, number in steps:
        if step == "look":
            await extend(connection, SERVICE, batch=number)
        elif step == "record":
            if not writers[number].is_in_transaction():
                await writers[number].execute("BEGIN")
            await look(writers[number], (SITE, OTHER_SITE)[number % 2])
        elif writers[number].is_in_transaction():
            await writers[number].execute("COMMIT" if step == "commit" else "ROLLBACK")
        after = await chain(connection)
        assert set(before) <= set(after), "every place is where it was"
        before = after
    for writer in writers:
        await writer.execute("COMMIT")
    await extend_all(connection, batch=2)
    assert await not_chained(connection) == 0


async def test_sixteen_writers_and_a_notary_beside_them_leave_no_row_outside(
    dsn: str, connection: Connection, pool: Pool
) -> None:
    async def write(site_id: str) -> None:
        for number in range(40):
            async with transaction(pool) as writing:
                await look(writing, site_id)
                await writing.execute("SELECT pg_sleep($1)", (number * 7 % 11) / 1000)

    notary = asyncio.create_task(Notary(SERVICE, dsn, None, NotarySettings(batch=50, poll_s=0.01)).run())
    await asyncio.gather(*(write((SITE, OTHER_SITE)[number % 2]) for number in range(16)))

    async def are_all_chained() -> bool:
        return await not_chained(connection) == 0

    await until(are_all_chained)
    await ended(notary)
    assert await connection.fetchval("SELECT count(*) FROM audit_chain") == 16 * 40
    heights = await connection.fetch("SELECT site_id, max(height) AS top, count(*) AS n FROM audit_chain GROUP BY 1")
    assert {(row["site_id"], row["top"], row["n"]) for row in heights} == {(SITE, 320, 320), (OTHER_SITE, 320, 320)}


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_transaction_that_stays_open_anywhere_in_the_server_holds_back_no_other_row(
    connection: Connection, writers: list[Connection], database: Databases
) -> None:
    elsewhere = await asyncpg.connect((await database("intake")).worker)
    await elsewhere.execute("BEGIN; SELECT pg_current_xact_id()")
    await look(writers[0])
    await extend_all(connection)
    assert await not_chained(connection) == 0
    await elsewhere.close()


async def test_rows_of_a_server_whose_transaction_ids_were_higher_are_chained_too(connection: Connection) -> None:
    await record_on_another_server(connection, range(4_000_000_000, 4_000_000_003))
    await extend_all(connection, batch=2)
    assert await not_chained(connection) == 0
    await look(connection)
    await extend_all(connection)
    assert await not_chained(connection) == 0


async def record_on_another_server(connection: Connection, xids: Iterable[int]) -> None:
    """Rows as a dump holds them, of a server whose transaction ids were higher, and where its notary was."""
    await connection.executemany(
        """
        INSERT INTO audit (site_id, xid, subject, role, kind, purpose, method, route, status, request_id, trace_id,
                           asked)
        VALUES ($1, $2, 'dr-1', 'clinician', 'read', 'care', 'GET', 'read_page', 200, 'r', 't', '{}')
        """,
        [((SITE, OTHER_SITE)[xid % 2], xid) for xid in xids],
    )
    await connection.execute("UPDATE notary_cursor SET xid = 4000000000")


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5, 12, 13, 1000])
async def test_a_restored_audit_is_chained_in_the_same_order_whatever_the_pages_are(
    connection: Connection, page: int
) -> None:
    """Some rows are on their chains already, some places are of one transaction, and new rows come first."""
    await record_on_another_server(connection, range(4_000_000_006, 4_000_000_000, -2))
    await extend_all(connection)
    before = await chain(connection)
    await record_on_another_server(connection, range(4_000_000_005, 4_000_000_000, -1))
    await record_on_another_server(connection, [4_000_000_003] * 3)
    await look(connection)
    ordered = await connection.fetch(
        "SELECT site_id, number FROM audit LEFT JOIN audit_chain USING (site_id, number) "
        "ORDER BY height, audit.xid, audit.number"
    )
    done = await extend(connection, SERVICE, batch=page)
    after = await chain(connection)
    assert done.is_last
    assert await not_chained(connection) == 0
    assert set(before) <= set(after), "every place is where it was"
    for site_id in (SITE, OTHER_SITE):
        numbers = [row["number"] for row in ordered if row["site_id"] == site_id]
        assert [number for site, _, number, _ in after if site == site_id] == numbers
        assert done.heads[site_id].hash == [hash_ for site, *_, hash_ in after if site == site_id][-1]
    cursor = await connection.fetchval("SELECT xid FROM notary_cursor")
    assert cursor <= await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")


async def test_an_audit_that_no_statement_could_read_whole_in_its_time_is_chained_after_a_restore(
    connection: Connection, opened: FreshDatabase
) -> None:
    """Forty rows that each take 20 ms, and are looked up, stand for ten million that take none to speak of."""
    await record_on_another_server(connection, range(4_000_000_000, 4_000_000_040))
    await extend_all(connection)
    await record_on_another_server(connection, range(4_000_000_040, 4_000_000_043))
    await opened.run("ALTER POLICY worker ON audit USING (pg_sleep(0.02) IS NOT NULL)")
    await connection.execute("SET enable_seqscan = off; SET statement_timeout = '600ms'")
    await extend_all(connection, batch=5)
    await connection.execute("RESET ALL")
    assert await not_chained(connection) == 0


async def test_rows_and_places_can_be_added_and_never_changed(connection: Connection, opened: FreshDatabase) -> None:
    await look(connection)
    await extend_all(connection)
    for table, column in (("audit", "subject"), ("audit_chain", "site_id")):
        for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await opened.run(statement)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(SERVICE, tmp_path / "heads" / "dashboard.heads.jsonl", Ed25519PrivateKey.generate())


async def test_a_notary_that_is_stopped_chains_and_signs_what_was_committed_before(
    dsn: str, connection: Connection, book: Book
) -> None:
    await look(connection, times=3)
    notary = asyncio.create_task(Notary(SERVICE, dsn, book, NotarySettings(batch=2, poll_s=3600)).run())

    async def is_signed_once() -> bool:
        return bool(await connection.fetchval("SELECT lines FROM notary_cursor") == 1)

    await until(is_signed_once)
    await look(connection, OTHER_SITE)
    await ended(notary)
    first, second = (orjson.loads(line) for line in lines_of(book.file))
    tops = {row[0]: [row[1], row[3].hex()] for row in await chain(connection)}
    assert first["heads"] == {SITE: tops[SITE]}
    assert second["heads"] == {OTHER_SITE: tops[OTHER_SITE]}, "only heads that moved"
    assert await connection.fetchval("SELECT lines FROM notary_cursor") == 2


async def test_a_book_that_cannot_be_written_stops_no_chain(dsn: str, connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    unwritable = Book(SERVICE, tmp_path / "a file" / "heads", Ed25519PrivateKey.generate())
    notary = asyncio.create_task(Notary(SERVICE, dsn, unwritable, NotarySettings(poll_s=0.01)).run())
    for times in (1, 2):
        await look(connection)

        async def are_chained(times: int = times) -> bool:
            return len(await chain(connection)) == times

        await until(are_chained)
    await ended(notary)
    assert await connection.fetchval("SELECT lines FROM notary_cursor") == 0


async def test_a_second_notary_waits_and_takes_over(dsn: str, connection: Connection) -> None:
    quick = NotarySettings(poll_s=0.01)
    first, second = (asyncio.create_task(Notary(SERVICE, dsn, None, quick).run()) for _ in range(2))
    for times, leaver in ((1, first), (2, second)):
        await look(connection)

        async def are_chained(times: int = times) -> bool:
            return len(await chain(connection)) == times

        await until(are_chained)
        await ended(leaver)


def seconds_waiting() -> float:
    """Age of the oldest row that a notary saw without a place on a chain."""
    return REGISTRY.get_sample_value("samepage_audit_oldest_waiting_seconds", {"service": SERVICE}) or 0


async def test_a_notary_that_waits_for_one_whose_host_fell_silent_tells_how_long_rows_wait(
    dsn: str, connection: Connection
) -> None:
    quick = NotarySettings(poll_s=0.01)

    async def is_chained() -> bool:
        return await not_chained(connection) == 0

    async def is_told() -> bool:
        return seconds_waiting() > 0.2

    async with wire_to(dsn) as wire:
        await look(connection)
        silent = asyncio.create_task(Notary(SERVICE, wire.dsn, None, quick).run())
        await until(is_chained)
        wire.hold()
        await look(connection)
        waits = asyncio.create_task(Notary(SERVICE, dsn, None, quick).run())
        await until(is_told)
        assert not await is_chained()
        wire.unplug()
        wire.release()
        await until(is_chained)
        await ended(waits)
        await ended(silent)


async def test_a_line_that_a_crash_left_unfinished_is_not_part_of_the_book(connection: Connection, book: Book) -> None:
    now = await connection.fetchval("SELECT now()")
    book.sign({SITE: Head(1, b"1")}, now)
    with book.file.open("ab") as file:
        file.write(b'{"half a line": ')
    assert len(list(lines_of(book.file))) == 1
    assert book.sign({SITE: Head(2, b"2")}, now) == 2
    lines = [orjson.loads(line) for line in lines_of(book.file)]
    assert [line["line"] for line in lines] == [1, 2]
    keys = {key_id(book.key.public_key()): book.key.public_key()}
    assert all(is_signed(line, keys) for line in lines)
    assert not is_signed({**lines[0], "heads": {SITE: [1, "00"]}}, keys)
