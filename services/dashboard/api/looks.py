"""Who looked: what the audit says of a patient, to that patient and to the coordinators of the site."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from services.dashboard import store
from services.dashboard.pages import present_looks
from shared.audit import Purpose
from shared.auth import Caller, Role
from shared.db import transaction
from shared.errors import unknown
from shared.http.access import allow, only_own_page
from shared.http.commands import pool_of
from shared.http.fields import Moment
from shared.http.language import choice_of
from shared.http.record import keep_read
from shared.http.sign_in import sessions_of

router = APIRouter(tags=["page"])
_AT_ONCE = 100
Concerned = Annotated[Caller, Depends(allow(Role.PATIENT, Role.COORDINATOR))]
Before = Annotated[Moment | None, Query(description="Only looks before this moment: `next` of an answer")]


class Look(BaseModel):
    """One time that something about the patient was shown. `subject` is the pseudonym that the site gives."""

    at: datetime
    role: Role
    subject: str
    purpose: Purpose
    route: str = Field(description="The operation that showed it, as it is named in this document")


class Looks(BaseModel):
    """The newest first. `next` is null when there are no earlier ones."""

    patient_id: UUID
    items: list[Look]
    next: datetime | None


@router.get("/v1/patients/{patient_id}/looks")
async def read_looks(request: Request, patient_id: UUID, caller: Concerned, before: Before = None) -> Looks:
    """Who looked at this patient's page, when and what for."""
    _, looks = await _looks(request, caller, patient_id, before)
    return looks


@router.get("/patients/{patient_id}/looks", include_in_schema=False)
async def show_looks(request: Request, patient_id: UUID, caller: Concerned, before: Before = None) -> Response:
    """The same for people."""
    home, looks = await _looks(request, caller, patient_id, before)
    html = present_looks(
        looks.model_dump(mode="json"),
        now=sessions_of(request).clock(),
        time_zone=home.time_zone,
        own_subject=caller.subject if caller.role is Role.PATIENT else None,
        spoken=choice_of(request).spoken(home.language if caller.role is Role.PATIENT else None),
        is_synthetic=request.app.state.settings.platform.is_synthetic,
    )
    return Response(html, media_type="text/html; charset=utf-8")


async def _looks(
    request: Request, caller: Caller, patient_id: UUID, before: datetime | None
) -> tuple[store.Home, Looks]:
    """Where the page is, and the looks; reading them is a look of its own, that the next reader sees."""
    only_own_page(caller, patient_id)
    async with transaction(pool_of(request), caller.scope) as connection:
        home = await store.home_of(connection, caller.scope, patient_id)
        if home is None:
            raise unknown("patient")
        rows = await store.looks(connection, caller.scope, patient_id, before, _AT_ONCE + 1)
        await keep_read(request, connection, home.site_id, patient_id)
    shown = rows[:_AT_ONCE]
    items = [
        Look(
            at=row["recorded_at"],
            role=Role(row["role"]),
            subject=row["subject"],
            purpose=Purpose(row["purpose"]),
            route=row["route"],
        )
        for row in shown
    ]
    return home, Looks(patient_id=patient_id, items=items, next=items[-1].at if len(rows) > len(shown) else None)
