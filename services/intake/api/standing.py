"""How it stands with what a request is about: a patient, a visit, a site, or that the caller's sites have no such."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request

from services.intake import store
from shared.audit import Entry, Kind
from shared.auth import Caller
from shared.db import Connection, Lockable, SiteScope, transaction
from shared.erasures import erased_among
from shared.errors import FieldError, Problem, erased, unknown
from shared.events import EnrollmentUpdated, VisitUpdated
from shared.http.commands import pool_of
from shared.http.record import trail_of
from shared.sealing import Patient


async def enrolled(connection: Connection, site_id: str, patient_id: UUID) -> EnrollmentUpdated:
    """The enrolment as it stands.

    Raises:
        Problem: 404 when the patient is not enrolled at this site, 410 when they were and are erased.
    """
    enrolment = await store.enrolment(connection, SiteScope.of(site_id), patient_id)
    if enrolment is not None:
        return enrolment
    if await erased_among(connection, [Patient(site_id, patient_id)]):
        raise erased()
    raise unknown("patient")


async def today_at(connection: Connection, site_id: str) -> date:
    """The day on the clocks of a site that there is."""
    zone = await store.time_zone(connection, SiteScope.of(site_id), site_id)
    return datetime.now(ZoneInfo(zone or "UTC")).date()


def day_of(field: str, given: date | None, today: date) -> date:
    """The day of what has happened: as given in this field, or today. Both are days on the site's clocks.

    Raises:
        Problem: 422, the day is still to come. What follows could be dated before it, and be refused until it is there.
    """
    if given is not None and given > today:
        expected = f"a day that is not still to come: on the site's clocks it is {today.isoformat()}"
        raise Problem(422, "invalid", "This day is still to come.", errors=[FieldError(field, expected)])
    return given or today


async def visit_at(request: Request, site_id: str, visit_id: UUID) -> VisitUpdated:
    """The visit that a write is about, so that its patient can be locked: what is written is decided anew then.

    Raises:
        Problem: 404, the site has no such visit.
    """
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        visit = await store.visit(connection, scope, visit_id)
    if visit is None:
        raise unknown("visit")
    return visit


@asynccontextmanager
async def about_site(
    request: Request, caller: Caller, site_id: str, kind: Kind, *, locks: Sequence[Lockable] = ()
) -> AsyncIterator[Connection]:
    """A transaction about one of the caller's sites, on record as a read or a write of what the site has set.

    Raises:
        Problem: 404, a site that is not one of the caller's or that nobody has made known.
    """
    if site_id not in caller.sites:
        raise unknown("site")
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope, locks=locks) as connection:
        if not await store.has_site(connection, scope, site_id):
            raise unknown("site")
        await trail_of(request).keep(connection, [Entry(site_id, kind, 200)])
        yield connection
