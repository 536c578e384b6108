"""How a patient is reached: addresses that are kept sealed, and whether they want messages at all.

They stand in no event, no log and no audit. Forgetting them keeps the word of a patient who wants no messages.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.standing import enrolled
from services.intake.domain import Channel, Contact
from shared.db import Connection, SiteScope, transaction
from shared.errors import KeyRingAway, erased, unknown
from shared.events import Language
from shared.http.access import SiteStaff
from shared.http.batch import Batch
from shared.http.commands import Accepted, Command, NamedSite, execute, pool_of, ring_of
from shared.http.fields import YesNo
from shared.http.record import keep_read
from shared.keyring import KeyRing
from shared.outbox import Recorded
from shared.sealing import Patient, WordsState, in_record

router = APIRouter(tags=["contacts"])
Email = Annotated[
    str, Field(max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
]
Phone = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="As in +13125550123 (E.164)")]


class ContactBody(BaseModel):
    """All that is known; what is left out is forgotten. `preferred` is used where the site uses that channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: Email | None = None
    phone: Phone | None = None
    preferred: Channel | None = None
    language: Language | None = Field(default=None, description="That of the enrolment when not given")
    wants_messages: YesNo


class Forgotten(BaseModel):
    """Somebody whose addresses are to be forgotten."""

    patient_id: UUID


class ContactAnswer(ContactBody):
    patient_id: UUID
    changed_at: datetime


@router.put("/v1/patients/{patient_id}/contact", response_model=Accepted)
async def put_contact(
    request: Request, patient_id: UUID, body: ContactBody, caller: SiteStaff, site: NamedSite = None
) -> Response:
    """Say how a patient is reached; coming messages follow it."""
    command = Command[ContactBody](
        locks=lambda _site, _body: [str(patient_id)],
        record=partial(record_contact, ring_of(request), patient_id),
        status=200,
        about=patient_id,
    )
    return await execute(request, command, Batch([body], is_single=True), site_id=caller.writing_site(site), key=None)


@router.get("/v1/patients/{patient_id}/contact")
async def read_contact(request: Request, patient_id: UUID, caller: SiteStaff, site: NamedSite = None) -> ContactAnswer:
    """How a patient is reached."""
    site_id = caller.writing_site(site)
    scope = SiteScope.of(site_id)
    async with transaction(pool_of(request), scope) as connection:
        row = await store.contact(connection, scope, patient_id)
        if row is None:
            raise unknown("contact")
        await keep_read(request, connection, site_id, patient_id)
    return await opened_contact(request, site_id, patient_id, row)


async def opened_contact(request: Request, site_id: str, patient_id: UUID, row: store.ContactRow) -> ContactAnswer:
    """What is kept, readable.

    Raises:
        KeyRingAway: it cannot be opened now.
        Problem: 410, the patient was erased meanwhile.
    """
    addresses = {} if row.addresses is None else await _opened(request, Patient(site_id, patient_id), row.addresses)
    return ContactAnswer(
        patient_id=patient_id,
        email=addresses.get(Channel.EMAIL),
        phone=addresses.get(Channel.SMS),
        preferred=row.contact.preferred,
        language=row.contact.language,
        wants_messages=row.contact.wants_messages,
        changed_at=row.changed_at,
    )


@router.delete("/v1/patients/{patient_id}/contact", response_model=Accepted)
async def forget_contact(request: Request, patient_id: UUID, caller: SiteStaff, site: NamedSite = None) -> Response:
    """Forget the addresses of a patient; again changes nothing."""
    command = Command[Forgotten](locks=lambda _site, body: [str(body.patient_id)], record=_forget, status=200)
    batch = Batch([Forgotten(patient_id=patient_id)], is_single=True)
    return await execute(request, command, batch, site_id=caller.writing_site(site), key=None)


async def record_contact(
    ring: KeyRing, patient_id: UUID, connection: Connection, site_id: str, body: ContactBody
) -> Recorded:
    """Record how a patient is reached, sealed; the patient is locked, or has just been enrolled.

    Raises:
        Problem: 404, or 410 for who is erased.
        KeyRingAway: the addresses cannot be sealed now.
    """
    await enrolled(connection, site_id, patient_id)
    known = {Channel.EMAIL.value: body.email, Channel.SMS.value: body.phone}
    addresses = {channel: address for channel, address in known.items() if address is not None}
    sealed = None
    if addresses:
        key = await ring.sealer(Patient(site_id, patient_id))
        sealed = key.seal(orjson.dumps(addresses).decode(), in_record(patient_id, "addresses"))
    contact = Contact(
        has_email=Channel.EMAIL in addresses,
        has_phone=Channel.SMS in addresses,
        preferred=body.preferred,
        language=body.language,
        wants_messages=body.wants_messages,
    )
    row = store.ContactRow(contact, sealed, datetime.now(UTC))
    await store.record_contact(connection, site_id, patient_id, row)
    return Recorded(str(patient_id), [])


async def _forget(connection: Connection, site_id: str, body: Forgotten) -> Recorded:
    row = await store.contact(connection, SiteScope.of(site_id), body.patient_id)
    if row is None:
        raise unknown("contact")
    contact = replace(row.contact, has_email=False, has_phone=False, preferred=None, language=None)
    row = row._replace(contact=contact, addresses=None, changed_at=datetime.now(UTC))
    await store.record_contact(connection, site_id, body.patient_id, row)
    return Recorded(str(body.patient_id), [])


async def _opened(request: Request, patient: Patient, sealed: str) -> dict[str, str]:
    """The addresses by channel."""
    opens = await ring_of(request).opener(patient)
    words = opens(sealed, in_record(patient.patient_id, "addresses"))
    if words.state is WordsState.ERASED:
        raise erased()
    if words.text is None:
        raise KeyRingAway("the addresses stay closed")
    addresses: dict[str, str] = orjson.loads(words.text)
    return addresses
