"""How a patient stands whose page somebody asks for: here, erased, or unknown at the sites that are bound."""

from uuid import UUID

import orjson

from services.dashboard import store
from shared.db import Connection, SiteScope


async def is_here(connection: Connection, scope: SiteScope, patient_id: UUID) -> bool:
    """Whether there is a page of this patient, who was not erased."""
    stored = await store.page(connection, scope, patient_id)
    return stored is not None and not orjson.loads(stored.content)["erased"]
