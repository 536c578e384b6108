"""Medicines as intervals: started, perhaps changed, and stopped for a reason."""

from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.clinical import store
from services.clinical.api.changes import ChangeBody, changed, enrolled, patient_lock, standing
from services.clinical.domain import Medicine, Route, StopReason, interval_errors, medicine_of
from shared.db import Connection
from shared.errors import FieldError, Problem
from shared.events import DrugClass, Medication
from shared.http.access import CareTeam
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute
from shared.http.fields import Day
from shared.http.receipts import AfterReceipt
from shared.outbox import Recorded

router = APIRouter(tags=["medications"])


class MedicationBody(ChangeBody):
    """A new medicine, or with `medication_id` how a recorded one stands from now on, such as stopped."""

    medication_id: UUID | None = None
    name: str = Field(
        max_length=80, pattern=r"^\w[\w ,.()/+'-]*$", description="Ingredient; one not known here is kept as written"
    )
    drug_class: DrugClass | None = Field(default=None, description="Needed only for a medicine not known here")
    # Events must not carry free text in clear: a dose starts with its amount.
    dose: str | None = Field(
        default=None,
        max_length=60,
        pattern=r"^\d[\w ,.%/()+-]*$",
        description="Amount and frequency, such as `40 mg every 2 weeks`",
    )
    route: Route | None = None
    started_on: Day
    stopped_on: Day | None = None
    stop_reason: StopReason | None = None


@router.post("/v1/medications", status_code=201, response_model=Accepted, responses=MANY)
async def record_medications(
    request: Request,
    body: Batch[MedicationBody],
    caller: CareTeam,
    key: IdempotencyKey,
    site: NamedSite = None,
    _after: AfterReceipt = None,
) -> Response:
    """Record one medicine or many."""
    command = Command[MedicationBody](locks=patient_lock, record=_record)
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


async def _record(connection: Connection, site_id: str, body: MedicationBody) -> Recorded:
    scope = await enrolled(connection, site_id, body.patient_id)
    if body.medication_id is not None:
        await standing(connection, scope, body.patient_id, Medication, body.medication_id)
    medicine = _checked(body)
    medication = Medication(
        medication_id=body.medication_id or uuid4(),
        name=medicine.name,
        drug_class=medicine.drug_class,
        rxcui=medicine.rxcui,
        dose=body.dose,
        route=body.route,
        started_on=body.started_on,
        stopped_on=body.stopped_on,
        stop_reason=body.stop_reason,
    )
    await store.record_medication(connection, site_id, body.patient_id, medication)
    return changed(site_id, body.patient_id, medication, medication.medication_id)


def _checked(body: MedicationBody) -> Medicine:
    errors = interval_errors(body.started_on, body.stopped_on, body.stop_reason)
    medicine = medicine_of(body.name, body.drug_class, body.route)
    if isinstance(medicine, FieldError):
        errors.append(medicine)
    if errors or isinstance(medicine, FieldError):
        raise Problem(422, "invalid", f"{len(errors)} field(s) are not valid.", errors=errors)
    return medicine
