"""The audit after somebody who may do everything with the database has been at it: what was done is found and named."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import asyncpg
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.audit.chain import Fault
from deploy.audit.verify import Verification
from deploy.local.stack import Addresses
from shared.db import Connection
from shared.heads import Book, digest, key_id, lines_of
from shared.notary import extend, heads_of
from tests.builders import SITE
from tests.conftest import Databases
from tests.shared.acts import look

OTHER_SITE = "lakeside"
SERVICE = "dashboard"


class Audit:
    """An audit of two sites with ten rows each, signed after six and after all, and a superuser's connection to it."""

    def __init__(self, dsn: str, superuser: Connection, folder: Path) -> None:
        self.dsn = dsn
        self.superuser = superuser
        self.book = Book(SERVICE, folder / "dashboard.heads.jsonl", Ed25519PrivateKey.generate())
        self.keys = {key_id(self.book.key.public_key()): self.book.key.public_key()}

    async def write(self, times: int) -> None:
        for _ in range(times):
            for site_id in (SITE, OTHER_SITE):
                await look(self.superuser, site_id)
        await extend(self.superuser, SERVICE)

    async def sign(self) -> None:
        heads = await heads_of(self.superuser, {SITE, OTHER_SITE})
        lines = self.book.sign(heads, await self.superuser.fetchval("SELECT clock_timestamp()"))
        await self.superuser.execute("UPDATE notary_cursor SET lines = $1", lines)

    async def tamper(self, *statements: str) -> None:
        """With the triggers out of the way."""
        await self.superuser.execute("SET session_replication_role = replica")
        for statement in statements:
            assert await self.superuser.execute(statement) not in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}, statement
        await self.superuser.execute("SET session_replication_role = origin")

    async def number(self, height: int, site_id: str = SITE) -> int:
        statement = "SELECT number FROM audit_chain WHERE site_id = $1 AND height = $2"
        return int(await self.superuser.fetchval(statement, site_id, height))

    async def found(self) -> list[tuple[str, Fault, str]]:
        _, findings = await self.verified()
        return findings

    async def verified(self) -> tuple[Verification, list[tuple[str, Fault, str]]]:
        verification = Verification(SERVICE, self.dsn, self.book.file, self.keys)
        findings = [(one.site_id, one.fault, one.words) async for one in verification.findings()]
        return verification, findings


@pytest.fixture
async def audit(database: Databases, stack: Addresses, tmp_path: Path) -> AsyncIterator[Audit]:
    dsn = await database(SERVICE)
    superuser = await asyncpg.connect(stack.postgres_admin_dsn.rpartition("/")[0] + "/" + dsn.rpartition("/")[2])
    made = Audit(dsn, superuser, tmp_path)
    await made.write(6)
    await made.sign()
    await made.write(4)
    await made.sign()
    yield made
    await superuser.close()


async def test_an_audit_that_nobody_touched_has_no_finding_and_counts_everything(audit: Audit) -> None:
    await look(audit.superuser)
    verification, findings = await audit.verified()
    assert findings == []
    counts = (verification.rows, verification.chains, verification.waiting, verification.lines)
    assert counts == (21, 2, 1, 2)


async def test_a_changed_row_is_found(audit: Audit) -> None:
    number = await audit.number(3)
    for change in ("subject = 'dr-2'", "recorded_at = recorded_at - interval '1 second'", "asked = '{a}'", "xid = 1"):
        await audit.tamper(f"UPDATE audit SET {change} WHERE number = {number}")
        assert await audit.found() == [(SITE, Fault.CHANGED, f"row {number}, at height 3, is not what was sealed")]


async def test_a_row_changed_together_with_its_places_is_found(audit: Audit) -> None:
    """Whoever computes the row's own hash anew breaks the link, and whoever computes all links anew, the heads."""
    number = await audit.number(3)
    await audit.tamper(
        f"UPDATE audit SET status = 404 WHERE number = {number}",
        f"UPDATE audit_chain SET row_hash = '\\x00' WHERE number = {number}",
    )
    assert [fault for _, fault, _ in await audit.found()] == [Fault.CHANGED, Fault.REWRITTEN]
    await audit.tamper(f"DELETE FROM audit_chain WHERE site_id = '{SITE}'", "UPDATE notary_cursor SET xid = 0")
    await extend(audit.superuser, SERVICE)
    assert await audit.found() == [
        (SITE, Fault.REWRITTEN, "height 6 is not the one whose head was signed"),
        (SITE, Fault.REWRITTEN, "height 10 is not the one whose head was signed"),
    ]


