"""Two sites that are alike, in every service: what each has, by the name under which it is asked for. Synthetic."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.analytics.worker import subscription_of
from services.dashboard.worker import SUBSCRIPTION as TO_DASHBOARD
from shared.auth import Role
from shared.events import Body, ClinicianDataUpdated, Event, PlanStep, SurveyCompleted, VisitState
from shared.keyring import KeyRing
from shared.sealing import Patient, WordKey, in_event
from tests.access.lines import AGREED
from tests.builders import (
    VISIT_AT,
    a_feedback,
    a_lab,
    a_medication,
    a_site,
    a_survey,
    a_view,
    a_visit,
    an_assessment,
    an_enrollment,
    an_event,
    an_id,
    clinical,
)
from tests.conftest import Tokens, client_of, new_key, worker_settings
from tests.services.clinic import PERSON, SITE_BODY
from tests.services.clinical.writes import EACH
from tests.services.streams import arrive
from tests.survey import survey_of

SITES = ("riverbend", "lakeside")
LINKS = 20


@dataclass(frozen=True)
class Neighbour:
    """A site: `ids` by the name of the field that asks for one, and words that stand nowhere else.

    `linked` are patients of it whose pages the other site sees by a link of its own.
    """

    site_id: str
    words: str
    ids: dict[str, list[str]] = field(default_factory=dict)
    linked: list[str] = field(default_factory=list)

    @property
    def patient(self) -> UUID:
        return UUID(self.ids["patient_id"][0])

    def has(self, **ids: object) -> None:
        for name, value in ids.items():
            self.ids.setdefault(name, []).append(str(value))


async def settle(service: str, application: FastAPI, token: Tokens, ring: KeyRing) -> list[Neighbour]:
    """Let two sites use a service, each in the same way."""
    neighbours = [Neighbour(site_id, f"Words that only {site_id} may read (synthetic)") for site_id in SITES]
    for neighbour in neighbours:
        await _SETTLE[service](application, neighbour, token, ring)
    if service == "dashboard":
        first, second = neighbours
        await _link(application, first, second, token)
        await _link(application, second, first, token)
    return neighbours


async def _settle_intake(application: FastAPI, there: Neighbour, token: Tokens, _ring: KeyRing) -> None:
    async with client_of(application, token(Role.SYSTEM, [there.site_id])) as system:
        assert (await system.put(f"/v1/sites/{there.site_id}", json=SITE_BODY)).status_code == 200
        there.has(site_id=there.site_id)
        for number in range(3):
            person = PERSON | {"identifier": f"MRN-{number}"}
            patient = (await _posted(system, there, "/v1/patients", person))["id"]
            visit = {"patient_id": patient, "clinician_id": "dr-1", "scheduled_at": _in_days(3)}
            visit_id = (await _posted(system, there, "/v1/visits", visit))["id"]
            there.has(patient_id=patient, confirm_patient_id=patient, visit_id=visit_id)
        await _posted(system, there, "/v1/surveys", survey_of(patient, visit_id, matters_most=there.words))
        there.has(link_id=(await _posted(system, there, f"/v1/visits/{visit_id}/links", {}))["id"])


async def _settle_clinical(application: FastAPI, there: Neighbour, token: Tokens, ring: KeyRing) -> None:
    await _hear("clinical", application, there, ring)
    async with client_of(application, token(Role.SYSTEM, [there.site_id])) as system:
        for (path, body), name in zip(EACH, ("assessment_id", "lab_id", "medication_id", "step_id"), strict=True):
            said = {"what": there.words} if path == "plans" else {}
            made = await _posted(system, there, f"/v1/{path}", body | said | {"patient_id": str(there.patient)})
            there.has(**{name: made["id"]})


async def _settle_dashboard(application: FastAPI, there: Neighbour, token: Tokens, ring: KeyRing) -> None:
    await _hear("dashboard", application, there, ring)
    async with client_of(application, token(Role.CLINICIAN, [there.site_id])) as clinician:
        page = await clinician.get(f"/v1/patients/{there.patient}/page")
        assert there.words in page.text
        there.has(view_id=page.headers["samepage-view"])


async def _link(application: FastAPI, here: Neighbour, there: Neighbour, token: Tokens) -> None:
    """Let the patient here be linked with many there, and have a code for one more: links are ended on the way."""
    many = [an_id(there.site_id, "linked", number) for number in range(LINKS + 1)]
    enrolments = [an_event(an_enrollment(patient_id=one), site_id=there.site_id) for one in many]
    await arrive(application, TO_DASHBOARD, *enrolments)
    there.linked.extend(map(str, many))
    for number, linked in enumerate(many):
        subject = f"coordinator-{number}"  # tries are counted, for each by themselves
        async with client_of(application, token(Role.COORDINATOR, [there.site_id], subject=subject)) as other:
            code = (await _posted(other, there, f"/v1/patients/{linked}/link-codes", AGREED))["code"]
        if number == LINKS:
            here.has(code=code)
            continue
        async with client_of(application, token(Role.COORDINATOR, [here.site_id], subject=subject)) as own:
            link = await _posted(own, here, f"/v1/patients/{here.patient}/links", AGREED | {"code": code})
        here.has(link_id=link["id"])


async def _settle_by_hearing(application: FastAPI, there: Neighbour, _token: Tokens, ring: KeyRing) -> None:
    await _hear(application.title.rpartition(" ")[2], application, there, ring)


_SETTLE: Mapping[str, Callable[[FastAPI, Neighbour, Tokens, KeyRing], Awaitable[None]]] = {
    "intake": _settle_intake,
    "clinical": _settle_clinical,
    "dashboard": _settle_dashboard,
    "feedback": _settle_by_hearing,
    "analytics": _settle_by_hearing,
}


async def _hear(service: str, application: FastAPI, there: Neighbour, ring: KeyRing) -> None:
    """Let arrive what the other services have to say about the site, if the service listens to it."""
    patient = Patient(there.site_id, an_id(there.site_id, "patient"))
    key = await ring.sealer(patient)
    listens_to = {topic.name for topic in import_module(f"services.{service}").CONSUMES}
    heard = [event for event in _told(there, patient.patient_id) if event.topic in listens_to]
    sealed = [_with_words(event, there.words, key) for event in heard]
    subscription = (
        subscription_of(worker_settings(application))
        if service == "analytics"
        else import_module(f"services.{service}.worker").SUBSCRIPTION
    )
    await arrive(application, subscription, *sealed)
    there.has(patient_id=patient.patient_id, wait_for=heard[0].event_id)
    for number in range(3):
        there.has(visit_id=an_id(there.site_id, "visit", number))


def _with_words(event: Event, words: str, key: WordKey) -> Event:
    """A survey's or a step's event with words in it that open; any other as it is."""

    def sealed(field: str) -> str:
        return key.seal(words, in_event(event.event_id, field))

    match event.body:
        case SurveyCompleted(concerns=concerns):
            said = [one.model_copy(update={"words": sealed(f"concerns.{one.rank}.words")}) for one in concerns]
            survey = {"matters_most": sealed("matters_most"), "concerns": tuple(said)}
            return replace(event, body=event.body.model_copy(update=survey))
        case ClinicianDataUpdated(change=PlanStep() as step):
            step = step.model_copy(update={"what": sealed("change.what")})
            return replace(event, body=event.body.model_copy(update={"change": step}))
    return event


def _told(there: Neighbour, patient_id: UUID) -> list[Event]:
    about = {"patient_id": patient_id}
    bodies: list[Body] = [a_site(), an_enrollment(**about)]
    for number in range(3):
        visit = about | {"visit_id": an_id(there.site_id, "visit", number)}
        at = VISIT_AT + timedelta(days=number)
        bodies.append(a_visit(**visit, scheduled_at=at, state=VisitState.COMPLETED, completed_at=at))
        bodies.append(a_survey(**visit, survey_id=an_id(there.site_id, "survey", number)))
    of_last = about | {"visit_id": an_id(there.site_id, "visit", 0)}
    bodies.append(a_view(**of_last, view_id=an_id(there.site_id, "view")))
    bodies.append(a_feedback(**of_last, feedback_id=an_id(there.site_id, "feedback")))
    changes = (
        a_lab(lab_id=an_id(there.site_id, "lab")),
        a_medication(medication_id=an_id(there.site_id, "medication")),
        an_assessment(assessment_id=an_id(there.site_id, "assessment"), visit_id=of_last["visit_id"]),
    )
    bodies += [clinical(recorded.change, patient_id=patient_id) for recorded in changes]
    counts: dict[type, int] = {}
    told = []
    for body in bodies:
        counts[type(body)] = counts.get(type(body), 0) + 1
        told.append(an_event(body, sequence=counts[type(body)], site_id=there.site_id))
    return told


async def _posted(system: httpx.AsyncClient, there: Neighbour, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await system.post(path, json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    if made.get("receipt") is not None:
        there.has(receipt=made["receipt"])
    return made


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()
