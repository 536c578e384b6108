"""Every statement of intake. Reading functions take the scope of sites; a row of another site does not exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.intake.domain import Link
from shared import erasures
from shared.db import Connection, SiteScope
from shared.events import (
    ConsentState,
    Diagnosis,
    Education,
    EnrollmentUpdated,
    Language,
    Score,
    Sex,
    SiteUpdated,
    VisitState,
    VisitUpdated,
)
from shared.sealing import Patient


async def record_site(connection: Connection, site_id: str, site: SiteUpdated) -> bool:
    """Insert or change a site; False when it stands so already."""
    status = await connection.execute(
        """
        INSERT INTO site (site_id, name, site_type, time_zone) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site_id) DO UPDATE SET name = $2, site_type = $3, time_zone = $4
        WHERE (site.name, site.site_type, site.time_zone) IS DISTINCT FROM ($2, $3, $4)
        """,
        site_id,
        site.name,
        site.site_type,
        site.time_zone,
    )
    return status != "INSERT 0 0"


async def has_site(connection: Connection, scope: SiteScope, site_id: str) -> bool:
    """Whether the site is known."""
    found = await connection.fetchval(
        "SELECT true FROM site WHERE site_id = $1 AND site_id = ANY($2)", site_id, scope.ids
    )
    return bool(found)


async def time_zone(connection: Connection, scope: SiteScope, site_id: str) -> str | None:
    """The zone that a site's clocks show; None when the site is not known."""
    found: str | None = await connection.fetchval(
        "SELECT time_zone FROM site WHERE site_id = $1 AND site_id = ANY($2)", site_id, scope.ids
    )
    return found


async def patient_with_identifier(connection: Connection, scope: SiteScope, hashes: Sequence[bytes]) -> UUID | None:
    """The patient whom the site knows by this identifier, under one key or another."""
    found: UUID | None = await connection.fetchval(
        "SELECT patient_id FROM patient WHERE site_id = ANY($1) AND identifier_hash = ANY($2)", scope.ids, hashes
    )
    return found


async def enrolment(connection: Connection, scope: SiteScope, patient_id: UUID) -> EnrollmentUpdated | None:
    """A patient's enrolment as it stands."""
    row = await connection.fetchrow(
        "SELECT * FROM patient WHERE site_id = ANY($1) AND patient_id = $2", scope.ids, patient_id
    )
    return None if row is None else _enrolment(row)


async def record_enrolment(
    connection: Connection, site_id: str, identifier_hash: bytes, enrolment: EnrollmentUpdated
) -> None:
    """Insert a new patient."""
    await connection.execute(
        """
        INSERT INTO patient (site_id, patient_id, identifier_hash, enrolled_on, birth_year, sex, education, language,
                             diagnosis, clinician_id, consent, consent_decided_on, consent_reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """,
        site_id,
        enrolment.patient_id,
        identifier_hash,
        enrolment.enrolled_on,
        enrolment.birth_year,
        enrolment.sex,
        enrolment.education,
        enrolment.language,
        enrolment.diagnosis,
        enrolment.clinician_id,
        enrolment.consent,
        enrolment.consent_decided_on,
        enrolment.consent_reason,
    )


async def record_consent(connection: Connection, site_id: str, enrolment: EnrollmentUpdated) -> None:
    """Replace the consent state of a patient; the outbox keeps each one that was."""
    await connection.execute(
        """
        UPDATE patient SET consent = $3, consent_decided_on = $4, consent_reason = $5
        WHERE site_id = $1 AND patient_id = $2
        """,
        site_id,
        enrolment.patient_id,
        enrolment.consent,
        enrolment.consent_decided_on,
        enrolment.consent_reason,
    )


async def visit(connection: Connection, scope: SiteScope, visit_id: UUID) -> VisitUpdated | None:
    """A visit as it stands."""
    row = await connection.fetchrow(
        "SELECT * FROM visit WHERE site_id = ANY($1) AND visit_id = $2", scope.ids, visit_id
    )
    return None if row is None else _visit(row)


