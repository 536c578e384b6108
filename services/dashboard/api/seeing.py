"""A look at a page, durable before anything is shown: of the caller's own site, or of another by a way that is open.

The ways are broken glass and a link. Whoever comes by one reads under the other site alone, in a transaction that is
bound to nothing else, and the look stands in that site's audit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from fastapi import Request

from services.dashboard import store
from services.dashboard.api.glass import broken_by
from services.dashboard.api.standing import other_side
from services.dashboard.domain import (
    GOES_ON_FOR,
    RELOADED_WITHIN,
    UNCHANGED_WITHIN,
    BrokenGlass,
    context_of,
    without_clinical,
)
from services.dashboard.pages.around import Around
from shared.audit import Act, Entry, Kind, Purpose
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope, transaction
from shared.errors import unknown
from shared.events import DashboardViewed, ViewContext, ViewerRole
from shared.group_commit import GroupCommit, GroupSettings, GroupWork
from shared.http.access import only_own_page
from shared.http.commands import pool_of
from shared.http.conclusion import conclude
from shared.http.record import trail_of
from shared.outbox import Draft
from shared.sealing import Patient
from shared.telemetry import current_trace


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody asks for a page. `known` is the version that they have; people are shown what stands around it.

    It is part of the look `goes_on`, if that is theirs; a browser may also have loaded its page anew, that of the look
    `just_left` or one that was heard of a moment ago.
    """

    caller: Caller
    patient_id: UUID
    at: datetime
    is_shared: bool
    is_for_people: bool
    known: str | None = None
    goes_on: UUID | None = None
    just_left: UUID | None = None
    is_from_browser: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A look, and the request that it is."""

    look: Look
    act: Act
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A look that may be answered. `page` is what is stored, to read; `on_record` is the way that it came by.

    One that is not new is part of an earlier look, whose `view` it has; it is on record all the same.
    """

    asked: _Asked
    stored: store.StoredPage
    page: Mapping[str, Any]
    view: DashboardViewed
    around: Around
    on_record: Sequence[str]
    is_new: bool = True

    @property
    def beacon(self) -> DashboardViewed | None:
        """The look that its length is reported of; who is of another site may read and nothing else."""
        return None if self.around.is_elsewhere else self.view

    @property
    def is_unchanged(self) -> bool:
        """Whether this is what they have already: nothing is shown."""
        return self.stored.is_in(self.asked.look.known)

    @property
    def draft(self) -> Draft:
        patient_id = str(self.view.patient_id)
        return Draft(self.stored.site_id, patient_id, self.view, traceparent=self.asked.traceparent)

    @property
    def entry(self) -> Entry:
        status = 304 if self.is_unchanged else 200
        return Entry(self.stored.site_id, Kind.READ, status, self.view.patient_id, asked=self.on_record)


Looking: TypeAlias = GroupCommit[_Asked, Seen | None]


def looking(settings: GroupSettings | None = None) -> Looking:
    """How looks of the callers' own sites are recorded; those of people who look at the same time together."""
    return GroupCommit(
        GroupWork[_Asked, Seen | None](
            keys=lambda asked: [(site_id, asked.look.patient_id) for site_id in asked.look.caller.sites],
            scope=lambda asked: asked.look.caller.scope,
            write=_see_all,
            write_apart=_see_all,
        ),
        settings,
    )


async def seen(request: Request, look: Look) -> Seen:
    """The page, on record. One that is not of the caller's sites may be one that this clinician broke the glass to.

    Raises:
        Problem: 404.
    """
    only_own_page(look.caller, look.patient_id)
    group: Looking = request.app.state.looking
    found = await group.submit(pool_of(request), _asked(request, look))
    if found is None:
        return await _seen_from_elsewhere(request, look)
    trail_of(request).is_kept = True
    return found


async def _see_all(connection: Connection, asked: Sequence[_Asked]) -> list[Seen | None]:
    """Looks whose patients are held, each at a page of the caller's own sites; None for one that is not there."""
    wanted = [Patient(site_id, one.look.patient_id) for one in asked for site_id in one.look.caller.sites]
    scope = SiteScope.of(*{patient.site_id for patient in wanted})
    pages = await store.pages(connection, scope, wanted)
    homes = [_home(one.look, pages) for one in asked]
    shown = [home for one, home in zip(asked, homes, strict=True) if home is not None and one.look.is_for_people]
    around = await _around(connection, shown, max(one.look.at for one in asked))
    found = [
        None if home is None else _seen(one, pages[home], around.get(home, Around()))
        for one, home in zip(asked, homes, strict=True)
    ]
    recorded = iter(await _record(connection, scope, [one for one in found if one is not None]))
    return [None if one is None else next(recorded) for one in found]


def _home(look: Look, pages: Mapping[Patient, store.StoredPage]) -> Patient | None:
    """The patient at whichever of the caller's sites has the page."""
    of_sites = (Patient(site_id, look.patient_id) for site_id in look.caller.sites)
    return next((patient for patient in of_sites if patient in pages), None)


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
    async with transaction(pool_of(request), there, locks=[(own.other_site, look.patient_id)]) as connection:
        side = await other_side(connection, own)
        stored = await store.page(connection, there, look.patient_id)
        if side is None or stored is None:
            raise unknown("link")
        seen = _seen(_asked(request, look), stored, Around(came_by=own), [side.on_record])
        return await _record_from_elsewhere(request, connection, there, seen)


