"""Migrations of every service's own database and of the key ring's, and the check that they lead to its tables.

They run as the database's owner, for whom the walls leave no row: a statement that would read or change rows fails here
instead of finding none (`row_security = off`). A migration that must lifts FORCE from that table, and puts it back.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import shared.migrations
from deploy.databases import KEY_RING
from deploy.local.errors import StackError

MONTHS_AHEAD = 12
_RAISED = "P0001"  # RAISE EXCEPTION in a migration


async def upgrade(service: str, dsn: str, *, to: str = "head") -> None:
    """Bring a database to the newest version; make the outbox partitions of the coming months.

    Raises:
        StackError: a migration refuses, and says why.
    """
    try:
        await _run(service, dsn, lambda config: command.upgrade(config, to))
    except DBAPIError as refused:
        if getattr(refused.orig, "sqlstate", None) != _RAISED:
            raise
        raise StackError(str(refused.orig)) from None
    if "outbox" in metadata_of(service).tables:
        engine = owner_engine(dsn)
        async with engine.begin() as connection:
            await connection.execute(text("SELECT outbox_make_partitions(:months)"), {"months": MONTHS_AHEAD})
        await engine.dispose()


async def differences(service: str, dsn: str) -> str | None:
    """What `tables.py` has and the migrated database has not, or the other way round; None when they agree."""
    try:
        await _run(service, dsn, command.check)
    except CommandError as difference:
        return str(difference)
    return None


def metadata_of(service: str) -> MetaData:
    """The tables of a service."""
    metadata: MetaData = import_module(f"{_package(service)}.tables").metadata
    return metadata


def _package(service: str) -> str:
    return "shared.keyring" if service == KEY_RING else f"services.{service}"


async def _run(service: str, dsn: str, act: Callable[[Config], None]) -> None:
    def with_connection(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(shared.migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        module = import_module(_package(service))
        config.set_main_option("version_locations", str(Path(str(module.__file__)).parent / "migrations"))
        config.attributes["connection"] = connection
        config.attributes["metadata"] = metadata_of(service)
        act(config)

    engine = owner_engine(dsn)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(with_connection)
            await connection.commit()
    finally:
        await engine.dispose()


def owner_engine(dsn: str) -> AsyncEngine:
    """Connections of the owner that raise where the walls would leave rows out."""
    return create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://", 1),
        connect_args={"server_settings": {"row_security": "off"}},
    )