async def record_visit(connection: Connection, site_id: str, visit: VisitUpdated) -> None:
    """Insert a visit or replace how it stands."""
    await connection.execute(
        """
        INSERT INTO visit
            (site_id, visit_id, patient_id, clinician_id, scheduled_at, state, checked_in_at, completed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (site_id, visit_id) DO UPDATE
        SET clinician_id = $4, scheduled_at = $5, state = $6, checked_in_at = $7, completed_at = $8
        """,
        site_id,
        visit.visit_id,
        visit.patient_id,
        visit.clinician_id,
        visit.scheduled_at,
        visit.state,
        visit.checked_in_at,
        visit.completed_at,
    )


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """A submitted survey. `response` is what the patient gave in codes, `words` the rest of it, sealed."""

    survey_id: UUID
    visit_id: UUID
    patient_id: UUID
    form: str
    submitted_at: datetime
    response: dict[str, object]
    words: str | None
    scores: Sequence[Score]


async def has_survey(connection: Connection, scope: SiteScope, visit_id: UUID) -> bool:
    """Whether the visit has its survey already."""
    found = await connection.fetchval(
        "SELECT true FROM survey WHERE site_id = ANY($1) AND visit_id = $2", scope.ids, visit_id
    )
    return bool(found)


class Wanted(NamedTuple):
    """A survey that somebody wants to submit: whose it is and for which visit."""

    site_id: str
    patient_id: UUID
    visit_id: UUID


class Standing(NamedTuple):
    """How the patient and the visit of a survey stand; of an erased patient no diagnosis is known."""

    diagnosis: Diagnosis | None
    visit_patient_id: UUID | None
    visit_state: VisitState | None
    has_survey: bool


async def standings(connection: Connection, scope: SiteScope, wanted: Sequence[Wanted]) -> dict[Wanted, Standing]:
    """How it stands with each of these whose patient is, or was, enrolled."""
    rows = await connection.fetch(
        """
        SELECT wanted.*, diagnosis, visit.patient_id AS visit_patient_id, visit.state AS visit_state,
               survey.visit_id IS NOT NULL AS has_survey
        FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS wanted (site_id, patient_id, visit_id)
        LEFT JOIN patient ON (patient.site_id, patient.patient_id) = (wanted.site_id, wanted.patient_id)
        LEFT JOIN erasure ON (erasure.site_id, erasure.patient_id) = (wanted.site_id, wanted.patient_id)
        LEFT JOIN visit ON (visit.site_id, visit.visit_id) = (wanted.site_id, wanted.visit_id)
        LEFT JOIN survey ON (survey.site_id, survey.visit_id) = (wanted.site_id, wanted.visit_id)
        WHERE wanted.site_id = ANY($4) AND (patient.patient_id IS NOT NULL OR erasure.patient_id IS NOT NULL)
        """,
        *map(list, zip(*wanted, strict=True)),
        scope.ids,
    )
    return {
        Wanted(row["site_id"], row["patient_id"], row["visit_id"]): Standing(
            diagnosis=None if row["diagnosis"] is None else Diagnosis(row["diagnosis"]),
            visit_patient_id=row["visit_patient_id"],
            visit_state=None if row["visit_state"] is None else VisitState(row["visit_state"]),
            has_survey=row["has_survey"],
        )
        for row in rows
    }


async def record_surveys(connection: Connection, surveys: Sequence[tuple[str, SurveyRow]]) -> None:
    """Insert surveys, each at its site."""
    rows = [
        (
            site_id,
            survey.survey_id,
            survey.visit_id,
            survey.patient_id,
            survey.form,
            survey.submitted_at,
            orjson.dumps(survey.response).decode(),
            survey.words,
            orjson.dumps([score.model_dump(mode="json") for score in survey.scores]).decode(),
        )
        for site_id, survey in surveys
    ]
    await connection.execute(
        """
        INSERT INTO survey (site_id, survey_id, visit_id, patient_id, form, submitted_at, response, words, scores)
        SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[],
                             $7::jsonb[], $8::text[], $9::jsonb[])
        """,
        *map(list, zip(*rows, strict=True)),
    )


