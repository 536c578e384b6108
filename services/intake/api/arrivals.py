"""A patient who comes in at once: enrolled, how they are reached, the first visit. All of it is recorded, or nothing.

What may be said, and what is recorded and told of it, is that of the patient, the contact and the visit by themselves.
"""

from functools import partial
from typing import NamedTuple
from uuid import UUID

import orjson
from fastapi import Request
from pydantic import BaseModel, ConfigDict

from services.intake.api.contacts import ContactBody, record_contact
from services.intake.api.patients import Enrolment, PatientBody, enrol, locks_of
from services.intake.api.visits import Booking, VisitBody, schedule
from services.intake.domain import Identifiers
from shared.auth import Caller
from shared.db import Connection
from shared.http.batch import Batch
from shared.http.commands import Command, execute, ring_of
from shared.keyring import KeyRing
from shared.outbox import Recorded


class Arrival(BaseModel):
    """`contact`: None where nobody has asked the patient yet. `visit`: the first one, if there is one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patient: PatientBody
    contact: ContactBody | None = None
    visit: Booking | None = None


class Arrived(NamedTuple):
    """Under which ids they are here."""

    patient_id: UUID
    visit_id: UUID | None


async def take_in(request: Request, caller: Caller, site_id: str, arrival: Arrival, key: str) -> Arrived:
    """Record an arrival; under the same key once.

    Raises:
        Problem: as `enrol`, with the patient's id where the site knows them already.
        KeyRingAway: the addresses cannot be sealed now.
    """
    identifiers: Identifiers = request.app.state.identifiers
    hashes = identifiers.of_patient(site_id, arrival.patient.identifier)
    command = Command[Arrival](
        locks=lambda _site, _arrival: locks_of(hashes),
        record=partial(_record, ring_of(request), Enrolment(caller.subject, hashes, arrival.patient)),
    )
    answer = await execute(request, command, Batch([arrival], is_single=True), site_id=site_id, key=key)
    came = orjson.loads(answer.body)
    return Arrived(UUID(came["id"]), None if came["visit_id"] is None else UUID(came["visit_id"]))


async def _record(
    ring: KeyRing, enrolment: Enrolment, connection: Connection, site_id: str, arrival: Arrival
) -> Recorded:
    enrolled = await enrol(connection, site_id, enrolment)
    patient_id, visit = UUID(enrolled.id), None
    if arrival.contact is not None:
        await record_contact(ring, patient_id, connection, site_id, arrival.contact)
    if arrival.visit is not None:
        body = VisitBody(patient_id=patient_id, **arrival.visit.model_dump(mode="json"))
        visit = await schedule(connection, site_id, body)
    drafts = [*enrolled.drafts, *(() if visit is None else visit.drafts)]
    return Recorded(enrolled.id, drafts, {"visit_id": None if visit is None else visit.id})
