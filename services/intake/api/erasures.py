"""Erasing a patient: the key of their words is destroyed, their rows go, and an event tells every other service.

Order: the rows go first, then the key, then the transaction commits. If it does not commit after the key is gone, the
key ring's tombstone remembers, and `finish_erasures` (the worker's, every half minute) erases here what stands there.
The same heals a database restored from a backup. A person who comes back is enrolled anew, as somebody else.
"""

from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.standing import enrolled
from shared import audit, outbox
from shared.audit import Act, Entry, Kind, Purpose, act_of_program
from shared.auth import Role
from shared.db import Connection, Pool, SiteScope, transaction
from shared.erasures import erased_among
from shared.errors import FieldError, Problem
from shared.events import ErasureReason, PatientErased
from shared.http.access import SiteStaff
from shared.http.batch import Batch
from shared.http.commands import Accepted, Command, IdempotencyKey, NamedSite, execute, ring_of
from shared.keyring import KeyRing
from shared.outbox import Draft, Recorded
from shared.sealing import Patient

_log = structlog.get_logger()
router = APIRouter(tags=["patients"])


class ErasureBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: ErasureReason
    confirm_patient_id: UUID = Field(description="The patient's id once more: erasing cannot be undone")


@router.post("/v1/patients/{patient_id}/erasure", status_code=201, response_model=Accepted)
async def erase_patient(
    request: Request,
    patient_id: UUID,
    body: ErasureBody,
    caller: SiteStaff,
    key: IdempotencyKey,
    site: NamedSite = None,
) -> Response:
    """Erase a patient for good: nobody can read their words again, and no page or figure shows them.

    Withdrawing consent is something else: then care goes on, and only the network's figures leave the patient out.
    """
    if body.confirm_patient_id != patient_id:
        expected = "the id of the patient in the path: erasing cannot be undone"
        raise Problem(422, "invalid", "Not confirmed.", errors=[FieldError("confirm_patient_id", expected)])
    command = Command[ErasureBody](
        locks=lambda _site, _body: [str(patient_id)],
        record=partial(_record, ring_of(request), patient_id),
        about=patient_id,
    )
    return await execute(request, command, Batch([body], is_single=True), site_id=caller.writing_site(site), key=key)


async def erase(pool: Pool, ring: KeyRing, patient: Patient, reason: ErasureReason, act: Act) -> UUID | None:
    """The same without a request; the receipt, None when the patient is erased already. It is on record as `act`.

    Raises:
        Problem: 404, there is no such patient at this site.
        KeyRingAway: nothing was erased, or it will be.
    """
    async with transaction(pool, SiteScope.of(patient.site_id), locks=[patient]) as connection:
        recorded = await _erased(connection, ring, patient, reason)
        if recorded.drafts:
            await outbox.add(connection, recorded.drafts)
        entry = Entry(patient.site_id, Kind.WRITE, 201, patient.patient_id, recorded.receipt)
        await audit.record(connection, act, [entry])
    return recorded.receipt


async def finish_erasures(pool: Pool, ring: KeyRing) -> int:
    """Erase here who is erased in the key ring and stands here all the same; how many did."""
    buried = await ring.enforce()
    async with transaction(pool) as connection:
        standing = await store.enrolled_among(connection, SiteScope.of(*{p.site_id for p in buried}), list(buried))
    for patient in standing:
        act = act_of_program("intake-worker", Role.SYSTEM, Purpose.CARE, method="JOB", route="finish-erasures")
        await erase(pool, ring, patient, buried[patient].reason, act)
    if standing:
        _log.warning("erasures finished", count=len(standing))
    return len(standing)


async def _record(ring: KeyRing, patient_id: UUID, connection: Connection, site_id: str, body: ErasureBody) -> Recorded:
    return await _erased(connection, ring, Patient(site_id, patient_id), body.reason)


async def _erased(connection: Connection, ring: KeyRing, patient: Patient, reason: ErasureReason) -> Recorded:
    if await erased_among(connection, [patient]):
        return Recorded(str(patient.patient_id), [])
    await enrolled(connection, *patient)
    erased_at = datetime.now(UTC)
    await store.record_erasure(connection, patient, erased_at)
    await ring.erase(patient, reason, erased_at)
    event = PatientErased(patient_id=patient.patient_id, erased_at=erased_at, reason=reason)
    return Recorded(str(patient.patient_id), [Draft(patient.site_id, str(patient.patient_id), event)])
