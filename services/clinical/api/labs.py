"""Laboratory results: kept as reported, published in the canonical unit of their LOINC code."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.clinical import store
from services.clinical.api.changes import ChangeBody, changed, enrolled, patient_lock, standing
from services.clinical.domain import canonical, canonical_range, lab_test
from shared.db import Connection
from shared.events import Comparator, Lab
from shared.http.access import CareTeam
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute
from shared.http.fields import Past
from shared.http.receipts import AfterReceipt
from shared.outbox import Recorded

router = APIRouter(tags=["labs"])
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class LabBody(ChangeBody):
    """A new result, or with `lab_id` the corrected form of a recorded one."""

    lab_id: UUID | None = None
    loinc: str = Field(max_length=10, description="LOINC code")
    value: Number
    unit: str = Field(max_length=20, description="UCUM unit of the value and of the reference range")
    comparator: Comparator | None = Field(
        default=None, description="When the result lies beyond what was measured: `<16` is value 16 with `<`"
    )
    reference_low: Number | None = None
    reference_high: Number | None = None
    method: str | None = Field(
        default=None, min_length=1, max_length=60, description="Method or kit: trends are not joined across methods"
    )
    taken_at: Past = Field(description="When the sample was taken")


@router.post("/v1/labs", status_code=201, response_model=Accepted, responses=MANY)
async def record_labs(
    request: Request,
    body: Batch[LabBody],
    caller: CareTeam,
    key: IdempotencyKey,
    site: NamedSite = None,
    _after: AfterReceipt = None,
) -> Response:
    """Record one laboratory result or many."""
    command = Command[LabBody](locks=patient_lock, record=_record)
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


async def _record(connection: Connection, site_id: str, body: LabBody) -> Recorded:
    scope = await enrolled(connection, site_id, body.patient_id)
    if body.lab_id is not None:
        await standing(connection, scope, body.patient_id, Lab, body.lab_id)
    lab = _in_canonical_unit(body)
    reported = body.model_dump(mode="json", include={"value", "unit", "reference_low", "reference_high"})
    await store.record_lab(connection, site_id, body.patient_id, lab, reported)
    return changed(site_id, body.patient_id, lab, lab.lab_id)


def _in_canonical_unit(body: LabBody) -> Lab:
    value, unit = canonical(body.loinc, body.value, body.unit)
    low, high = canonical_range(body.loinc, body.reference_low, body.reference_high, body.unit)
    return Lab(
        lab_id=body.lab_id or uuid4(),
        loinc=body.loinc,
        name=lab_test(body.loinc).name,
        value=value,
        unit=unit,
        comparator=body.comparator,
        reference_low=low,
        reference_high=high,
        method=body.method,
        taken_at=body.taken_at,
    )
