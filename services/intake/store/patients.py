"""Sites, patients and their visits."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.intake.domain import NOT_SAID, Cancellation, CancelledBy, CancelReason, ConsentStep
from shared import erasures
from shared.db import Connection, SiteScope
from shared.events import (
    ConsentState,
    Diagnosis,
    Education,
    EnrollmentUpdated,
    Language,
    Sex,
    SiteUpdated,
    VisitState,
    VisitUpdated,
)
from shared.sealing import Patient

_LATEST_VISITS, _MOST_CLINICIANS = 1000, 50
_HELD = (
    *("link_delivery", "delivery_plan", "contact", "alert_step", "alert", "high_risk"),
    *("survey_version", "survey_draft", "survey", "visit_link", "visit_name", "visit"),
    *("consent_step", "import_known", "patient"),
)


class KnownVisit(NamedTuple):
    """A visit, and up to when the news of it are known; None where nobody told us when. `names` are those of the names
    that were asked for, in hashes, by which it was found.
    """

    visit: VisitUpdated
    cancelled: Cancellation
    told_at: datetime | None
    names: frozenset[bytes]


class ListedVisit(NamedTuple):
    """A visit of a patient's, and why it was cancelled."""

    visit: VisitUpdated
    cancelled: Cancellation


class FullVisit(NamedTuple):
    """A visit, why it was cancelled, and when the survey for it was submitted."""

    visit: VisitUpdated
    cancelled: Cancellation
    survey_at: datetime | None


class SiteShown(NamedTuple):
    """What a site's pages say of it: its name, and the zone of its clocks."""

    name: str
    time_zone: str


async def record_site(connection: Connection, site_id: str, site: SiteUpdated) -> bool:
    """Insert or change a site; False when it stands so already. The number to call stands with `record_survey_rule`."""
    status = await connection.execute(
        """
        INSERT INTO site (site_id, name, site_type, time_zone, shows_clinical_to_coordinators)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (site_id) DO UPDATE
        SET name = $2, site_type = $3, time_zone = $4, shows_clinical_to_coordinators = $5
        WHERE (site.name, site.site_type, site.time_zone, site.shows_clinical_to_coordinators)
            IS DISTINCT FROM ($2, $3, $4, $5)
        """,
        site_id,
        site.name,
        site.site_type,
        site.time_zone,
        site.shows_clinical_to_coordinators,
    )
    return status != "INSERT 0 0"


async def site(connection: Connection, scope: SiteScope, site_id: str) -> SiteUpdated | None:
    """A site as it stands, with the number that its patients call."""
    row = await connection.fetchrow(
        """
        SELECT name, site_type, time_zone, shows_clinical_to_coordinators, care_line
        FROM site LEFT JOIN survey_rule USING (site_id) WHERE site_id = $1 AND site_id = ANY($2)
        """,
        site_id,
        scope.ids,
    )
    return None if row is None else SiteUpdated(**row)


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


async def site_shown(connection: Connection, scope: SiteScope, site_id: str) -> SiteShown | None:
    """The name and the clocks of a site; None when it is not known."""
    row = await connection.fetchrow(
        "SELECT name, time_zone FROM site WHERE site_id = $1 AND site_id = ANY($2)", site_id, scope.ids
    )
    return None if row is None else SiteShown(*row)


