"""The key ring under a service, as it fails."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.conftest import KeyRings


@asynccontextmanager
async def away(keyring_of: KeyRings) -> AsyncIterator[None]:
    """Takes the keys away for a while."""
    connection = await asyncpg.connect((await keyring_of("owner")).database_url.get_secret_value())
    try:
        await connection.execute("ALTER TABLE patient_key RENAME TO away")
        yield
        await connection.execute("ALTER TABLE away RENAME TO patient_key")
    finally:
        await connection.close()