async def site_through_glass(request: Request, caller: Caller, patient_id: UUID) -> SiteScope:
    """The other site whose patient's glass this clinician broke.

    Raises:
        Problem: 404.
    """
    site_id = None
    if caller.role is Role.CLINICIAN:
        async with transaction(pool_of(request), caller.scope) as connection:
            site_id = await store.site_behind_glass(connection, caller.scope, caller.subject, patient_id)
    if site_id is None:
        raise unknown("patient")
    return SiteScope.of(site_id)


async def page_through_glass(
    request: Request, connection: Connection, there: SiteScope, caller: Caller, patient_id: UUID, at: datetime
) -> tuple[store.StoredPage, BrokenGlass, Sequence[BrokenGlass]]:
    """The page, the glass that the caller broke to it, and all that is open to it now. This request's purpose is that.

    Raises:
        Problem: 404.
    """
    stored = await store.page(connection, there, patient_id)
    glass = await store.open_glass_to(connection, there, [patient_id], at)
    through = broken_by(caller, glass)
    if stored is None or through is None:
        raise unknown("patient")
    trail_of(request).purpose = Purpose.BREAK_GLASS
    return stored, through, glass


async def _seen_from_elsewhere(request: Request, look: Look) -> Seen:
    caller, patient_id = look.caller, look.patient_id
    there = await site_through_glass(request, caller, patient_id)
    async with transaction(
        pool_of(request), there, locks=[(site_id, patient_id) for site_id in there.sites]
    ) as connection:
        stored, through, glass = await page_through_glass(request, connection, there, caller, patient_id, look.at)
        around = Around(glass=glass, through=through)
        seen = _seen(_asked(request, look), stored, around, [through.on_record])
        return await _record_from_elsewhere(request, connection, there, seen)


async def _around(connection: Connection, patients: Sequence[Patient], now: datetime) -> dict[Patient, Around]:
    """What people are shown around pages of their own sites."""
    if not patients:
        return {}
    scope, ids = SiteScope.of(*{patient.site_id for patient in patients}), {one.patient_id for one in patients}
    glass = await store.open_glass_to(connection, scope, ids, now)
    links = await store.links_of(connection, scope, ids)
    return {
        patient: Around(
            glass=[one for one in glass if (one.site_id, one.patient_id) == patient],
            links=[one for one in links if (one.site_id, one.patient_id) == patient and one.is_live],
        )
        for patient in patients
    }


def shown_to(caller: Caller, stored: store.StoredPage) -> tuple[store.StoredPage, Mapping[str, Any]]:
    """A page, and as much of what is on it as the caller may have."""
    is_clinical = caller.role is not Role.COORDINATOR or stored.shows_clinical_to_coordinators
    page = stored.parsed() if is_clinical else without_clinical(stored.parsed())
    return replace(stored, is_clinical=is_clinical), page


def _seen(asked: _Asked, stored: store.StoredPage, around: Around, on_record: Sequence[str] = ()) -> Seen:
    """What is published of a look from another site is outside whatever visit takes place at the patient's."""
    look = asked.look
    stored, page = shown_to(look.caller, stored)
    context, visit_id = (ViewContext.OUTSIDE, None) if around.is_elsewhere else context_of(page["visits"], look.at)
    view = DashboardViewed(
        view_id=uuid4(),
        patient_id=look.patient_id,
        visit_id=visit_id,
        role=ViewerRole(look.caller.role),
        context=context,
        is_shared_screen=look.is_shared,
        opened_at=look.at,
    )
    return Seen(asked, stored, page, view, around, on_record)


async def _record(connection: Connection, scope: SiteScope, looks: Sequence[Seen]) -> list[Seen]:
    """All looks on record, and those that are new as views."""
    if not looks:
        return []
    looks = await _told_apart(connection, scope, looks)
    new = [seen for seen in looks if seen.is_new]
    if new:
        await store.record_views(
            connection, [(seen.stored.site_id, seen.asked.look.caller.subject, seen.view) for seen in new]
        )
    await conclude(connection, [seen.draft for seen in new], [(seen.asked.act, seen.entry) for seen in looks])
    return list(looks)


async def _told_apart(connection: Connection, scope: SiteScope, looks: Sequence[Seen]) -> Sequence[Seen]:
    """New looks, and those that are part of an earlier one. Nobody is asked where none can be."""
    if not any(seen.asked.look.goes_on or seen.asked.look.is_from_browser or seen.is_unchanged for seen in looks):
        return looks
    going_on = await store.record_views_gone_on(connection, scope, [_same_as(seen) for seen in looks])
    return [
        replace(seen, view=going_on[place], is_new=False) if place in going_on else seen
        for place, seen in enumerate(looks)
    ]


def _same_as(seen: Seen) -> store.Same:
    look = seen.asked.look
    within = UNCHANGED_WITHIN if seen.is_unchanged else RELOADED_WITHIN if look.is_from_browser else None
    return store.Same(
        site_id=seen.stored.site_id,
        subject=look.caller.subject,
        view=seen.view,
        opened_since=look.at - GOES_ON_FOR,
        on_screen=look.goes_on,
        just_left=look.just_left,
        heard_since=None if within is None else look.at - within,
        is_unchanged=seen.is_unchanged,
    )


async def _record_from_elsewhere(request: Request, connection: Connection, there: SiteScope, seen: Seen) -> Seen:
    (recorded,) = await _record(connection, there, [seen])
    trail_of(request).is_kept = True
    return recorded


def _asked(request: Request, look: Look) -> _Asked:
    return _Asked(look, trail_of(request).act, current_trace())
