"""Sites that have the same of everything, made through the doors and by what arrives from other services. Synthetic.

A new kind of id is one more entry in what the function of its service gives back, by the name that routes have for it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import httpx
from fastapi import FastAPI

from services.analytics.worker import subscription_of as to_analytics
from services.clinical.worker import SUBSCRIPTION as TO_CLINICAL
from services.dashboard.worker import SUBSCRIPTION as TO_DASHBOARD
from services.feedback.worker import SUBSCRIPTION as TO_FEEDBACK
from shared.auth import Role
from shared.events import Event, VisitState
from shared.keyring import KeyRing
from shared.sealing import Patient, in_event
from tests.access.lines import (
    AGREED,
    ASSESSMENT,
    CONTACT,
    FORM,
    LAB,
    MEDICINE,
    OWN_RULE,
    PATIENTS_FILE,
    SEEN,
    SEVERE,
    STEP,
    VISIT,
    WHY,
    Json,
)
from tests.access.routes import SITE_HEADER
from tests.builders import VISIT_AT, a_site, a_step, a_survey, a_visit, an_enrollment, an_event
from tests.conftest import Tokens, client_of, new_key, worker_settings
from tests.services.clinic import PERSON, SITE_BODY
from tests.services.streams import arrive
from tests.survey import FEEDBACK

Ids = dict[str, str]
# A site that tokens may be for beside another, and one whose patients others may come to see.
HERE, BESIDE, AFAR = "riverbend", "millpond", "harbor"
STAFF = (Role.CLINICIAN, Role.COORDINATOR, Role.SYSTEM)
_READS = {"clinical": TO_CLINICAL, "dashboard": TO_DASHBOARD, "feedback": TO_FEEDBACK}


@dataclass(frozen=True)
class Person:
    """A patient of one site, with the ids of all that a service keeps of one."""

    site: str
    ids: Ids

    def known_to(self, asker: "Asker") -> Ids:
        """The ids by name. What is another one for some askers stands there as `view_id of clinician`."""
        known = dict(self.ids)
        for whose in (asker.role, asker.name):
            known |= {name: self.ids[f"{name} of {whose}"] for name in known if f"{name} of {whose}" in self.ids}
        return known


@dataclass(frozen=True)
class Asker:
    """Who asks: a role, with the sites and the subject of its token, and which patient it is. No role: it is nobody."""

    name: str
    role: Role | None = None
    sites: Sequence[str] = ()
    subject: str = ""
    person: Person | None = None

    def as_of(self, person: Person) -> "Asker":
        """The same; of a patient, who it is."""
        return self if self.person is None else patient_of(person)

    def bearer(self, token: Tokens) -> str | None:
        """A token that says so."""
        patient_id = UUID(self.person.ids["patient_id"]) if self.person else None
        return self.role and token(self.role, list(self.sites), patient_id=patient_id, subject=self.subject)


def staff_of(site: str, role: Role, subject: str = "") -> Asker:
    """Called the same at every site: no wall may rest on the names that sites give."""
    return Asker(role, role, [site], subject or role)


def staff_of_two(site: str, role: Role) -> Asker:
    return Asker(f"{role} of two sites", role, [site, BESIDE], role)


def patient_of(person: Person) -> Asker:
    return Asker("patient", Role.PATIENT, [person.site], f"link:{person.ids['came_by']}", person)


@dataclass(frozen=True)
class Door:
    """A running service, tokens for it, and the key ring that patients' words are sealed by."""

    service: str
    application: FastAPI
    token: Tokens
    ring: KeyRing

    async def settle(self, site: str) -> None:
        """Make a site known."""
        if self.service == "intake":
            async with self.client(staff_of(site, Role.SYSTEM)) as system:
                (await system.put(f"/v1/sites/{site}", json=SITE_BODY)).raise_for_status()
        elif self.service in ("dashboard", "analytics"):
            await self.hears(an_event(a_site(), site_id=site))

    async def person(self, site: str) -> Person:
        """A new patient of a site."""
        names = ("patient_id", "visit_id", "came_by")
        ids = {"site_id": site, SITE_HEADER: site} | {name: str(uuid4()) for name in names}
        return Person(site, ids | await _MADE[self.service](self, ids))

    async def hears(self, *events: Event) -> None:
        """What other services have published arrives."""
        subscription = _READS.get(self.service) or to_analytics(worker_settings(self.application))
        await arrive(self.application, subscription, *events)

    def client(self, asker: Asker) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        return client_of(self.application, asker.bearer(self.token))


