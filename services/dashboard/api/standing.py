"""Who of a clinic asks, and how the patient stands whom they ask for: here or not, linked still or not."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from services.dashboard import store
from services.dashboard.domain import LinkedPatient
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import erased, unknown
from shared.http.access import allow
from shared.http.commands import pool_of

Coordinator = Annotated[Caller, Depends(allow(Role.COORDINATOR))]
ClinicPeople = Annotated[Caller, Depends(allow(Role.CLINICIAN, Role.COORDINATOR))]


async def own_page(request: Request, caller: Caller, patient_id: UUID) -> tuple[store.StoredPage, dict[str, Any]]:
    """The page of a patient of the caller's own sites, and what it says.

    Raises:
        Problem: 404 where there is none, 410 where the patient was erased.
    """
    async with transaction(pool_of(request), caller.scope) as connection:
        stored = await store.page(connection, caller.scope, patient_id)
    if stored is None:
        raise unknown("patient")
    page = stored.parsed()
    if page["erased"]:
        raise erased()
    return stored, page


async def is_here(connection: Connection, scope: SiteScope, patient_id: UUID) -> bool:
    """Whether there is a page of this patient, who was not erased."""
    stored = await store.page(connection, scope, patient_id)
    return stored is not None and not stored.parsed()["erased"]


async def other_side(connection: Connection, own: LinkedPatient) -> LinkedPatient | None:
    """The other site's side of a live link; None when either is ended: the same two may have been linked anew."""
    if not own.is_live or own.other_patient_id is None:
        return None
    sides = await store.links_of(connection, SiteScope.of(own.other_site), [own.other_patient_id])
    return next((side for side in sides if side.is_live and side.is_other_side_of(own)), None)
