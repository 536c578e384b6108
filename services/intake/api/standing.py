"""How a patient stands whom a write is about: enrolled, erased, or unknown at this site."""

from uuid import UUID

from services.intake import store
from shared.db import Connection, SiteScope
from shared.erasures import erased_among
from shared.errors import erased, unknown
from shared.events import EnrollmentUpdated
from shared.sealing import Patient


async def enrolled(connection: Connection, site_id: str, patient_id: UUID) -> EnrollmentUpdated:
    """The enrolment as it stands.

    Raises:
        Problem: 404 when the patient is not enrolled at this site, 410 when they were and are erased.
    """
    enrolment = await store.enrolment(connection, SiteScope.of(site_id), patient_id)
    if enrolment is not None:
        return enrolment
    if await erased_among(connection, [Patient(site_id, patient_id)]):
        raise erased()
    raise unknown("patient")