async def _at_intake(door: Door, ids: Ids) -> Ids:
    """A patient who can be reached, with a visit that has a link and no survey yet, and an earlier visit whose survey
    alerts."""
    identifier, tomorrow = uuid4().hex, datetime.now(UTC) + timedelta(days=1)
    async with door.client(staff_of(ids["site_id"], Role.SYSTEM)) as system:
        person = PERSON | {"identifier": identifier, "enrolled_on": "2026-01-05"}
        about = {"patient_id": (await _posted(system, "/v1/patients", person))["id"]}
        earlier, visit = [(await _posted(system, "/v1/visits", VISIT | about))["id"] for _ in range(2)]
        survey = await _posted(system, "/v1/surveys", SEVERE | about | {"visit_id": earlier})
        link = await _posted(system, f"/v1/visits/{visit}/links", {"expires_at": tomorrow.isoformat()})
        as_csv = {"content-type": "text/csv"}
        tried = await system.post("/v1/imports?kind=patients", content=PATIENTS_FILE, headers=as_csv)
        (await system.put(f"/v1/patients/{about['patient_id']}/contact", json=CONTACT)).raise_for_status()
        # The site's, whoever is its patient.
        form, older = [(await _posted(system, "/v1/forms", FORM | {"version": one}))["id"] for one in ("2", "1")]
    alerts = await _alerted(door, ids["site_id"], about["patient_id"])
    return (
        about
        | alerts
        | {
            "identifier": identifier,
            "visit_id": visit,
            "survey_id": survey["id"],
            "link_id": link["id"],
            "form_id": form,
            "older_id": older,
            "import_id": tried.json()["id"],
            "came_by": link["id"],
            "secret": link["link"].rpartition("/")[2],
            "receipt": survey["receipt"],
        }
    )


async def _alerted(door: Door, site: str, patient_id: str) -> Ids:
    """An open alert of a patient and a closed one; and a rule of the site's own."""
    rows = await door.application.state.database.rows("SELECT alert_id FROM alert WHERE patient_id = $1", patient_id)
    is_open, is_closed = (str(row["alert_id"]) for row in rows)
    rule = str(uuid5(NAMESPACE_URL, site))  # the site's, whoever is its patient
    async with door.client(staff_of(site, Role.COORDINATOR)) as coordinator:
        done = SEEN | {"outcome": "called"}
        (await coordinator.post(f"/v1/alerts/{is_closed}/close", json=done, headers=new_key())).raise_for_status()
        (await coordinator.put(f"/v1/sites/{site}/alert-rules/{rule}", json=OWN_RULE)).raise_for_status()
    return {"alert_id": is_open, "alert_closed": is_closed, "rule_id": rule}


async def _at_clinical(door: Door, ids: Ids) -> Ids:
    """A patient with one of everything that clinical keeps."""
    enrolment, *_ = _course(ids)
    await door.hears(enrolment)
    made = {"wait_for": str(enrolment.event_id)}
    async with door.client(staff_of(ids["site_id"], Role.SYSTEM)) as system:
        for name, path, body in (
            ("assessment_id", "assessments", ASSESSMENT),
            ("lab_id", "labs", LAB),
            ("medication_id", "medications", MEDICINE),
            ("step_id", "plans", STEP),
        ):
            written = await _posted(system, f"/v1/{path}", body | {"patient_id": ids["patient_id"]})
            made |= {name: written["id"], "receipt": written["receipt"]}
    return made


async def _at_dashboard(door: Door, ids: Ids) -> Ids:
    """A patient at whose page everybody has looked who may, who is a patient afar too."""
    enrolment, *others = _course(ids)
    afar, also_afar = uuid4(), uuid4()
    those = [an_event(an_enrollment(patient_id=patient_id), site_id=AFAR) for patient_id in (afar, also_afar)]
    await door.hears(enrolment, *others, *those)
    made = {"wait_for": str(enrolment.event_id), "site_afar": AFAR, "patient_afar": str(also_afar)}
    made |= await _looked_at(door, ids) | await _broken_glass(door, ids, afar) | await _linked(door, ids, afar)
    made |= {"code": await _code_for(door, also_afar), "step_id": str(uuid4())}
    patient, event_id = Patient(ids["site_id"], UUID(ids["patient_id"])), uuid4()
    what = (await door.ring.sealer(patient)).seal("Blood test", in_event(event_id, "change.what"))
    step = a_step(step_id=UUID(made["step_id"]), what=what).model_copy(update={"patient_id": patient.patient_id})
    await door.hears(an_event(step, site_id=patient.site_id, event_id=event_id))
    published = "SELECT event_id FROM outbox WHERE key = $1"
    return made | {"receipt": str(await door.application.state.database.value(published, ids["patient_id"]))}