async def test_a_removed_row_is_found_with_or_without_its_place(audit: Audit) -> None:
    number, other = await audit.number(3), await audit.number(5, OTHER_SITE)
    await audit.tamper(
        f"DELETE FROM audit WHERE number IN ({number}, {other})",
        f"DELETE FROM audit_chain WHERE number = {other}",
    )
    assert await audit.found() == [
        (OTHER_SITE, Fault.REMOVED, "what stood at heights 5 to 5 is not there"),
        (SITE, Fault.REMOVED, f"row {number}, at height 3, is not there"),
    ]


async def test_a_removed_row_whose_gap_was_closed_is_found(audit: Audit) -> None:
    number = await audit.number(3)
    await audit.tamper(
        f"DELETE FROM audit WHERE number = {number}",
        f"DELETE FROM audit_chain WHERE number = {number}",
        f"UPDATE audit_chain SET height = height + 1000 WHERE site_id = '{SITE}' AND height > 3",
        f"UPDATE audit_chain SET height = height - 1001 WHERE site_id = '{SITE}' AND height > 1000",
    )
    findings = await audit.found()
    assert [(site_id, fault) for site_id, fault, _ in findings] == [
        (SITE, Fault.REWRITTEN),
        (SITE, Fault.REWRITTEN),
        (SITE, Fault.CUT_OFF),
    ]
    assert findings[0][2].startswith("height 3,")


async def test_a_row_put_in_between_is_found_whether_beside_the_chain_or_on_it_afterwards(audit: Audit) -> None:
    copied = ", ".join(f"a.{name}" for name in ("subject", "role", "kind", "purpose", "patient_id", "method", "route"))
    insert = f"""
        INSERT INTO audit (site_id, xid, recorded_at, subject, role, kind, purpose, patient_id, method, route, status,
                           request_id, trace_id, asked)
        SELECT a.site_id, %s, %s, {copied}, a.status, a.request_id, a.trace_id, a.asked
        FROM audit AS a WHERE number = {await audit.number(3)}
    """
    await audit.tamper(insert % ("a.xid", "a.recorded_at"))
    beside = await audit.superuser.fetchval("SELECT max(number) FROM audit")
    assert await audit.found() == [(SITE, Fault.INSERTED, f"row {beside} stands beside the chain")]
    await audit.tamper(f"DELETE FROM audit WHERE number = {beside}")
    await audit.tamper(insert % ("pg_current_xact_id()::text::bigint", "a.recorded_at - interval '1 hour'"))
    await extend(audit.superuser, SERVICE)
    await audit.sign()
    (finding,) = await audit.found()
    assert finding[:2] == (SITE, Fault.INSERTED)
    assert finding[2].startswith(f"row {beside + 1} says ")


async def test_rows_that_changed_places_are_found(audit: Audit) -> None:
    third, sixth = await audit.number(3), await audit.number(6)
    swap = f"""
        UPDATE audit_chain AS chain SET number = other.number, row_hash = other.row_hash FROM audit_chain AS other
        WHERE chain.site_id = '{SITE}' AND other.site_id = '{SITE}'
        AND chain.height IN (3, 6) AND other.height IN (3, 6) AND chain.height <> other.height
    """
    await audit.tamper("DROP INDEX uq_audit_chain_number", swap)
    assert await audit.found() == [
        (SITE, Fault.REORDERED, f"row {sixth} was not the one at height 3"),
        (SITE, Fault.REORDERED, f"row {third} was not the one at height 6"),
    ]


async def test_a_tail_that_was_cut_off_is_found_and_so_is_one_that_was_written_anew(audit: Audit) -> None:
    await audit.tamper(
        f"DELETE FROM audit WHERE number >= {await audit.number(8)} AND site_id = '{SITE}'",
        f"DELETE FROM audit_chain WHERE height >= 8 AND site_id = '{SITE}'",
    )
    assert await audit.found() == [(SITE, Fault.CUT_OFF, "height 10 was signed and is not there")]
    await look(audit.superuser, times=3)
    await extend(audit.superuser, SERVICE)
    assert await audit.found() == [(SITE, Fault.REWRITTEN, "height 10 is not the one whose head was signed")]


