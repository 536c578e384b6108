"""Patients: enrolment, and consent to network use as states with a reason and a date."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.standing import enrolled
from services.intake.domain import ConsentReason, decide
from services.intake.settings import IntakeAppSettings
from shared.db import Connection, SiteScope
from shared.errors import conflict, unknown
from shared.events import ClinicianId, ConsentState, Diagnosis, Education, EnrollmentUpdated, Language, Sex
from shared.http.access import SiteStaff
from shared.http.batch import Batch
from shared.http.commands import MANY, Accepted, Command, IdempotencyKey, NamedSite, execute
from shared.http.fields import Day
from shared.outbox import Draft, Recorded

router = APIRouter(tags=["patients"])


class PatientBody(BaseModel):
    """`identifier` is the site's own number of the patient; only a keyed hash of it is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    identifier: str = Field(min_length=1, max_length=120)
    birth_year: int = Field(ge=1900, le=2100, strict=True)
    sex: Sex
    education: Education = Education.NOT_SAID
    language: Language = Language.ENGLISH
    diagnosis: Diagnosis
    clinician_id: ClinicianId | None = None
    enrolled_on: Day | None = Field(default=None, description="Today when not given")
    consent: ConsentState = ConsentState.INVITED


class ConsentBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    state: ConsentState
    reason: ConsentReason | None = Field(default=None, description="Needed to withdraw")
    decided_on: Day | None = Field(default=None, description="Today when not given")


@router.post("/v1/patients", status_code=201, response_model=Accepted, responses=MANY)
async def enrol_patients(
    request: Request, body: Batch[PatientBody], caller: SiteStaff, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Enrol one patient or many."""
    settings: IntakeAppSettings = request.app.state.settings
    keys = [key for key in (settings.identifier_key, settings.other_identifier_key) if key is not None]

    def hashes(site_id: str, patient: PatientBody) -> list[bytes]:
        return [identifier_hash(key.get_secret_value().encode(), site_id, patient.identifier) for key in keys]

    async def record(connection: Connection, site_id: str, patient: PatientBody) -> Recorded:
        return await _enrol(connection, site_id, patient, hashes(site_id, patient))

    command = Command[PatientBody](
        locks=lambda site_id, patient: [hashed.hex() for hashed in hashes(site_id, patient)], record=record
    )
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


@router.post("/v1/patients/{patient_id}/consent", status_code=201, response_model=Accepted, responses=MANY)
async def decide_consent(
    request: Request,
    patient_id: UUID,
    body: Batch[ConsentBody],
    caller: SiteStaff,
    key: IdempotencyKey,
    site: NamedSite = None,
) -> Response:
    """Record a decision about network use. Care does not depend on it."""
    command = Command[ConsentBody](
        locks=lambda _site, _body: [str(patient_id)], record=partial(_decide, patient_id), about=patient_id
    )
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


def identifier_hash(key: bytes, site_id: str, identifier: str) -> bytes:
    """HMAC-SHA-256 over site and identifier: the same number at two sites is two patients."""
    return hmac.new(key, f"{site_id}\x1f{identifier}".encode(), hashlib.sha256).digest()


async def _enrol(connection: Connection, site_id: str, patient: PatientBody, hashes: Sequence[bytes]) -> Recorded:
    scope = SiteScope.of(site_id)
    if not await store.has_site(connection, scope, site_id):
        raise unknown("site")
    known = await store.patient_with_identifier(connection, scope, hashes)
    if known is not None:
        raise conflict(
            "already-enrolled", "The site has enrolled a patient with this identifier.", patient_id=str(known)
        )
    today = datetime.now(UTC).date()
    enrolment = EnrollmentUpdated(
        patient_id=uuid4(),
        enrolled_on=patient.enrolled_on or today,
        birth_year=patient.birth_year,
        sex=patient.sex,
        education=patient.education,
        language=patient.language,
        diagnosis=patient.diagnosis,
        clinician_id=patient.clinician_id,
        consent=patient.consent,
        consent_decided_on=patient.enrolled_on or today,
    )
    await store.record_enrolment(connection, site_id, hashes[0], enrolment)
    return _recorded(site_id, enrolment)


async def _decide(patient_id: UUID, connection: Connection, site_id: str, body: ConsentBody) -> Recorded:
    enrolment = await enrolled(connection, site_id, patient_id)
    decided_on = body.decided_on or datetime.now(UTC).date()
    decide(enrolment.consent, body.state, body.reason, decided_on, enrolment.consent_decided_on)
    changed = enrolment.model_copy(
        update={"consent": body.state, "consent_decided_on": decided_on, "consent_reason": body.reason}
    )
    await store.record_consent(connection, site_id, changed)
    return _recorded(site_id, changed)


def _recorded(site_id: str, enrolment: EnrollmentUpdated) -> Recorded:
    return Recorded(str(enrolment.patient_id), [Draft(site_id, str(enrolment.patient_id), enrolment)])