async def _looked_at(door: Door, ids: Ids) -> Ids:
    site = ids["site_id"]
    made: Ids = {}
    for viewer in (
        *(staff_of(site, role) for role in (Role.CLINICIAN, Role.COORDINATOR)),
        patient_of(Person(site, ids)),
    ):
        async with door.client(viewer) as client:
            page = await client.get(f"/v1/patients/{ids['patient_id']}/page")
        view = page.headers["samepage-view"]
        made |= {"view_id": view, f"view_id of {viewer.role}": view, "if-none-match": page.headers["etag"]}
    return made


async def _broken_glass(door: Door, ids: Ids, afar: UUID) -> Ids:
    """Glass that was broken to this patient from afar, and glass that clinicians of the site have broken there."""
    site = ids["site_id"]
    clinicians = (staff_of(site, Role.CLINICIAN), staff_of_two(site, Role.CLINICIAN))
    to_own = {"site_id": site, "patient_id": ids["patient_id"]}
    async with door.client(staff_of(AFAR, Role.CLINICIAN)) as stranger:
        made = {"glass_id": (await _posted(stranger, "/v1/break-glass", WHY | to_own))["id"]}
    for clinician in clinicians:
        async with door.client(clinician) as client:
            glass = await _posted(client, "/v1/break-glass", WHY | {"site_id": AFAR, "patient_id": str(afar)})
        made[f"glass_id of {clinician.name}"] = glass["id"]
    return made


async def _linked(door: Door, ids: Ids, afar: UUID) -> Ids:
    """A link with a patient afar. Each is made by somebody else, since the codes that one may try are counted."""
    coordinator = staff_of(ids["site_id"], Role.COORDINATOR, subject=str(uuid4()))
    body = AGREED | {"code": await _code_for(door, afar)}
    async with door.client(coordinator) as client:
        return {"link_id": (await _posted(client, f"/v1/patients/{ids['patient_id']}/links", body))["id"]}


async def _code_for(door: Door, afar: UUID) -> str:
    async with door.client(staff_of(AFAR, Role.COORDINATOR)) as client:
        return str((await _posted(client, f"/v1/patients/{afar}/link-codes", AGREED))["code"])


async def _at_feedback(door: Door, ids: Ids) -> Ids:
    """A patient with a visit that is open for feedback, and an earlier one that has it."""
    enrolment, *others = _course(ids)
    earlier = ids | {"visit_id": str(uuid4())}
    await door.hears(enrolment, *others, *_course(earlier, sequence=2))
    given = {"patient_id": ids["patient_id"], "visit_id": earlier["visit_id"]}
    async with door.client(staff_of(ids["site_id"], Role.SYSTEM)) as system:
        receipt = (await _posted(system, "/v1/feedback", FEEDBACK | given))["receipt"]
    return {"receipt": receipt, "wait_for": str(enrolment.event_id)}


async def _at_analytics(door: Door, ids: Ids) -> Ids:
    """A patient among the figures; no route of analytics knows one, only what has arrived."""
    enrolment, *others = _course(ids)
    await door.hears(enrolment, *others)
    return dict.fromkeys(("receipt", "wait_for"), str(enrolment.event_id))


_MADE: Mapping[str, Callable[[Door, Ids], Awaitable[Ids]]] = {
    "intake": _at_intake,
    "clinical": _at_clinical,
    "dashboard": _at_dashboard,
    "feedback": _at_feedback,
    "analytics": _at_analytics,
}


def _course(ids: Ids, *, sequence: int = 1) -> list[Event]:
    """An enrolment, a completed visit and the survey before it, as they arrive."""
    patient_id, visit_id = UUID(ids["patient_id"]), UUID(ids["visit_id"])
    bodies = (
        an_enrollment(patient_id=patient_id),
        a_visit(patient_id=patient_id, visit_id=visit_id, state=VisitState.COMPLETED, completed_at=VISIT_AT),
        a_survey(patient_id=patient_id, visit_id=visit_id, survey_id=uuid4(), concerns=(), matters_most=None),
    )
    return [an_event(body, site_id=ids["site_id"], sequence=sequence) for body in bodies]


async def _posted(client: httpx.AsyncClient, path: str, body: Json) -> Json:
    answer = await client.post(path, json=body, headers=new_key())
    assert answer.status_code == 201, answer.text
    document: Json = answer.json()
    return document
