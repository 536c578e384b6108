"""What all of clinical's writes share: they are about an enrolled patient, and each is one event."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from services.clinical import store
from shared.db import Connection, SiteScope
from shared.erasures import erased_among
from shared.errors import conflict, erased, unknown
from shared.events import Assessment, ClinicalChange, ClinicalFact, ClinicianDataUpdated, Lab, Medication, PlanStep
from shared.outbox import Draft, Recorded
from shared.sealing import Patient

F = TypeVar("F", bound=ClinicalFact)
_CALLED: Mapping[type[ClinicalFact], str] = MappingProxyType(
    {Assessment: "assessment", Lab: "lab", Medication: "medication", PlanStep: "step"}
)


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


async def standing(connection: Connection, scope: SiteScope, patient_id: UUID, kind: type[F], fact_id: UUID) -> F:
    """A recorded fact that counts, as it stands; a step without its words.

    Raises:
        Problem: 404 when this patient has no such fact, 409 when it was entered in error: nothing corrects it then.
    """
    known = await store.fact(connection, scope, patient_id, kind, fact_id)
    if known is None:
        raise unknown(_CALLED[kind])
    if known.is_in_error:
        raise conflict("entered-in-error", f"This {_CALLED[kind]} was entered in error. Record what is right anew.")
    return known.fact


def changed(
    site_id: str,
    patient_id: UUID,
    change: ClinicalChange,
    thing_id: UUID,
    *,
    event_id: UUID | None = None,
) -> Recorded:
    """A recorded change and its event, under an id of its own where words are sealed for it."""
    body = ClinicianDataUpdated(patient_id=patient_id, effective_at=_effective_at(change), change=change)
    return Recorded(str(thing_id), [Draft(site_id, str(patient_id), body, event_id or uuid4())])


def _effective_at(change: ClinicalChange) -> datetime:
    match change:
        case Assessment():
            return change.assessed_at
        case Lab():
            return change.taken_at
        case Medication():
            return _noon(change.stopped_on or change.started_on)
        case PlanStep():
            return change.agreed_at if change.done_on is None else _noon(change.done_on)


def _noon(day: date) -> datetime:
    """A day as an instant: noon UTC, which is the same day on the clocks of all American and European sites."""
    return datetime.combine(day, time(12), UTC)
