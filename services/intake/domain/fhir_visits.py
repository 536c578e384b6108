"""FHIR R4 `Appointment` and `Encounter` as news of a visit.

    Appointment   pending booked | arrived checked-in | fulfilled | cancelled noshow
    Encounter     planned | arrived triaged in-progress onleave | finished | cancelled
                  scheduled | checked-in                        | completed | cancelled

`noshow` and `entered-in-error` are a cancelled visit with that reason. What is proposed, waiting or unknown is no visit
yet.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.domain.cancellations import NOT_SAID, Cancellation, CancelledBy, CancelReason
from services.intake.domain.news import VisitNews
from shared.errors import FieldError, Problem
from shared.events import VisitState

Resource = Mapping[str, Any]
_STATES: Mapping[str, Mapping[str, VisitState]] = {
    "Appointment": {
        "pending": VisitState.SCHEDULED,
        "booked": VisitState.SCHEDULED,
        "arrived": VisitState.CHECKED_IN,
        "checked-in": VisitState.CHECKED_IN,
        "fulfilled": VisitState.COMPLETED,
        "cancelled": VisitState.CANCELLED,
        "noshow": VisitState.CANCELLED,
        "entered-in-error": VisitState.CANCELLED,
    },
    "Encounter": {
        "planned": VisitState.SCHEDULED,
        "arrived": VisitState.CHECKED_IN,
        "triaged": VisitState.CHECKED_IN,
        "in-progress": VisitState.CHECKED_IN,
        "onleave": VisitState.CHECKED_IN,
        "finished": VisitState.COMPLETED,
        "cancelled": VisitState.CANCELLED,
        "entered-in-error": VisitState.CANCELLED,
    },
}
VISIT_KINDS = tuple(_STATES)
_REASONS = {"noshow": CancelReason.NO_SHOW, "entered-in-error": CancelReason.ENTERED_IN_ERROR}
_WHY_CANCELLED = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_GROUPS = {"pat": CancelledBy.PATIENT, "prov": CancelledBy.CLINIC}
_FIRST_YEAR, _LAST_YEAR, _LONGEST = 1900, 2199, 200


def read_visit(resource: Resource, numbers: Mapping[str, str] | None = None) -> VisitNews:
    """What a resource says. `numbers` are the site's own numbers of patients, by the references that stand for them.

    Raises:
        Problem: 422 with every part that is missing or not understood, and what was expected there.
    """
    return _Reader(resource, numbers or {}).news()


def numbers_in(resources: Iterable[Resource]) -> dict[str, str]:
    """The site's own numbers of the `Patient` resources that came along, by reference."""
    numbers = dict[str, str]()
    for resource in resources:
        if resource.get("resourceType") == "Patient" and isinstance(resource.get("id"), str):
            known = [one for one in _objects(resource.get("identifier")) if _text(one.get("value"))]
            if known:
                best = next((one for one in known if _is_record_number(one)), known[0])
                numbers[f"Patient/{resource['id']}"] = best["value"]
    return numbers


def reference_of(reference: Resource) -> str:
    """`Patient/123` out of a reference, with or without an address before and a version after it."""
    parts = _text(reference.get("reference")).split("/_history/", maxsplit=1)[0].split("/")
    return "/".join(parts[-2:]) if len(parts) > 1 else ""


def patient_of(reference: Resource, numbers: Mapping[str, str]) -> UUID | str | None:
    """Whom a reference means: the site's own number, or our id."""
    named = reference_of(reference)
    number = _text(part_of(reference, "identifier").get("value")) or numbers.get(named)
    return number or our_id(named)


def kind_of(reference: Resource, within: Resource) -> object:
    """The kind of resource that a reference in this one leads to, as far as it says."""
    contained = {f"#{one.get('id')}": one.get("resourceType") for one in _objects(within.get("contained"))}
    named = reference_of(reference).partition("/")[0] or reference.get("type")
    return contained.get(_text(reference.get("reference")), named)


def our_id(reference: str) -> UUID | None:
    """The id in `Patient/…` or `Encounter/…`, where it is one of ours."""
    try:
        return UUID(reference.rpartition("/")[2])
    except ValueError:
        return None


def names_of(resource: Resource) -> Iterable[str]:
    """What a site's system calls something: its identifiers, each behind the system that it is of."""
    identifiers = _objects(resource.get("identifier")) or [part_of(resource, "identifier")]
    return [f"{one.get('system', '')}|{one['value']}" for one in identifiers if _text(one.get("value"))]