async def shows_clinical_to_coordinators(connection: Connection, scope: SiteScope, site_id: str) -> bool:
    """Whether a site shows its coordinators what patients say."""
    found = await connection.fetchval(
        "SELECT shows_clinical_to_coordinators FROM site WHERE site_id = $1 AND site_id = ANY($2)", site_id, scope.ids
    )
    return bool(found)


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
    connection: Connection, site_id: str, identifier_hash: bytes, enrolment: EnrollmentUpdated, step: ConsentStep
) -> None:
    """Insert a new patient with the first step of their consent."""
    version, language = step.text or (None, None)
    await connection.execute(
        """
        WITH enrolled AS (
            INSERT INTO patient (site_id, patient_id, identifier_hash, enrolled_on, birth_year, sex, education,
                                 language, diagnosis, clinician_id, consent, consent_decided_on, consent_reason)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        )
        INSERT INTO consent_step (site_id, patient_id, number, state, decided_on, reason, mode, text_version,
                                  text_language, recorded_at, recorded_by)
        VALUES ($1, $2, 1, $11, $12, $13, $14, $15, $16, $17, $18)
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
        step.mode,
        version,
        language,
        step.recorded_at,
        step.recorded_by,
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
    found = await visit_of(connection, scope, visit_id)
    return None if found is None else found[1]


async def visit_of(connection: Connection, scope: SiteScope, visit_id: UUID) -> tuple[str, VisitUpdated] | None:
    """A visit as it stands, with the one of these sites whose it is."""
    row = await connection.fetchrow(
        "SELECT * FROM visit WHERE site_id = ANY($1) AND visit_id = $2", scope.ids, visit_id
    )
    return None if row is None else (row["site_id"], _visit(row))


async def visits_of(connection: Connection, scope: SiteScope, patient_id: UUID, most: int) -> list[ListedVisit]:
    """The visits of a patient as they stand, the last first."""
    rows = await connection.fetch(
        """
        SELECT * FROM visit WHERE site_id = ANY($1) AND patient_id = $2
        ORDER BY scheduled_at DESC, visit_id LIMIT $3
        """,
        scope.ids,
        patient_id,
        most,
    )
    return [ListedVisit(_visit(row), cancelled_in(row)) for row in rows]


async def clinicians_of_visits(connection: Connection, scope: SiteScope) -> list[str]:
    """Who sees patients by the latest 1,000 visits of each site: at most 50, those who see most, by their names."""
    rows = await connection.fetch(
        """
        SELECT clinician_id FROM unnest($1::text[]) AS asked (site_id)
        CROSS JOIN LATERAL (
            SELECT clinician_id FROM visit WHERE visit.site_id = asked.site_id ORDER BY scheduled_at DESC LIMIT $2
        ) AS latest
        GROUP BY clinician_id ORDER BY count(*) DESC, clinician_id LIMIT $3
        """,
        scope.ids,
        _LATEST_VISITS,
        _MOST_CLINICIANS,
    )
    return sorted(row["clinician_id"] for row in rows)


async def record_visit(
    connection: Connection,
    site_id: str,
    visit: VisitUpdated,
    told_at: datetime | None = None,
    cancelled: Cancellation = NOT_SAID,
) -> None:
    """Insert a visit or replace how it stands, as it was told at `told_at`."""
    await connection.execute(
        """
        INSERT INTO visit (site_id, visit_id, patient_id, clinician_id, scheduled_at, state, checked_in_at,
                           completed_at, told_at, cancel_reason, cancelled_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (site_id, visit_id) DO UPDATE
        SET clinician_id = $4, scheduled_at = $5, state = $6, checked_in_at = $7, completed_at = $8,
            told_at = greatest(visit.told_at, $9), cancel_reason = $10, cancelled_by = $11
        """,
        site_id,
        visit.visit_id,
        visit.patient_id,
        visit.clinician_id,
        visit.scheduled_at,
        visit.state,
        visit.checked_in_at,
        visit.completed_at,
        told_at,
        *cancelled,
    )


async def visits_named(connection: Connection, scope: SiteScope, hashes: Sequence[bytes]) -> list[KnownVisit]:
    """The visits that the site's system has one of these names for."""
    rows = await connection.fetch(
        """
        SELECT visit.*, names FROM visit JOIN (
            SELECT site_id, visit_id, array_agg(name_hash) AS names FROM visit_name
            WHERE site_id = ANY($1) AND name_hash = ANY($2) GROUP BY site_id, visit_id
        ) AS named USING (site_id, visit_id)
        """,
        scope.ids,
        hashes,
    )
    return [KnownVisit(_visit(row), cancelled_in(row), row["told_at"], frozenset(row["names"])) for row in rows]


async def record_visit_names(
    connection: Connection, site_id: str, visit: VisitUpdated, hashes: Sequence[bytes]
) -> None:
    """Find a visit by these names from now on."""
    await connection.execute(
        """
        INSERT INTO visit_name (site_id, name_hash, visit_id, patient_id)
        SELECT $1, name_hash, $3, $4 FROM unnest($2::bytea[]) AS name_hash ON CONFLICT DO NOTHING
        """,
        site_id,
        hashes,
        visit.visit_id,
        visit.patient_id,
    )


async def visit_in_full(connection: Connection, scope: SiteScope, visit_id: UUID) -> FullVisit | None:
    """A visit with why it was cancelled and when its survey was submitted."""
    row = await connection.fetchrow(
        """
        SELECT visit.*, survey.submitted_at FROM visit
        LEFT JOIN survey ON (survey.site_id, survey.visit_id) = (visit.site_id, visit.visit_id)
             AND survey.change <> 'entered-in-error'
        WHERE visit.site_id = ANY($1) AND visit.visit_id = $2
        """,
        scope.ids,
        visit_id,
    )
    return None if row is None else FullVisit(_visit(row), cancelled_in(row), row["submitted_at"])


async def record_erasure(connection: Connection, patient: Patient, erased_at: datetime) -> None:
    """Leave nothing of a patient but a tombstone. The outbox keeps the events, whose words no key opens."""
    await erasures.record(connection, patient, erased_at, tables=_HELD)


async def enrolled_among(connection: Connection, scope: SiteScope, patients: Sequence[Patient]) -> list[Patient]:
    """Those of these patients who are enrolled."""
    rows = await connection.fetch(
        """
        SELECT wanted.*
        FROM unnest($2::text[], $3::uuid[]) AS wanted (site_id, patient_id) CROSS JOIN LATERAL (
            SELECT 1 FROM patient WHERE patient.site_id = ANY($1)
            AND (patient.site_id, patient.patient_id) = (wanted.site_id, wanted.patient_id) LIMIT 1
        ) AS enrolled
        """,
        scope.ids,
        [patient.site_id for patient in patients],
        [patient.patient_id for patient in patients],
    )
    return [Patient(row["site_id"], row["patient_id"]) for row in rows]


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


def cancelled_in(row: asyncpg.Record) -> Cancellation:
    """Why the visit of a row was cancelled."""
    reason, by = row["cancel_reason"], row["cancelled_by"]
    return Cancellation(None if reason is None else CancelReason(reason), None if by is None else CancelledBy(by))
