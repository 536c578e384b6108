"""A look at a page, durable before anything is shown: of the caller's own site, or of another by a way that is open.

The ways are broken glass and a link. Whoever comes by one reads under the other site alone, in a transaction that is
bound to nothing else, and the look stands in that site's audit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from fastapi import Request

from services.dashboard import store
from services.dashboard.api.glass import broken_by
from services.dashboard.api.standing import other_side
from services.dashboard.domain import context_of
from services.dashboard.pages.around import Around
from shared import outbox
from shared.audit import Entry, Kind, Purpose
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, lock, transaction
from shared.errors import unknown
from shared.events import DashboardViewed, ViewContext, ViewerRole
from shared.http.access import only_own_page
from shared.http.commands import pool_of
from shared.http.record import trail_of


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody asks for a page. `known` is the version that they have; people are shown what stands around it."""

    caller: Caller
    patient_id: UUID
    at: datetime
    is_shared: bool
    is_for_people: bool
    known: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A look that may be answered."""

    stored: store.StoredPage
    view: DashboardViewed
    around: Around

    @property
    def beacon(self) -> UUID | None:
        """The look that its length is reported of; who is of another site may read and nothing else."""
        return None if self.around.is_elsewhere else self.view.view_id


async def seen(request: Request, look: Look) -> Seen:
    """The page, on record. One that is not of the caller's sites may be one that this clinician broke the glass to.

    Raises:
        Problem: 404.
    """
    caller = look.caller
    only_own_page(caller, look.patient_id)
    async with transaction(pool_of(request), caller.scope) as connection:
        await lock(connection, [(site_id, look.patient_id) for site_id in caller.sites])
        stored = await store.page(connection, caller.scope, look.patient_id)
        if stored is not None:
            around = await _around(connection, caller.scope, look) if look.is_for_people else Around()
            return await _recorded(request, connection, look, stored, around)
        elsewhere = None
        if caller.role is Role.CLINICIAN:
            elsewhere = await store.site_behind_glass(connection, caller.scope, caller.subject, look.patient_id)
    if elsewhere is None:
        raise unknown("patient")
    return await _seen_through_glass(request, look, SiteScope.of(elsewhere))


async def seen_by_link(request: Request, look: Look, link_id: UUID) -> Seen:
    """The other patient's page, on record, by a link of `look.patient_id`, who is a patient of the caller's site.

    Raises:
        Problem: 404.
    """
    async with transaction(pool_of(request), look.caller.scope) as connection:
        own = await store.link(connection, look.caller.scope, link_id)
    if own is None or own.patient_id != look.patient_id or own.other_patient_id is None:
        raise unknown("link")
    look, there = replace(look, patient_id=own.other_patient_id), SiteScope.of(own.other_site)
    async with transaction(pool_of(request), there) as connection:
        await lock(connection, [(own.other_site, look.patient_id)])
        side = await other_side(connection, own)
        stored = await store.page(connection, there, look.patient_id)
        if side is None or stored is None:
            raise unknown("link")
        return await _recorded(request, connection, look, stored, Around(came_by=own), asked=[side.on_record])


async def _seen_through_glass(request: Request, look: Look, there: SiteScope) -> Seen:
    async with transaction(pool_of(request), there) as connection:
        await lock(connection, [(site_id, look.patient_id) for site_id in there.sites])
        stored = await store.page(connection, there, look.patient_id)
        glass = await store.open_glass_to(connection, there, look.patient_id, look.at)
        through = broken_by(look.caller, glass)
        if stored is None or through is None:
            raise unknown("patient")
        around = Around(glass=glass, through=through)
        return await _recorded(request, connection, look, stored, around, asked=[through.on_record])


async def _around(connection: Connection, scope: SiteScope, look: Look) -> Around:
    """What people are shown around a page of their own site."""
    glass = await store.open_glass_to(connection, scope, look.patient_id, look.at)
    links = await store.links_of(connection, scope, look.patient_id)
    return Around(glass=glass, links=[link for link in links if link.is_live])


async def _recorded(
    request: Request,
    connection: Connection,
    look: Look,
    stored: store.StoredPage,
    around: Around,
    *,
    asked: Sequence[str] = (),
) -> Seen:
    """What is published of a look from another site is outside whatever visit takes place at the patient's."""
    context, visit_id = context_of(_visits(stored), look.at)
    if around.is_elsewhere:
        context, visit_id = ViewContext.OUTSIDE, None
    view = DashboardViewed(
        view_id=uuid4(),
        patient_id=look.patient_id,
        visit_id=visit_id,
        role=ViewerRole(look.caller.role),
        context=context,
        is_shared_screen=look.is_shared,
        opened_at=look.at,
    )
    await store.record_view(connection, stored.site_id, look.caller.subject, view)
    await outbox.add(connection, [outbox.Draft(stored.site_id, str(look.patient_id), view)])
    trail = trail_of(request)
    if around.through is not None:
        trail.purpose = Purpose.BREAK_GLASS
    status = 304 if look.known == stored.etag else 200
    await trail.keep(connection, [Entry(stored.site_id, Kind.READ, status, look.patient_id, asked=asked)])
    return Seen(stored, view, around)


def _visits(stored: store.StoredPage) -> list[dict[str, Any]]:
    visits: list[dict[str, Any]] = orjson.loads(stored.content)["visits"]
    return visits
