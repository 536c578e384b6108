"""One database and three roles for each service, and the key ring's, on any server that lets us in as its superuser.

The owner migrates. The application's role serves the HTTP door and the worker's the Kafka door: these two own nothing,
and what they may do is granted by the migrations to the groups that they are in (`shared.migrations.walls_v1`).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from deploy.local.errors import StackError
from services import READ_WORDS, ROLES
from shared.db import Connection

_POWERS = "LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
_ONE_AT_A_TIME = 7_264_002
KEY_RING = "keyring"


@dataclass(frozen=True)
class Database:
    """One database as each of its roles reaches it: their DSNs."""

    owner: str = field(repr=False)
    app: str = field(repr=False)
    worker: str = field(repr=False)


@dataclass(frozen=True)
class KeyRingDatabase:
    """The key ring's database as its owner reaches it, who rotates keys, and as each service does that reads words."""

    owner: str = field(repr=False)
    readers: Mapping[str, str] = field(repr=False)


def database_on(admin_dsn: str, name: str, passwords: Mapping[str, str]) -> Database:
    """Database `name` on the superuser's server; its roles are `<name>_owner`, `<name>_app` and `<name>_worker`."""
    return Database(*(_dsn(admin_dsn, name, f"{name}_{role}", passwords) for role in ROLES))


def keyring_on(admin_dsn: str, passwords: Mapping[str, str], *, name: str = KEY_RING) -> KeyRingDatabase:
    """The key ring's database; its owner is `<name>_owner`, and its migrations know the readers by their names."""
    readers = {service: _dsn(admin_dsn, name, f"{KEY_RING}_{service}", passwords) for service in READ_WORDS}
    return KeyRingDatabase(_dsn(admin_dsn, name, f"{name}_owner", passwords), readers)


async def ensure_database(admin_dsn: str, database: Database) -> None:
    """Make the database and the roles that these DSNs name where they are missing; what is there keeps its content.

    The roles may connect to no other database of the server, and no other service's roles to this one.

    Raises:
        StackError: a DSN is missing, or the server does not answer, or refuses.
    """
    await _ensure(admin_dsn, database.owner, {database.app: "samepage_app", database.worker: "samepage_worker"})


async def ensure_keyring(admin_dsn: str, database: KeyRingDatabase) -> None:
    """The same for the key ring. What its roles may do, its migrations grant to each by name."""
    await _ensure(admin_dsn, database.owner, dict.fromkeys(database.readers.values()))


async def _ensure(admin_dsn: str, owner_dsn: str, others: Mapping[str, str | None]) -> None:
    """`others` are the DSNs of the roles that may connect, each with the group that it is put into."""
    owner = _Login.in_dsn(owner_dsn)
    groups = {_Login.in_dsn(dsn): group for dsn, group in others.items()}
    if not all(login.name for login in groups):
        raise StackError(f"The database {owner.database} could not be made: name the DSNs of its other roles too")
    try:
        connection = await asyncpg.connect(admin_dsn)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _ONE_AT_A_TIME)
            await _rename_sole_role(connection, owner)
            for login, group in {owner: None, **groups}.items():
                await _ensure_role(connection, login, group)
            await _ensure_place(connection, owner)
            for login in groups:
                await _run(connection, "GRANT CONNECT ON DATABASE %I TO %I", owner.database, login.name)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, OSError) as error:
        raise StackError(f"The database {owner.database} could not be made: {error}") from error


@dataclass(frozen=True, slots=True)
class _Login:
    name: str
    password: str = field(repr=False)
    database: str

    @classmethod
    def in_dsn(cls, dsn: str) -> "_Login":
        parts = urlsplit(dsn)
        return cls(unquote(parts.username or ""), unquote(parts.password or ""), unquote(parts.path[1:]))


def at(dsn: str, database: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """A connection for an operator's work, which may take as long as it takes."""
    unhurried = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
    connection = await asyncpg.connect(dsn, server_settings=unhurried)
    try:
        yield connection
    finally:
        await connection.close()


def _dsn(admin_dsn: str, database: str, login: str, passwords: Mapping[str, str]) -> str:
    server = urlsplit(admin_dsn)
    user = f"{quote(login, safe='')}:{quote(passwords[login], safe='')}"
    return urlunsplit((server.scheme, f"{user}@{server.netloc.rpartition('@')[2]}", f"/{database}", "", ""))


async def _rename_sole_role(connection: Connection, owner: _Login) -> None:
    """The role that did everything, named as its database, becomes the owner that its tables have."""
    if await _has_role(connection, owner.database) and not await _has_role(connection, owner.name):
        await _run(connection, "ALTER ROLE %I RENAME TO %I", owner.database, owner.name)


async def _ensure_role(connection: Connection, login: _Login, group: str | None) -> None:
    if not await _has_role(connection, login.name):
        await _run(connection, "CREATE ROLE %I", login.name)
    await _run(connection, f"ALTER ROLE %I {_POWERS} PASSWORD %L", login.name, login.password)
    if group is not None:
        if not await _has_role(connection, group):
            await _run(connection, "CREATE ROLE %I NOLOGIN", group)
        await _run(connection, "GRANT %I TO %I", group, login.name)


async def _ensure_place(connection: Connection, owner: _Login) -> None:
    """The database; and what PostgreSQL lets everyone do in every database, it lets nobody do here."""
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", owner.database):
        await _run(connection, "CREATE DATABASE %I OWNER %I", owner.database, owner.name)
    for database in (owner.database, "template1", await connection.fetchval("SELECT current_database()")):
        await _run(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database)


async def _has_role(connection: Connection, name: str) -> bool:
    return bool(await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name))


async def _run(connection: Connection, statement: str, *names: str) -> None:
    """A statement that takes no parameters: the server quotes its names and literals."""
    await connection.execute(await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", statement, names))
