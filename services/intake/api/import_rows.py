"""What a row of a file asks for: read, checked, and ready to be recorded by the same functions as a request's items."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, ValidationError

from services.intake import store
from services.intake.api import news, patients, surveys
from services.intake.api.naming import ambiguous, own_id, patient_called, visits_called
from services.intake.api.patients import Enrolment, PatientBody
from services.intake.api.surveys import Means, SurveyBody
from services.intake.domain import Form, Identifiers, VisitNews
from services.intake.domain.imports import ImportKind, Row, read_cells
from shared.auth import Caller
from shared.db import Connection, SiteScope
from shared.errors import FieldError, Problem, conflict
from shared.events import EnrollmentUpdated, Language, VisitState
from shared.http.commands import Item, Result
from shared.http.problems import invalid
from shared.outbox import Recorded

M = TypeVar("M", bound=BaseModel)
_COLUMN_OF = {"identifier": "patient", "clinician_id": "clinician", "participant": "clinician"}
_COLUMN_OF_KIND = {
    "already-enrolled": "patient",
    "already-answered": "visit",
    "visit-ambiguous": "visit",
    "visit-cancelled": "visit",
    "visit-of-another-patient": "visit",
    "visit-times": "state",
    "visit-not-allowed": "state",
    "consent-text-unknown": "consent_text",
    "consent-text-required": "consent_text",
}
_COMPARED = ("birth_year", "sex", "diagnosis", "education", "language", "clinician_id")


@dataclass(frozen=True, slots=True)
class Ground:
    """Where rows are recorded: for which site, on whose behalf, by which clocks, and with what."""

    site_id: str
    caller: Caller
    zone: ZoneInfo
    identifiers: Identifiers
    means: Means

    @property
    def scope(self) -> SiteScope:
        return SiteScope.of(self.site_id)


async def _nothing_more(_: Connection) -> Result:
    return Recorded("", [])


@dataclass(frozen=True, slots=True)
class Ready:
    """A row that was understood: what to hold for it, how it is recorded, and the hashes that it is known again by.

    `about` is the patient whom it enrols, or the visit: two rows about the same one may clash. `again` is what comes of
    it where it is in already.
    """

    row: Row
    hashes: Sequence[bytes]
    about: bytes
    locks: Sequence[str]
    record: Callable[[Connection], Awaitable[Recorded]]
    patient_id: UUID | None = None
    again: Callable[[Connection], Awaitable[Result]] = _nothing_more


async def prepare(connection: Connection, ground: Ground, kind: ImportKind, row: Row) -> Ready | Problem:
    """Understand a row: patients and visits that it names are looked up."""
    if row.wrong is not None:
        return Problem(422, "invalid", row.wrong)
    form = await _own_form(connection, ground, row.cells.get("form")) if kind is ImportKind.ANSWERS else None
    items = {} if form is None else {"typed": form.typed, "compound": form.compound}
    values, wrong = read_cells(kind, row.cells, ground.zone, **items)
    if wrong:
        return Problem(422, "invalid", f"{len(wrong)} cell(s) are not valid.", errors=wrong)
    written = orjson.dumps([kind, sorted(row.cells.items())]).decode()
    hashes = ground.identifiers.of_row(ground.site_id, written)
    try:
        return await _PREPARE[kind](connection, ground, values, partial(Ready, row, hashes))
    except Problem as problem:
        return problem


async def _own_form(connection: Connection, ground: Ground, name: object) -> Form | None:
    """The form that a row names; None where it is none of the site's."""
    named = [name] if isinstance(name, str) else []
    own = await ground.means.own_forms.named(connection, ground.site_id, named)
    return next((one.form for one in own.values()), None)


def wrong_cells(problem: Problem) -> list[tuple[str, str]]:
    """What is wrong with a row, by column, in words; '' is the whole row."""
    if problem.errors:
        return [(_COLUMN_OF.get(error.field, error.field), error.expected) for error in problem.errors]
    return [(_COLUMN_OF_KIND.get(problem.kind, ""), problem.detail)]


async def _patient(_: Connection, ground: Ground, values: dict[str, Any], ready: Callable[..., Ready]) -> Ready:
    given = {
        "identifier": values.pop("patient"),
        "clinician_id": values.pop("clinician", None),
        "consent_text": values.pop("consent_text", None),
        **values,
    }
    if given["consent_text"] is not None:
        shown_in = given.get("language", Language.ENGLISH)
        given["consent_text"] = {"version": given["consent_text"], "language": shown_in}
    body = _checked(PatientBody, given)
    hashes = ground.identifiers.of_patient(ground.site_id, body.identifier)
    enrolment = Enrolment(ground.caller.subject, hashes, body)
    return ready(hashes[0], patients.locks_of(hashes), partial(_enrol, ground, enrolment))


