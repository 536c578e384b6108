"""Which of a patient's visits are open for feedback. Never what was answered."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from services.feedback import store
from services.feedback.domain import missing
from shared.auth import Caller, Role
from shared.db import transaction
from shared.errors import unknown
from shared.http.access import allow, only_own_page
from shared.http.commands import pool_of
from shared.http.receipts import AfterReceipt
from shared.http.record import keep_read

router = APIRouter(tags=["invitations"])
# Not for clinicians: a visit that is no longer open would tell them that their patient has answered.
Inviter = Annotated[Caller, Depends(allow(Role.PATIENT, Role.COORDINATOR, Role.SYSTEM))]


class OpenVisit(BaseModel):
    visit_id: UUID
    visit_at: datetime | None


class Invitations(BaseModel):
    """The visits that are open for feedback, the latest first."""

    patient_id: UUID
    items: list[OpenVisit]


@router.get("/v1/invitations")
async def read_invitations(
    request: Request, patient_id: UUID, caller: Inviter, _after: AfterReceipt = None
) -> Invitations:
    """The visits of this patient that are completed, have a survey, and have no feedback yet."""
    only_own_page(caller, patient_id)
    async with transaction(pool_of(request), caller.scope) as connection:
        site_id = await store.site_of(connection, caller.scope, patient_id)
        if site_id is None:
            raise unknown("patient")
        rows = await store.invitations(connection, caller.scope, patient_id)
        await keep_read(request, connection, site_id, patient_id)
    return Invitations(
        patient_id=patient_id,
        items=[
            OpenVisit(visit_id=row.visit_id, visit_at=row.invitation.visit_at)
            for row in rows
            if not row.is_given and missing(row.invitation) is None
        ],
    )
