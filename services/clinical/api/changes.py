"""What all of clinical's writes share: they are about an enrolled patient, and each is one event."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from services.clinical import store
from shared.db import Connection, SiteScope
from shared.erasures import erased_among
from shared.errors import erased, unknown
from shared.events import ClinicalChange, ClinicianDataUpdated
from shared.outbox import Draft, Recorded
from shared.sealing import Patient


class ChangeBody(BaseModel):
    """What every item says: whom it is about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patient_id: UUID


def patient_lock(_site_id: str, body: ChangeBody) -> Iterable[str]:
    """A write holds its patient."""
    return [str(body.patient_id)]


async def enrolled(connection: Connection, site_id: str, patient_id: UUID) -> SiteScope:
    """The scope to read the patient's rows in.

    Raises:
        Problem: 404 when the patient is not enrolled at this site, 410 when they were and are erased.
    """
    scope = SiteScope.of(site_id)
    if await store.has_patient(connection, scope, patient_id):
        return scope
    if await erased_among(connection, [Patient(site_id, patient_id)]):
        raise erased()
    raise unknown("patient")


def changed(
    site_id: str,
    patient_id: UUID,
    effective_at: datetime,
    change: ClinicalChange,
    thing_id: UUID,
    *,
    event_id: UUID | None = None,
) -> Recorded:
    """A recorded change and its event, under an id of its own where words are sealed for it."""
    body = ClinicianDataUpdated(patient_id=patient_id, effective_at=effective_at, change=change)
    return Recorded(str(thing_id), [Draft(site_id, str(patient_id), body, event_id or uuid4())])


def noon(day: date) -> datetime:
    """A day as an instant: noon UTC, which is the same day on the clocks of all American and European sites."""
    return datetime.combine(day, time(12), UTC)
