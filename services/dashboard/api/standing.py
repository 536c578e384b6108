"""Who of a clinic asks, and how the patient stands whom they ask for: here or not, linked still or not."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Depends

from services.dashboard import store
from services.dashboard.domain import LinkedPatient
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope
from shared.http.access import allow

Coordinator = Annotated[Caller, Depends(allow(Role.COORDINATOR))]
ClinicPeople = Annotated[Caller, Depends(allow(Role.CLINICIAN, Role.COORDINATOR))]


async def is_here(connection: Connection, scope: SiteScope, patient_id: UUID) -> bool:
    """Whether there is a page of this patient, who was not erased."""
    stored = await store.page(connection, scope, patient_id)
    return stored is not None and not orjson.loads(stored.content)["erased"]


async def other_side(connection: Connection, own: LinkedPatient) -> LinkedPatient | None:
    """The other site's side of a live link; None when either is ended: the same two may have been linked anew."""
    if not own.is_live or own.other_patient_id is None:
        return None
    sides = await store.links_of(connection, SiteScope.of(own.other_site), [own.other_patient_id])
    return next((side for side in sides if side.is_live and side.is_other_side_of(own)), None)
