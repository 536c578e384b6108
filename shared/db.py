"""PostgreSQL: one driver (asyncpg), one pool a process, one transaction a request or batch.

Statements are plain SQL for asyncpg; SQLAlchemy says what the tables are. Connections carry no session state: the pool
does not reset them, so nothing but `SET LOCAL` and transaction-level advisory locks may be used on them.

Many keys are looked up one by one inside a statement, `unnest(...) CROSS JOIN LATERAL (... LIMIT 1)`: its plan is kept,
and a join that was planned on an empty table would go on reading all of it (docs/decisions/0044).
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias

import asyncpg
import structlog

if TYPE_CHECKING:  # asyncpg's classes are generic in its stubs only
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

_log = structlog.get_logger()

RETRYABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that is lost while `executemany` begins
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)


# The longest wait for a connection of a full pool; then it is as if the database were away.
POOL_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class SiteScope:
    """The sites whose rows may be read: every reading store function takes one."""

    sites: frozenset[str]

    @classmethod
    def of(cls, *sites: str) -> Self:
        return cls(frozenset(sites))

    @property
    def ids(self) -> list[str]:
        """The sites in the form of an SQL array parameter."""
        return sorted(self.sites)


async def _keep(_connection: Connection) -> None:
    """Instead of the pool's reset, which costs a round trip a release: there is no session state to reset."""


@asynccontextmanager
async def open_pool(
    dsn: str, *, size: int, search_path: str = "public", least: int = 1, timeout_s: float = 10
) -> AsyncIterator[Pool]:
    """A pool whose statements end after 5 s and whose idle transactions after 30 s.

    With `least=0` it opens although the server is away; `timeout_s` is the longest wait for a connection or an answer.
    """
    settings = {
        "search_path": search_path,
        "statement_timeout": "5s",
        "idle_in_transaction_session_timeout": "30s",
        "application_name": "samepage",
    }
    async with asyncpg.create_pool(
        dsn,
        min_size=least,
        max_size=size,
        reset=_keep,
        timeout=timeout_s,
        command_timeout=timeout_s,
        server_settings=settings,
    ) as pool:
        yield pool


Lockable = tuple[str, object]


@asynccontextmanager
async def transaction(
    pool: Pool,
    scope: SiteScope | None = None,
    *,
    locks: Iterable[Lockable] = (),
    lock_wait_s: float | None = None,
    wait_s: float = POOL_WAIT_S,
) -> AsyncIterator[Connection]:
    """The one transaction of a request or batch: committed when the block ends, rolled back when it raises.

    `scope` binds the sites that row-level security lets through, and `locks` are held (see `lock`), in the round trip
    that begins the transaction. A worker, whose role sees every site, has no scope. Each lock is waited for as long as
    a statement may take, or for `lock_wait_s`.

    Raises:
        LockNotAvailableError: somebody else held one for longer than `lock_wait_s`.
    """
    begin = _begin(scope, locks, lock_wait_s)
    async with pool.acquire(timeout=wait_s) as connection:
        try:
            await connection.execute(begin)
            yield connection
            await connection.execute("COMMIT")
        except BaseException:
            await _roll_back(connection)
            raise


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[None]:
    """A part of a transaction that is undone alone when it raises; what is cancelled is undone whole anyway."""
    await connection.execute("SAVEPOINT part")
    try:
        yield
    except Exception:
        await connection.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
        raise
    await connection.execute("RELEASE SAVEPOINT part")


def _begin(scope: SiteScope | None, locks: Iterable[Lockable], lock_wait_s: float | None) -> str:
    """The sites as the policies take them apart (`shared.migrations.walls_v1`), where a comma would make two of one."""
    statements = ["BEGIN"]
    if scope is not None:
        if any("," in site for site in scope.sites):
            raise ValueError("the id of a site holds no comma")
        sites = ",".join(scope.ids).replace("'", "''")
        statements.append(f"SET LOCAL samepage.sites = '{sites}'")
    if lock_wait_s is not None:
        statements.append(f"SET LOCAL lock_timeout = {round(1000 * lock_wait_s)}")
    if hashes := _hashes(locks):
        statements.append(_LOCK.replace("$1", f"'{{{','.join(map(str, hashes))}}}'"))
    return "; ".join(statements)


async def _roll_back(connection: Connection) -> None:
    """End the transaction, or the connection where that fails: nobody may go on in it.

    Raises nothing in place of what led here, be it a cancellation while the connection was lost.
    """
    try:
        await connection.execute("ROLLBACK")
    except Exception:
        with suppress(asyncpg.InterfaceError):  # the pool has let go of it already
            connection.terminate()


_LOCK = "SELECT count(pg_advisory_xact_lock(h)) FROM unnest($1::bigint[]) AS h"


async def lock(connection: Connection, things: Iterable[Lockable]) -> None:
    """Hold things of sites, such as patients, until the transaction ends; in one order, so without deadlocks.

    Each is a pair of the site and what of it: nobody waits for what happens at another site, whatever id they name.
    Before a command writes anything: advisory locks take no transaction id, and the relay's order is right only when
    the id is taken after the lock (docs/decisions/0003-one-relay.md).
    """
    await connection.execute(_LOCK, _hashes(things))


def _hashes(things: Iterable[Lockable]) -> list[int]:
    names = (f"{site_id}/{thing}".encode() for site_id, thing in things)
    return sorted({int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True) for name in names})


def as_columns(rows: Iterable[Iterable[object]], *, width: int = 0) -> list[list[object]]:
    """Rows as array parameters for `unnest`, one a column; `width` columns where there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


# Else the server would keep the session of a host that died, and the locks of that session, for two hours and more.
_MISSED_WITHIN_25_S = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_TRY = "SELECT pg_try_advisory_lock($1)"
_TRY_AGAIN_S = 0.5
# Address and silence are told of sessions of one's own role, and no address of a Unix socket.
_HOLDER = """
SELECT pid, host(client_addr) AS address,
       round(extract(epoch FROM clock_timestamp() - state_change))::integer AS silent_s
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND (classid::bigint << 32) + objid::bigint = $1 AND objsubid = 1 AND granted
"""


@asynccontextmanager
async def sole_owner(
    dsn: str, lock_id: int, who: str, meanwhile: Callable[[Connection], Awaitable[None]]
) -> AsyncIterator[Connection]:
    """A connection of its own that holds this lock of the database: while it lives nobody else is let in here.

    While another holds it, the log says so once, of `who` waits, and `meanwhile` is done at each try. A holder whose
    host died or was cut off is missed by the server within 25 s, unless it came over a Unix socket.
    """
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=30, server_settings=_MISSED_WITHIN_25_S)
    try:
        if not await connection.fetchval(_TRY, lock_id):
            await _wait_for_lock(connection, lock_id, who, meanwhile)
        yield connection
    finally:
        with suppress(*RETRYABLE):
            await connection.close(timeout=2)


async def _wait_for_lock(
    connection: Connection, lock_id: int, who: str, meanwhile: Callable[[Connection], Awaitable[None]]
) -> None:
    since = time.monotonic()
    holder = await connection.fetchrow(_HOLDER, lock_id)
    _log.warning("another holds the lock", who=who, holder=None if holder is None else dict(holder))
    while True:
        await meanwhile(connection)
        await asyncio.sleep(_TRY_AGAIN_S)
        if await connection.fetchval(_TRY, lock_id):
            break
    _log.warning("the lock is ours", who=who, waited_s=round(time.monotonic() - since, 1))