async def test_a_whole_chain_that_is_gone_is_found(audit: Audit) -> None:
    await audit.tamper(
        f"DELETE FROM audit_chain WHERE site_id = '{SITE}'", f"DELETE FROM audit WHERE site_id = '{SITE}'"
    )
    assert [finding[:2] for finding in await audit.found()] == [(SITE, Fault.CUT_OFF)]


def edited(edit: Callable[[list[bytes]], list[bytes]]) -> Callable[[Audit], Awaitable[None]]:
    """Write the book anew from its lines."""

    async def do(audit: Audit) -> None:
        lines = edit(list(lines_of(audit.book.file)))
        await asyncio.to_thread(audit.book.file.write_bytes, b"".join(line + b"\n" for line in lines))

    return do


def of_more_rows(line: bytes) -> bytes:
    return orjson.dumps({**orjson.loads(line), "heads": {}}, option=orjson.OPT_SORT_KEYS)


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (edited(lambda lines: [of_more_rows(lines[0]), lines[1]]), "line 1 was changed"),
        (edited(lambda lines: [b"no line", lines[1]]), "line 1 was changed"),
        (edited(lambda lines: lines[1:]), "line 1 does not follow"),
        (edited(lambda lines: lines[::-1]), "line 1 does not follow"),
        (edited(lambda lines: [lines[0], lines[0], lines[1]]), "line 2 does not follow"),
        (edited(lambda lines: lines[:1]), "ends at line 1; the database has seen 2 lines"),
        (edited(lambda lines: []), "ends at line 0; the database has seen 2 lines"),
    ],
)
async def test_a_book_that_was_changed_or_cut_is_found(
    audit: Audit, tamper: Callable[[Audit], Awaitable[None]], words: str
) -> None:
    await tamper(audit)
    findings = await audit.found()
    assert any(fault is Fault.BOOK and said.startswith(words) for _, fault, said in findings), findings


async def test_lines_signed_before_and_after_a_change_of_keys_are_believed_and_an_unknown_key_is_not(
    audit: Audit,
) -> None:
    old = audit.book
    audit.book = replace(old, key=Ed25519PrivateKey.generate())
    await audit.write(1)
    await audit.sign()
    stranger = key_id(audit.book.key.public_key())
    expected = f"line 3 was changed, or is signed by no known key ({stranger})"
    assert await audit.found() == [("", Fault.BOOK, expected)]
    audit.keys[stranger] = audit.book.key.public_key()
    assert await audit.found() == []


async def test_a_forged_line_that_follows_is_found_for_its_signature(audit: Audit) -> None:
    last = list(lines_of(audit.book.file))[-1]
    forged = {**orjson.loads(last), "line": 3, "previous": digest(last), "heads": {}}
    with audit.book.file.open("ab") as file:
        file.write(orjson.dumps(forged, option=orjson.OPT_SORT_KEYS) + b"\n")
    (finding,) = await audit.found()
    assert finding[2].startswith("line 3 was changed")


async def test_rows_that_no_notary_chains_or_signs_are_told_after_a_while(audit: Audit) -> None:
    old = """
        INSERT INTO audit (site_id, recorded_at, subject, role, kind, purpose, method, route, status, request_id,
                           trace_id, asked)
        VALUES ('millpond', now() - interval '6 minutes', 'dr-1', 'clinician', 'read', 'care', 'GET', 'read_page', 200,
                'r', 't', '{}')
    """
    await audit.superuser.execute(old)
    assert [finding[:2] for finding in await audit.found()] == [("", Fault.LATE)]
    await extend(audit.superuser, SERVICE)
    assert [finding[:2] for finding in await audit.found()] == [("millpond", Fault.LATE)]


async def test_a_long_chain_is_verified_in_little_memory(audit: Audit) -> None:
    """Ten times the rows of one fetch, each with its place; the walk keeps none of them."""
    await look(audit.superuser, times=20_000)
    while not (await extend(audit.superuser, SERVICE, batch=5000)).is_last:
        pass
    await audit.sign()
    tracemalloc.start()
    verification, findings = await audit.verified()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (verification.rows, findings) == (20_020, [])
    assert peak < 16 * 2**20