async def _enrol(ground: Ground, enrolment: Enrolment, connection: Connection) -> Recorded:
    known = await store.patient_with_identifier(connection, ground.scope, enrolment.hashes)
    if known is None:
        return await patients.enrol_unknown(connection, ground.site_id, enrolment, datetime.now(ground.zone).date())
    stands = await store.enrolment(connection, ground.scope, known)
    if stands is not None and (other := _differing(stands, enrolment.patient)):
        columns = ", ".join(_COLUMN_OF.get(name, name) for name in other)
        raise conflict("already-enrolled", f"Here already, with another {columns}. An import changes nobody.")
    return Recorded(str(known), [])


def _differing(stands: EnrollmentUpdated, given: PatientBody) -> list[str]:
    return [name for name in _COMPARED if name in given.model_fields_set and _differs(stands, given, name)]


def _differs(stands: EnrollmentUpdated, given: PatientBody, name: str) -> bool:
    asked = getattr(given, name)
    return asked is not None and asked != getattr(stands, name)


async def _visit(connection: Connection, ground: Ground, values: dict[str, Any], ready: Callable[..., Ready]) -> Ready:
    """A visit without a number of its own is known again by its patient and its time."""
    starts_at: datetime = values["starts_at"]
    patient = await _patient_id(connection, ground, values["patient"])
    number = values.get("visit") or f"{patient} at {starts_at.astimezone(UTC).isoformat()}"
    name = f"|{number}"
    state = VisitState(values.get("state", VisitState.SCHEDULED))
    one = VisitNews(
        names=(name,),
        patient=patient,
        clinician_id=values["clinician"],
        state=state,
        starts_at=starts_at,
        told_at=datetime.now(UTC),
        checked_in_at=values.get("checked_in_at"),
        completed_at=values.get("completed_at"),
    )
    told = await news.told(connection, ground.identifiers, ground.site_id, one)
    if isinstance(told, Problem):
        raise told
    locks = news.locks_of(ground.site_id, told)
    about, *_ = ground.identifiers.of_visit(ground.site_id, name)
    record = partial(news.tell, site_id=ground.site_id, item=told)
    return ready(about, locks, record, patient, again=partial(news.told_before, site_id=ground.site_id, item=told))


async def _answers(
    connection: Connection, ground: Ground, values: dict[str, Any], ready: Callable[..., Ready]
) -> Ready:
    patient_id = await _patient_id(connection, ground, values.pop("patient"))
    visit_id = await _visit_id(connection, ground, values.pop("visit"), patient_id)
    submitted_at = values["submitted_at"].isoformat()
    given = {**values, "patient_id": patient_id, "visit_id": visit_id, "submitted_at": submitted_at}
    item = Item(ground.caller, ground.site_id, _checked(SurveyBody, given))
    return ready(visit_id.bytes, [str(patient_id)], partial(_submit, ground.means, item), patient_id)


async def _submit(means: Means, item: Item[SurveyBody], connection: Connection) -> Recorded:
    (result,) = await surveys.record(means, connection, [item])
    if isinstance(result, Problem):
        raise result
    return result


async def _patient_id(connection: Connection, ground: Ground, number: str) -> UUID:
    """The patient whom the site calls so; or our own id of one, which the record looks up."""
    found = await patient_called(connection, ground.identifiers, ground.site_id, number) or own_id(number)
    if found is None:
        raise _unknown("patient", "No such patient here. Add the patient first, or correct the number.")
    return found


async def _visit_id(connection: Connection, ground: Ground, number: str, patient_id: UUID) -> UUID:
    names = ground.identifiers.names_of_visit(ground.site_id, [f"|{number}"])
    known = await visits_called(connection, ground.site_id, names, patient_id)
    if len(known) > 1:
        raise ambiguous()
    found = known[0].visit.visit_id if known else own_id(number)
    if found is None:
        raise _unknown("visit", "No such visit here. Add the visit first, or correct the number.")
    return found


def _unknown(column: str, sentence: str) -> Problem:
    return Problem(404, "not-found", sentence, errors=[FieldError(column, sentence)])


def _checked(model: type[M], given: Mapping[str, Any]) -> M:
    try:
        return model.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise invalid(error.errors(include_input=False, include_url=False, include_context=False)) from None


_PREPARE: Mapping[ImportKind, Callable[..., Awaitable[Ready]]] = {
    ImportKind.PATIENTS: _patient,
    ImportKind.VISITS: _visit,
    ImportKind.ANSWERS: _answers,
}