async def record_erasure(connection: Connection, patient: Patient, erased_at: datetime) -> None:
    """Leave nothing of a patient but a tombstone. The outbox keeps the events, whose words no key opens."""
    await erasures.record(connection, patient, erased_at, tables=("survey", "visit_link", "visit", "patient"))


async def enrolled_among(connection: Connection, scope: SiteScope, patients: Sequence[Patient]) -> list[Patient]:
    """Those of these patients who are enrolled."""
    rows = await connection.fetch(
        """
        SELECT site_id, patient_id FROM patient WHERE site_id = ANY($1)
        AND (site_id, patient_id) IN (SELECT * FROM unnest($2::text[], $3::uuid[]))
        """,
        scope.ids,
        [patient.site_id for patient in patients],
        [patient.patient_id for patient in patients],
    )
    return [Patient(row["site_id"], row["patient_id"]) for row in rows]


async def record_link_rule(connection: Connection, site_id: str, *, asks_birth_year: bool) -> None:
    """Set what a site's links ask of who opens them."""
    await connection.execute(
        """
        INSERT INTO link_rule (site_id, asks_birth_year) VALUES ($1, $2)
        ON CONFLICT (site_id) DO UPDATE SET asks_birth_year = $2
        """,
        site_id,
        asks_birth_year,
    )


async def asks_birth_year(connection: Connection, scope: SiteScope, site_id: str) -> bool:
    """Whether a site's links ask for the birth year."""
    found = await connection.fetchval(
        "SELECT asks_birth_year FROM link_rule WHERE site_id = $1 AND site_id = ANY($2)", site_id, scope.ids
    )
    return bool(found)


async def record_link(connection: Connection, site_id: str, link: Link, secret_hash: bytes) -> None:
    """Insert a link."""
    await connection.execute(
        """
        INSERT INTO visit_link
            (site_id, link_id, secret_hash, visit_id, patient_id, made_by, made_at, expires_at, wrong_answers)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)
        """,
        site_id,
        link.link_id,
        secret_hash,
        link.visit_id,
        link.patient_id,
        link.made_by,
        link.made_at,
        link.expires_at,
    )


async def links_of(connection: Connection, scope: SiteScope, visit_id: UUID) -> list[Link]:
    """The links of a visit, the newest first."""
    rows = await connection.fetch(
        "SELECT * FROM visit_link WHERE site_id = ANY($1) AND visit_id = $2 ORDER BY made_at DESC, link_id",
        scope.ids,
        visit_id,
    )
    return [_link(row) for row in rows]


async def link(connection: Connection, scope: SiteScope, link_id: UUID) -> Link | None:
    """A link by its id."""
    row = await connection.fetchrow(
        "SELECT * FROM visit_link WHERE site_id = ANY($1) AND link_id = $2", scope.ids, link_id
    )
    return None if row is None else _link(row)


async def link_with_secret(connection: Connection, scope: SiteScope, secret_hash: bytes) -> Link | None:
    """The link of this secret."""
    row = await connection.fetchrow(
        "SELECT * FROM visit_link WHERE site_id = ANY($1) AND secret_hash = $2", scope.ids, secret_hash
    )
    return None if row is None else _link(row)


async def record_wrong_answer(connection: Connection, site_id: str, link_id: UUID) -> None:
    """Count a wrong birth year."""
    await connection.execute(
        "UPDATE visit_link SET wrong_answers = wrong_answers + 1 WHERE site_id = $1 AND link_id = $2", site_id, link_id
    )


