"""Systems of the sites that may ask for tokens."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from shared.db import Connection, SiteScope


@dataclass(frozen=True, slots=True)
class Client:
    """A system of a site that may ask for tokens; `key_set` are its public keys."""

    site_id: str
    client_id: str
    key_set: dict[str, object]
    revoked_at: datetime | None = None


async def record_client(connection: Connection, client: Client, at: datetime) -> None:
    """Add a client, or replace its keys; one that was revoked counts again."""
    await connection.execute(
        """
        INSERT INTO client (site_id, client_id, key_set, added_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site_id, client_id) DO UPDATE SET key_set = $3, added_at = $4, revoked_at = NULL
        """,
        client.site_id,
        client.client_id,
        orjson.dumps(client.key_set).decode(),
        at,
    )


async def record_client_revoked(connection: Connection, site_id: str, client_id: str, at: datetime) -> bool:
    """Revoke a client; False when the site has none of this id."""
    status = await connection.execute(
        "UPDATE client SET revoked_at = coalesce(revoked_at, $3) WHERE site_id = $1 AND client_id = $2",
        site_id,
        client_id,
        at,
    )
    return status != "UPDATE 0"


async def client(connection: Connection, scope: SiteScope, client_id: str) -> Client | None:
    """A client by its id, also when it was revoked."""
    row = await connection.fetchrow(
        "SELECT * FROM client WHERE site_id = ANY($1) AND client_id = $2", scope.ids, client_id
    )
    return None if row is None else _client(row)


async def clients(connection: Connection, scope: SiteScope) -> list[Client]:
    """The clients of these sites."""
    rows = await connection.fetch("SELECT * FROM client WHERE site_id = ANY($1) ORDER BY site_id, client_id", scope.ids)
    return [_client(row) for row in rows]


def _client(row: asyncpg.Record) -> Client:
    return Client(row["site_id"], row["client_id"], orjson.loads(row["key_set"]), row["revoked_at"])
