"""Rows for an audit that is under test, put there as requests put them."""

from uuid import UUID

from shared.audit import Act, Entry, Kind, Purpose, record
from shared.db import Connection
from tests.builders import PATIENT, SITE

ACT = Act("dr-1", "clinician", Purpose.CARE, "GET", "read_page", "request-1", "0af7651916cd43dd8448eb211c80319c")


async def look(connection: Connection, site_id: str = SITE, *, times: int = 1, patient_id: UUID = PATIENT) -> None:
    """Record this many looks at a patient's page."""
    await record(connection, ACT, [Entry(site_id, Kind.READ, 200, patient_id)] * times)