class _Reader:
    """One resource, with what is wrong with it."""

    def __init__(self, resource: Resource, numbers: Mapping[str, str]) -> None:
        self._resource = resource
        self._numbers = numbers
        self._errors = list[FieldError]()

    def news(self) -> VisitNews:
        kind = self._resource.get("resourceType")
        if not isinstance(kind, str) or kind not in _STATES:
            raise Problem(422, "invalid", f"The resourceType must be {' or '.join(_STATES)}.")
        status, state = self._state(kind)
        told_at = self._moment("meta", self._part("meta").get("lastUpdated"), "lastUpdated, when this was changed last")
        read = self._appointment if kind == "Appointment" else self._encounter
        news = read(status, state, told_at)
        if self._errors or news is None:
            raise Problem(422, "invalid", f"{len(self._errors)} part(s) are not valid.", errors=self._errors)
        return news

    def _appointment(self, status: str, state: VisitState | None, told_at: datetime | None) -> VisitNews | None:
        starts_at = self._moment("start", self._resource.get("start"), "the time of the appointment")
        end = self._resource.get("end")
        ends_at = None if end is None else self._moment("end", end, "the end of the appointment")
        actors = [part_of(part, "actor") for part in _objects(self._resource.get("participant"))]
        patient = self._patient("participant", [actor for actor in actors if _is_a("Patient", actor)])
        names = self._names("Appointment")
        if state is None or told_at is None or starts_at is None or patient is None:
            return None
        return VisitNews(
            names=names,
            patient=patient,
            clinician_id=_clinician(actors),
            state=state,
            starts_at=starts_at,
            told_at=told_at,
            checked_in_at=told_at if state is VisitState.CHECKED_IN else None,
            completed_at=min(ends_at or told_at, told_at) if state is VisitState.COMPLETED else None,
            cancelled=_cancelled(status, state, self._part("cancelationReason")),
        )

    def _encounter(self, status: str, state: VisitState | None, told_at: datetime | None) -> VisitNews | None:
        period = self._part("period")
        began_at = self._moment("period", period.get("start"), "start, the time at which the visit begins")
        ended_at = None
        if state is VisitState.COMPLETED:
            ended_at = self._moment("period", period.get("end"), "end, the time at which the visit ended")
        people = [part_of(part, "individual") for part in _objects(self._resource.get("participant"))]
        patient = self._patient("subject", [self._part("subject")])
        appointments = [reference_of(one) for one in _objects(self._resource.get("appointment"))]
        names = self._names("Encounter", *filter(None, appointments))
        if state is None or told_at is None or began_at is None or patient is None:
            return None
        has_begun = state in (VisitState.CHECKED_IN, VisitState.COMPLETED)
        return VisitNews(
            names=names,
            patient=patient,
            clinician_id=_clinician(people),
            state=state,
            starts_at=began_at,
            told_at=told_at,
            checked_in_at=began_at if has_begun else None,
            completed_at=ended_at,
            cancelled=_cancelled(status, state, {}),
            is_as_it_went=True,
        )

    def _state(self, kind: str) -> tuple[str, VisitState | None]:
        states, status = _STATES[kind], self._resource.get("status")
        if isinstance(status, str) and status in states:
            return status, states[status]
        self._errors.append(FieldError("status", f"one of {', '.join(states)}: anything else is no visit yet"))
        return "", None

    def _moment(self, field: str, value: Any, what: str) -> datetime | None:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            moment = None
        if moment is not None and moment.tzinfo and _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return moment
        self._errors.append(FieldError(field, f"{what}, with its offset, as in 2026-10-13T10:20:00-05:00"))
        return None

    def _patient(self, field: str, actors: list[Resource]) -> UUID | str | None:
        for actor in actors:
            if found := patient_of(actor, self._numbers):
                return found
        expected = "the patient, by identifier.value (the site's own number) or as Patient/ with our id"
        self._errors.append(FieldError(field, expected))
        return None

    def _names(self, kind: str, *others: str) -> tuple[str, ...]:
        """What the site's system calls this visit: its own numbers, and addresses of resources."""
        own = list(names_of(self._resource))
        if resource_id := _text(self._resource.get("id")):
            own.append(f"{kind}/{resource_id}")
        if not own:
            self._errors.append(FieldError("identifier", "the number that the site's own system has for this visit"))
        return tuple(dict.fromkeys((*own, *others)))

    def _part(self, name: str) -> Resource:
        return part_of(self._resource, name)


def _clinician(actors: list[Resource]) -> str | None:
    for actor in actors:
        if _is_a("Practitioner", actor):
            number = _text(part_of(actor, "identifier").get("value")) or reference_of(actor).removeprefix(
                "Practitioner/"
            )
            return number[:64] or None
    return None


def _cancelled(status: str, state: VisitState | None, why: Resource) -> Cancellation:
    if state is not VisitState.CANCELLED:
        return NOT_SAID
    reason = _REASONS.get(status, CancelReason.CANCELLED)
    return Cancellation(reason, _cancelled_by(why) if reason is CancelReason.CANCELLED else None)


def _cancelled_by(why: Resource) -> CancelledBy | None:
    """The group of its code, as `pat` of `pat-lt`; None for a code that is not FHIR's."""
    codes = [_text(one.get("code")) for one in _objects(why.get("coding")) if one.get("system") == _WHY_CANCELLED]
    groups = [code.partition("-")[0] for code in codes if code]
    return _GROUPS.get(groups[0], CancelledBy.OTHER) if groups else None


def _is_a(kind: str, actor: Resource) -> bool:
    return reference_of(actor).startswith(f"{kind}/") or actor.get("type") == kind


def _is_record_number(identifier: Resource) -> bool:
    return any(coding.get("code") == "MR" for coding in _objects(part_of(identifier, "type").get("coding")))


def part_of(of: Resource, name: str) -> Resource:
    """The object of this name; an empty one where there is none."""
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Resource]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= _LONGEST else ""
