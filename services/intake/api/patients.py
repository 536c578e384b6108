"""Patients: enrolment. What they decide about network use is in `services.intake.api.consent`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.intake import store
from services.intake.api.consent import ShownText, check_shown, named
from services.intake.api.standing import day_of
from services.intake.domain import ConsentStep, Identifiers, check_birth_year
from shared.db import Connection, SiteScope
from shared.errors import conflict, unknown
from shared.events import ClinicianId, ConsentState, Diagnosis, Education, EnrollmentUpdated, EntryMode, Language, Sex
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
    birth_year: int = Field(strict=True, description="From 1900 to the year that it is at the site")
    sex: Sex
    education: Education = Education.NOT_SAID
    language: Language = Language.ENGLISH
    diagnosis: Diagnosis
    clinician_id: ClinicianId | None = None
    enrolled_on: Day | None = Field(default=None, description="The site's today when not given; not a day after it")
    consent: ConsentState = ConsentState.INVITED
    consent_mode: EntryMode | None = Field(default=None, description="How the consent, or the invitation, came about")
    consent_text: ShownText | None = Field(default=None, description="The consent text that the patient was shown")


class Enrolment(NamedTuple):
    """A patient who is enrolled: who does it, and the hashes of the site's number, the one to keep first."""

    by: str
    hashes: Sequence[bytes]
    patient: PatientBody


@router.post("/v1/patients", status_code=201, response_model=Accepted, responses=MANY)
async def enrol_patients(
    request: Request, body: Batch[PatientBody], caller: SiteStaff, key: IdempotencyKey, site: NamedSite = None
) -> Response:
    """Enrol one patient or many."""
    identifiers: Identifiers = request.app.state.identifiers
    command = Command[PatientBody](
        locks=lambda site_id, patient: locks_of(identifiers.of_patient(site_id, patient.identifier)),
        record=partial(_record, identifiers, caller.subject),
    )
    return await execute(request, command, body, site_id=caller.writing_site(site), key=key)


def locks_of(hashes: Sequence[bytes]) -> list[str]:
    """What to hold while somebody with this number is enrolled, so that nobody is twice."""
    return [hashed.hex() for hashed in hashes]


async def enrol(connection: Connection, site_id: str, enrolment: Enrolment) -> Recorded:
    """Enrol a patient. The caller holds `locks_of` the hashes.

    Raises:
        Problem: 404, there is no such site; 409, the site has enrolled somebody with this number, or the consent text
            does not fit; 422, the year of birth cannot be, or the day of enrolment is still to come.
    """
    scope = SiteScope.of(site_id)
    zone = await store.time_zone(connection, scope, site_id)
    if zone is None:
        raise unknown("site")
    known = await store.patient_with_identifier(connection, scope, enrolment.hashes)
    if known is not None:
        raise conflict(
            "already-enrolled", "The site has enrolled a patient with this identifier.", patient_id=str(known)
        )
    return await enrol_unknown(connection, site_id, enrolment, datetime.now(ZoneInfo(zone)).date())


async def enrol_unknown(connection: Connection, site_id: str, enrolment: Enrolment, today: date) -> Recorded:
    """The same for somebody of whom the caller has found, at a site that there is, that they are not enrolled.

    `today` is that of the site.
    """
    patient = enrolment.patient
    check_birth_year(patient.birth_year, today)
    enrolled_on = day_of("enrolled_on", patient.enrolled_on, today)
    await check_shown(connection, site_id, patient.consent_text, enrolled_on, patient.consent)
    event = EnrollmentUpdated(
        patient_id=uuid4(),
        enrolled_on=enrolled_on,
        birth_year=patient.birth_year,
        sex=patient.sex,
        education=patient.education,
        language=patient.language,
        diagnosis=patient.diagnosis,
        clinician_id=patient.clinician_id,
        consent=patient.consent,
        consent_decided_on=enrolled_on,
    )
    text = named(patient.consent_text)
    recorded_at = datetime.now(UTC)
    step = ConsentStep(patient.consent, enrolled_on, None, patient.consent_mode, text, recorded_at, enrolment.by)
    await store.record_enrolment(connection, site_id, enrolment.hashes[0], event, step)
    return Recorded(str(event.patient_id), [Draft(site_id, str(event.patient_id), event)])


async def _record(
    identifiers: Identifiers, by: str, connection: Connection, site_id: str, patient: PatientBody
) -> Recorded:
    enrolment = Enrolment(by, identifiers.of_patient(site_id, patient.identifier), patient)
    return await enrol(connection, site_id, enrolment)
