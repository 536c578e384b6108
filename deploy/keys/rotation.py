"""Rotation of the key ring's keys, as its owner, while services go on sealing and opening. No event is rewritten.

Every step is one row changed if it is still as it was read, so a rotation that was cut off goes on where it stopped
and two of them do each other no harm.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import asyncpg

from deploy.local.errors import StackError
from shared.db import Connection
from shared.keyring import KeyRingSettings
from shared.keyring.ring import bound_to_patient, bound_to_site
from shared.keyring.root_keys import FileRootKeys, RootKeys, Wrapped, unwrap, wrap
from shared.sealing import KEY_BYTES, Patient

T = TypeVar("T")


async def rotate_root(connection: Connection, root_keys: RootKeys) -> int:
    """Wrap every site's keys by the newest root key; how many were under another. Then the others can go."""
    newest = await root_keys.newest()
    rows = await connection.fetch("SELECT * FROM site_key WHERE root_id <> $1 ORDER BY site_id, generation", newest)
    for row in rows:
        bound = bound_to_site(row["site_id"], row["generation"])
        key = await root_keys.unwrap(Wrapped(row["root_id"], row["wrapped"]), bound)
        await connection.execute(
            """
            UPDATE site_key SET root_id = $3, wrapped = $4
            WHERE site_id = $1 AND generation = $2 AND root_id = $5
            """,
            row["site_id"],
            row["generation"],
            *await root_keys.wrap(key, bound),
            row["root_id"],
        )
    return len(rows)


async def rotate_site(connection: Connection, root_keys: RootKeys, site_id: str, *, batch: int = 500) -> int:
    """Wrap every key of a site's patients by a new key of the site and delete the old one; how many were wrapped.

    A rotation of this site that was cut off is finished instead, without another new key.

    Raises:
        StackError: the site has no key yet.
    """
    keys = await _site_keys(connection, root_keys, site_id)
    if not keys:
        raise StackError(f"The site {site_id} has no key: none of its patients has said anything in words yet.")
    if len(keys) == 1:
        await _add_generation(connection, root_keys, site_id, max(keys) + 1)
        keys = await _site_keys(connection, root_keys, site_id)
    count = 0
    while True:
        count += await _rewrap(connection, site_id, keys, batch)
        try:
            await connection.execute("DELETE FROM site_key WHERE site_id = $1 AND generation < $2", site_id, max(keys))
        except asyncpg.ForeignKeyViolationError:
            continue  # a service has just made a key under the old one
        return count


async def on_key_ring(settings: KeyRingSettings, act: Callable[[Connection, RootKeys], Awaitable[T]]) -> T:
    """Do something as the key ring's owner."""
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        return await act(connection, FileRootKeys(settings.root_keys_file))
    finally:
        await connection.close()


@dataclass(frozen=True)
class KeyRingState:
    """What the key ring holds. A site's rotation is unfinished where it has several keys."""

    newest_root: str
    sites_by_root: dict[str, int]
    unfinished: list[str]
    patients: int
    erased: int

    @property
    def is_settled(self) -> bool:
        """Whether every key is wrapped by the newest one above it."""
        return not self.unfinished and set(self.sites_by_root) <= {self.newest_root}


async def state_of(connection: Connection, root_keys: RootKeys) -> KeyRingState:
    """Counts; no key and no patient."""
    roots = await connection.fetch(
        "SELECT root_id, count(DISTINCT site_id) AS sites FROM site_key GROUP BY root_id ORDER BY root_id"
    )
    unfinished = await connection.fetch(
        "SELECT site_id FROM site_key GROUP BY site_id HAVING count(*) > 1 ORDER BY site_id"
    )
    counts = await connection.fetchrow("SELECT count(wrapped) AS patients, count(erased_at) AS erased FROM patient_key")
    return KeyRingState(
        newest_root=await root_keys.newest(),
        sites_by_root={row["root_id"]: row["sites"] for row in roots},
        unfinished=[row["site_id"] for row in unfinished],
        patients=counts["patients"] if counts else 0,
        erased=counts["erased"] if counts else 0,
    )


async def _site_keys(connection: Connection, root_keys: RootKeys, site_id: str) -> dict[int, bytes]:
    rows = await connection.fetch("SELECT generation, root_id, wrapped FROM site_key WHERE site_id = $1", site_id)
    return {
        row["generation"]: await root_keys.unwrap(
            Wrapped(row["root_id"], row["wrapped"]), bound_to_site(site_id, row["generation"])
        )
        for row in rows
    }


async def _add_generation(connection: Connection, root_keys: RootKeys, site_id: str, generation: int) -> None:
    await connection.execute(
        "INSERT INTO site_key (site_id, generation, root_id, wrapped) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        site_id,
        generation,
        *await root_keys.wrap(os.urandom(KEY_BYTES), bound_to_site(site_id, generation)),
    )


async def _rewrap(connection: Connection, site_id: str, keys: dict[int, bytes], batch: int) -> int:
    newest, count = max(keys), 0
    while True:
        rows = await connection.fetch(
            "SELECT patient_id, generation, wrapped FROM patient_key WHERE site_id = $1 AND generation < $2 LIMIT $3",
            site_id,
            newest,
            batch,
        )
        if not rows:
            return count
        changes = []
        for row in rows:
            patient, old = Patient(site_id, row["patient_id"]), row["generation"]
            key = unwrap(keys[old], row["wrapped"], bound_to_patient(patient, old))
            changes.append((*patient, old, newest, wrap(keys[newest], key, bound_to_patient(patient, newest))))
        await connection.executemany(
            """
            UPDATE patient_key SET generation = $4, wrapped = $5
            WHERE site_id = $1 AND patient_id = $2 AND generation = $3
            """,
            changes,
        )
        count += len(rows)
