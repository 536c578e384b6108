"""What a patient says after a visit: collaboRATE's three items, three "it helped" questions, and use of the page."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.feedback import store
from services.feedback.domain import missing
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope
from shared.erasures import erased_among
from shared.errors import conflict, erased, unknown
from shared.events import FeedbackReceived, YesNoUnsure
from shared.http.access import allow, only_own_page
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute
from shared.http.fields import Past, YesNo
from shared.http.receipts import AfterReceipt
from shared.outbox import Draft, Recorded
from shared.sealing import Patient

router = APIRouter(tags=["feedback"])
Giver = Annotated[Caller, Depends(allow(Role.PATIENT, Role.COORDINATOR, Role.SYSTEM))]
Effort = Annotated[int, Field(ge=0, le=9, strict=True, description="0 no effort, 9 every effort")]


class FeedbackBody(BaseModel):
    """Feedback on one visit. A question that was skipped is there with null: nothing is left out in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patient_id: UUID
    visit_id: UUID
    received_at: Past | None = Field(default=None, description="Now when not given; earlier for paper forms")
    effort_to_understand: Effort | None
    effort_to_listen: Effort | None
    effort_to_include: Effort | None
    helped_discussion: YesNo | None
    helped_what_matters: YesNo | None
    helped_decisions: YesNo | None
    used_in_visit: YesNoUnsure
    used_outside_visit: YesNoUnsure
    used_over_one_month: YesNo | None


@router.post("/v1/feedback", status_code=201, response_model=Accepted, responses=MANY)
async def give_feedback(
    request: Request,
    body: Batch[FeedbackBody],
    caller: Giver,
    key: IdempotencyKey,
    site: NamedSite = None,
    _after: AfterReceipt = None,
) -> Response:
    """Give feedback on one visit or many: as the patient, or for patients who answered by phone or on paper."""
    command = Command[FeedbackBody](
        locks=lambda _site, feedback: [str(feedback.patient_id)], record=partial(_record, caller)
    )
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


async def _record(caller: Caller, connection: Connection, site_id: str, body: FeedbackBody) -> Recorded:
    only_own_page(caller, body.patient_id)
    if await erased_among(connection, [Patient(site_id, body.patient_id)]):
        raise erased()
    row = await store.invitation(connection, SiteScope.of(site_id), body.visit_id)
    if row is None or row.patient_id != body.patient_id:
        raise unknown("visit")
    if row.is_given:
        raise conflict("already-given", "Feedback on this visit was given already. It is taken once.")
    reason = missing(row.invitation)
    if reason is not None:
        raise conflict("not-open", reason)
    feedback = FeedbackReceived(
        feedback_id=uuid4(),
        received_at=body.received_at or datetime.now(UTC),
        **body.model_dump(exclude={"received_at"}),
    )
    await store.record_feedback(connection, site_id, feedback)
    return Recorded(str(feedback.feedback_id), [Draft(site_id, str(feedback.patient_id), feedback)])
