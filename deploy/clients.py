"""Clients of the sites' systems: an operator of the platform adds, lists and revokes them, beside intake's database.

Who lets a system in, or takes that back, is on record with the site.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.errors import StackError
from services.intake import store
from services.intake.domain import ClientId, wrong_with
from shared.audit import Entry, Kind, Purpose, act_of_program, record
from shared.auth import Role
from shared.db import Connection, SiteScope, open_pool, transaction


def read_key_set(file: Path) -> dict[str, object]:
    """The public keys in a file.

    Raises:
        StackError: it holds none that can be used.
    """
    try:
        key_set: dict[str, object] = json.loads(file.read_text())
    except (OSError, ValueError):
        raise StackError(f"{file} cannot be read as JSON.") from None
    if (wrong := wrong_with(key_set)) is not None:
        raise StackError(f"{file} cannot be used. {wrong}")
    return key_set


async def add_client(dsn: str, client_id: ClientId, key_set: dict[str, object], *, by: str) -> None:
    """Let a system of a site ask for tokens with these public keys; the keys of one that is known are replaced.

    Raises:
        StackError: the site is not known.
    """
    async with _intake(dsn, client_id.site_id) as connection:
        if not await store.has_site(connection, SiteScope.of(client_id.site_id), client_id.site_id):
            raise StackError(f"The site {client_id.site_id} is not known.")
        client = store.Client(client_id.site_id, str(client_id), key_set)
        await store.record_client(connection, client, datetime.now(UTC))
        await _keep(connection, client_id, by, "client-add")


async def revoke_client(dsn: str, client_id: ClientId, *, by: str) -> None:
    """Give no more tokens to it; those that it has end within five minutes.

    Raises:
        StackError: the site has no such client.
    """
    async with _intake(dsn, client_id.site_id) as connection:
        if not await store.record_client_revoked(connection, client_id.site_id, str(client_id), datetime.now(UTC)):
            raise StackError(f"There is no client {client_id}.")
        await _keep(connection, client_id, by, "client-revoke")


async def clients_of(dsn: str, site_id: str) -> list[store.Client]:
    """The clients of a site, revoked ones too."""
    async with _intake(dsn, site_id) as connection:
        return await store.clients(connection, SiteScope.of(site_id))


async def _keep(connection: Connection, client_id: ClientId, by: str, route: str) -> None:
    act = act_of_program(by, Role.OPERATOR, Purpose.CARE, method="CLI", route=route)
    await record(connection, act, [Entry(client_id.site_id, Kind.WRITE, 200, asked=[f"client={client_id}"])])


@asynccontextmanager
async def _intake(dsn: str, site_id: str) -> AsyncIterator[Connection]:
    async with open_pool(dsn, size=1) as pool, transaction(pool, SiteScope.of(site_id)) as connection:
        yield connection
