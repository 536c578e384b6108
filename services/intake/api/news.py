"""Visits as the site's own system tells of them: FHIR `Appointment` and `Encounter`, in any order, any number of times.

What is older than what is known changes nothing (`meta.lastUpdated`), and neither does what is known already. A visit
is found again by what the site's system calls it, of which only keyed hashes are kept; by its number, where that came
once with the system that it is of and once, as in a file, without.
"""

from dataclasses import asdict
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from services.intake import store
from services.intake.api.fhir import body_of, resources_of
from services.intake.api.naming import ambiguous, patient_called, visits_called
from services.intake.api.standing import enrolled
from services.intake.domain import (
    VISIT_KINDS,
    Cancellation,
    Identifiers,
    VisitNames,
    VisitNews,
    VisitStatus,
    begin,
    follow,
    read_visit,
    still_cancelled,
    still_holds,
)
from shared.db import Connection, SiteScope, transaction
from shared.errors import FieldError, Problem, conflict, unknown
from shared.events import VisitState, VisitUpdated
from shared.http.access import SiteStaff
from shared.http.batch import Batch
from shared.http.commands import Accepted, BatchAnswer, Command, IdempotencyKey, NamedSite, execute, pool_of
from shared.http.fields import is_ahead
from shared.outbox import Draft, Recorded

router = APIRouter(tags=["visits"])


class Told(BaseModel):
    """News of a visit of a patient whom the site has enrolled, with what its system calls the visit."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    patient_id: UUID
    names: VisitNames
    news: VisitNews


@router.post(
    "/v1/fhir/visits",
    response_model=Accepted | BatchAnswer,
    openapi_extra=body_of(VISIT_KINDS, "Appointment, Encounter"),
)
async def tell_of_visits(request: Request, caller: SiteStaff, key: IdempotencyKey, site: NamedSite = None) -> Response:
    """Take in appointments and encounters: one, a Bundle, or NDJSON. A Bundle's patients lead to the site's numbers.

    A receipt that is null says that nothing changed: it was known, or something newer is.
    """
    site_id = caller.writing_site(site)
    identifiers: Identifiers = request.app.state.identifiers
    read = await resources_of(request, VISIT_KINDS, read_visit)
    async with transaction(pool_of(request), SiteScope.of(site_id)) as connection:
        items = [await told(connection, identifiers, site_id, one) for one in read.items]
    batch = Batch[Told](items, is_single=read.is_single)
    command = Command[Told](locks=locks_of, record=tell, status=200)
    return await execute(request, command, batch, site_id=site_id, key=key)


def _still_to_come(news: VisitNews) -> list[FieldError]:
    """What is told to have happened and cannot have. News of tomorrow would keep out all that is told until then."""
    came, ended = ("period", "period") if news.is_as_it_went else ("checked_in_at", "completed_at")
    happened = (
        ("meta", "lastUpdated, when this was changed last", news.told_at),
        (came, "when the patient came", news.checked_in_at),
        (ended, "when the visit ended", news.completed_at),
    )
    return [
        FieldError(field, f"{what}: not a time that is still to come")
        for field, what, at in happened
        if at is not None and is_ahead(at)
    ]


async def told(
    connection: Connection, identifiers: Identifiers, site_id: str, news: VisitNews | Problem
) -> Told | Problem:
    """The news with the patient whom they are about."""
    if isinstance(news, Problem):
        return news
    if wrong := _still_to_come(news):
        return Problem(422, "invalid", "This is from a clock that is ahead.", errors=wrong)
    names = identifiers.names_of_visit(site_id, news.names)
    if isinstance(news.patient, UUID):
        return Told(patient_id=news.patient, names=names, news=news)
    patient_id = await patient_called(connection, identifiers, site_id, news.patient)
    return unknown("patient") if patient_id is None else Told(patient_id=patient_id, names=names, news=news)


def locks_of(_site: str, item: Told) -> list[str]:
    """The patient, and the names, which two senders may give at once."""
    return [str(item.patient_id), *(hashed.hex() for hashed in item.names.own)]


async def tell(connection: Connection, site_id: str, item: Told) -> Recorded:
    """Record news of a visit; the caller holds `locks_of` it.

    Raises:
        Problem: 404 or 410, the patient; 409, the visit is another patient's, is two, or cannot go on so; 422, the
            first news do not say who sees the patient.
    """
    await enrolled(connection, site_id, item.patient_id)
    known = await visits_called(connection, site_id, item.names, item.patient_id)
    if len(known) > 1:
        raise ambiguous()
    if not known:
        return await _recorded(connection, site_id, _first(item), item, item.news.cancelled)
    ((visit, was, told_at, _),) = known
    if visit.patient_id != item.patient_id:
        raise conflict("visit-of-another-patient", "This visit is recorded for another patient.")
    if told_at is not None and item.news.told_at < told_at:
        await store.record_visit_names(connection, site_id, visit, [*item.names.kept])
        return Recorded(str(visit.visit_id), [])
    current = VisitStatus(visit.state, visit.scheduled_at, visit.checked_in_at, visit.completed_at)
    clinician = {"clinician_id": item.news.clinician_id or visit.clinician_id}
    new = visit.model_copy(update=asdict(follow(current, item.news)) | clinician)
    is_cancelled = new.state is VisitState.CANCELLED
    cancelled = still_cancelled(was, item.news.cancelled) if is_cancelled else item.news.cancelled
    return await _recorded(connection, site_id, new, item, cancelled, is_changed=new != visit)


async def told_before(connection: Connection, site_id: str, item: Told) -> Recorded | Problem:
    """What comes of news that a file has told of before: nothing, but that it is said where they hold no more."""
    for visit, *_ in await visits_called(connection, site_id, item.names, item.patient_id):
        stands = VisitStatus(visit.state, visit.scheduled_at, visit.checked_in_at, visit.completed_at)
        if visit.clinician_id != item.news.clinician_id or not still_holds(stands, item.news):
            return conflict(
                "visit-changed-since",
                "This row was brought in before, and the visit was changed since: an old row does not undo that. "
                "To set it so again, write the row otherwise, for example the time with its offset.",
            )
    return Recorded("", [])


def _first(item: Told) -> VisitUpdated:
    if item.news.clinician_id is None:
        wrong = FieldError("participant", "the practitioner who sees the patient")
        raise Problem(422, "invalid", "A visit needs a clinician.", errors=[wrong])
    return VisitUpdated(
        visit_id=uuid4(),
        patient_id=item.patient_id,
        clinician_id=item.news.clinician_id,
        **asdict(begin(item.news)),
    )


async def _recorded(
    connection: Connection,
    site_id: str,
    visit: VisitUpdated,
    item: Told,
    cancelled: Cancellation,
    *,
    is_changed: bool = True,
) -> Recorded:
    await store.record_visit(connection, site_id, visit, item.news.told_at, cancelled)
    await store.record_visit_names(connection, site_id, visit, [*item.names.kept])
    drafts = [Draft(site_id, str(visit.patient_id), visit)] if is_changed else []
    return Recorded(str(visit.visit_id), drafts)