async def record_opening(connection: Connection, site_id: str, link_id: UUID, at: datetime) -> bool:
    """Keep that a link was opened, and forget the wrong answers before it; False when it was revoked meanwhile.

    Whoever revokes it waits until this is committed, so that no session outlives its link.
    """
    status = await connection.execute(
        """
        UPDATE visit_link SET opened_at = $3, wrong_answers = 0
        WHERE site_id = $1 AND link_id = $2 AND revoked_at IS NULL
        """,
        site_id,
        link_id,
        at,
    )
    return status == "UPDATE 1"


async def record_link_revoked(connection: Connection, site_id: str, link_id: UUID, at: datetime) -> bool:
    """Revoke a link; False when it was revoked before, which stays as it is."""
    status = await connection.execute(
        "UPDATE visit_link SET revoked_at = $3 WHERE site_id = $1 AND link_id = $2 AND revoked_at IS NULL",
        site_id,
        link_id,
        at,
    )
    return status == "UPDATE 1"


@dataclass(frozen=True, slots=True)
class Client:
    """A system of a site that may ask for tokens; `key_set` are its public keys."""

    site_id: str
    client_id: str
    key_set: dict[str, object]
    revoked_at: datetime | None = None


async def record_client(connection: Connection, client: Client, at: datetime) -> None:
    """Add a client, or replace its keys; one that was revoked counts again."""
    await connection.execute(
        """
        INSERT INTO client (site_id, client_id, key_set, added_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site_id, client_id) DO UPDATE SET key_set = $3, added_at = $4, revoked_at = NULL
        """,
        client.site_id,
        client.client_id,
        orjson.dumps(client.key_set).decode(),
        at,
    )


async def record_client_revoked(connection: Connection, site_id: str, client_id: str, at: datetime) -> bool:
    """Revoke a client; False when the site has none of this id."""
    status = await connection.execute(
        "UPDATE client SET revoked_at = coalesce(revoked_at, $3) WHERE site_id = $1 AND client_id = $2",
        site_id,
        client_id,
        at,
    )
    return status != "UPDATE 0"


async def client(connection: Connection, scope: SiteScope, client_id: str) -> Client | None:
    """A client by its id, also when it was revoked."""
    return next((one for one in await clients(connection, scope) if one.client_id == client_id), None)


async def clients(connection: Connection, scope: SiteScope) -> list[Client]:
    """The clients of these sites."""
    rows = await connection.fetch("SELECT * FROM client WHERE site_id = ANY($1) ORDER BY site_id, client_id", scope.ids)
    return [Client(row["site_id"], row["client_id"], orjson.loads(row["key_set"]), row["revoked_at"]) for row in rows]


def _enrolment(row: asyncpg.Record) -> EnrollmentUpdated:
    enrolled_on: date = row["enrolled_on"]
    return EnrollmentUpdated(
        patient_id=row["patient_id"],
        enrolled_on=enrolled_on,
        birth_year=row["birth_year"],
        sex=Sex(row["sex"]),
        education=Education(row["education"]),
        language=Language(row["language"]),
        diagnosis=Diagnosis(row["diagnosis"]),
        clinician_id=row["clinician_id"],
        consent=ConsentState(row["consent"]),
        consent_decided_on=row["consent_decided_on"],
        consent_reason=row["consent_reason"],
    )


def _visit(row: asyncpg.Record) -> VisitUpdated:
    return VisitUpdated(
        visit_id=row["visit_id"],
        patient_id=row["patient_id"],
        clinician_id=row["clinician_id"],
        scheduled_at=row["scheduled_at"],
        state=VisitState(row["state"]),
        checked_in_at=row["checked_in_at"],
        completed_at=row["completed_at"],
    )


def _link(row: asyncpg.Record) -> Link:
    return Link(
        link_id=row["link_id"],
        visit_id=row["visit_id"],
        patient_id=row["patient_id"],
        made_by=row["made_by"],
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        opened_at=row["opened_at"],
        wrong_answers=row["wrong_answers"],
    )
