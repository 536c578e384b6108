"""Every statement of clinical. Reading functions take the scope of sites; a row of another site does not exist."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson

from services.clinical.domain import LAB_TESTS
from shared import erasures
from shared.db import Connection, SiteScope
from shared.events import Assessment, ClinicalFact, CorrectionReason, Lab, Medication, PlanStep
from shared.sealing import Patient

F = TypeVar("F", bound=ClinicalFact)
# Table, id and the columns of each kind; the name of a test follows from its code.
_KEPT: Mapping[type[ClinicalFact], tuple[str, str, str]] = MappingProxyType(
    {
        Assessment: ("assessment", "assessment_id", "assessment_id, visit_id, clinician_id, activity, assessed_at"),
        Lab: (
            "lab",
            "lab_id",
            "lab_id, loinc, value, unit, comparator, reference_low, reference_high, method, taken_at",
        ),
        Medication: (
            "medication",
            "medication_id",
            "medication_id, name, drug_class, rxcui, dose, route, started_on, stopped_on, stop_reason",
        ),
        PlanStep: ("plan_step", "step_id", "step_id, visit_id, '' AS what, who, due_on, is_done, done_on, agreed_at"),
    }
)


async def record_enrolments(connection: Connection, enrolments: Sequence[tuple[str, UUID, int]]) -> None:
    """Remember patients as (site, patient, sequence of the enrolment); the newest sequence stays."""
    await connection.executemany(
        """
        INSERT INTO patient (site_id, patient_id, sequence) VALUES ($1, $2, $3)
        ON CONFLICT (site_id, patient_id) DO UPDATE SET sequence = excluded.sequence
        WHERE patient.sequence < excluded.sequence
        """,
        sorted(enrolments),
    )


async def has_patient(connection: Connection, scope: SiteScope, patient_id: UUID) -> bool:
    """Whether the patient is enrolled at one of these sites."""
    found = await connection.fetchval(
        "SELECT true FROM patient WHERE site_id = ANY($1) AND patient_id = $2", scope.ids, patient_id
    )
    return bool(found)


async def record_erasure(connection: Connection, patient: Patient, erased_at: datetime) -> None:
    """Leave nothing of a patient but a tombstone. The outbox keeps the events, whose words no key opens."""
    tables = ("entered_in_error", "plan_step", "medication", "lab", "assessment", "patient")
    await erasures.record(connection, patient, erased_at, tables=tables)


class KnownFact(NamedTuple, Generic[F]):
    """A fact as it stands; a plan step without its words, which no statement reads."""

    fact: F
    is_in_error: bool


async def fact(
    connection: Connection, scope: SiteScope, patient_id: UUID, kind: type[F], fact_id: UUID
) -> KnownFact[F] | None:
    """This patient's fact of a kind; None when there is no such one."""
    table, identity, columns = _KEPT[kind]
    row = await connection.fetchrow(
        f"""
        SELECT {columns}, EXISTS (
            SELECT FROM entered_in_error AS mark WHERE (mark.site_id, mark.fact_id) = ({table}.site_id, {identity})
        ) AS is_in_error
        FROM {table} WHERE site_id = ANY($1) AND patient_id = $2 AND {identity} = $3
        """,
        scope.ids,
        patient_id,
        fact_id,
    )
    if row is None:
        return None
    known = dict(row)
    is_in_error = known.pop("is_in_error")
    if kind is Lab:
        known["name"] = LAB_TESTS[known["loinc"]].name
    return KnownFact(kind.model_validate(known), is_in_error)


async def record_error(
    connection: Connection, patient: Patient, fact_id: UUID, reason: CorrectionReason, author: str
) -> None:
    """Remember that a fact was entered in error, why and who says so; how it stood stays."""
    await connection.execute(
        """
        INSERT INTO entered_in_error (site_id, fact_id, patient_id, reason, author, recorded_at)
        VALUES ($1, $3, $2, $4, $5, now())
        """,
        *patient,
        fact_id,
        reason,
        author,
    )


async def record_assessment(connection: Connection, site_id: str, patient_id: UUID, assessment: Assessment) -> None:
    """Insert an assessment or replace how it stands."""
    await connection.execute(
        """
        INSERT INTO assessment (site_id, assessment_id, patient_id, visit_id, clinician_id, activity, assessed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (site_id, assessment_id) DO UPDATE
        SET visit_id = $4, clinician_id = $5, activity = $6, assessed_at = $7
        """,
        site_id,
        assessment.assessment_id,
        patient_id,
        assessment.visit_id,
        assessment.clinician_id,
        assessment.activity,
        assessment.assessed_at,
    )


async def record_lab(
    connection: Connection, site_id: str, patient_id: UUID, lab: Lab, reported: Mapping[str, object]
) -> None:
    """Insert a result in its canonical unit, with value, unit and range as reported, or replace how it stands."""
    await connection.execute(
        """
        INSERT INTO lab (site_id, lab_id, patient_id, loinc, value, unit, comparator, reference_low, reference_high,
                         method, taken_at, reported)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (site_id, lab_id) DO UPDATE
        SET loinc = $4, value = $5, unit = $6, comparator = $7, reference_low = $8, reference_high = $9,
            method = $10, taken_at = $11, reported = $12
        """,
        site_id,
        lab.lab_id,
        patient_id,
        lab.loinc,
        lab.value,
        lab.unit,
        lab.comparator,
        lab.reference_low,
        lab.reference_high,
        lab.method,
        lab.taken_at,
        orjson.dumps(reported).decode(),
    )


async def record_medication(connection: Connection, site_id: str, patient_id: UUID, medication: Medication) -> None:
    """Insert a medicine or replace how it stands."""
    await connection.execute(
        """
        INSERT INTO medication (site_id, medication_id, patient_id, name, drug_class, rxcui, dose, route, started_on,
                                stopped_on, stop_reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (site_id, medication_id) DO UPDATE
        SET name = $4, drug_class = $5, rxcui = $6, dose = $7, route = $8, started_on = $9, stopped_on = $10,
            stop_reason = $11
        """,
        site_id,
        medication.medication_id,
        patient_id,
        medication.name,
        medication.drug_class,
        medication.rxcui,
        medication.dose,
        medication.route,
        medication.started_on,
        medication.stopped_on,
        medication.stop_reason,
    )


async def told_by(connection: Connection, scope: SiteScope, step_id: UUID) -> UUID | None:
    """The event that told of a plan step last; None before this was kept."""
    found: UUID | None = await connection.fetchval(
        "SELECT event_id FROM plan_step WHERE site_id = ANY($1) AND step_id = $2", scope.ids, step_id
    )
    return found


async def record_plan_step(
    connection: Connection, site_id: str, patient_id: UUID, step: PlanStep, sealed: str, event_id: UUID
) -> None:
    """Insert a plan step with its words sealed for this record, or replace how it stands; `event_id` tells of it."""
    await connection.execute(
        """
        INSERT INTO plan_step (site_id, step_id, patient_id, visit_id, what, who, due_on, is_done, done_on, agreed_at,
                               event_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (site_id, step_id) DO UPDATE
        SET visit_id = $4, what = $5, who = $6, due_on = $7, is_done = $8, done_on = $9, agreed_at = $10, event_id = $11
        """,
        site_id,
        step.step_id,
        patient_id,
        step.visit_id,
        sealed,
        step.who,
        step.due_on,
        step.is_done,
        step.done_on,
        step.agreed_at,
        event_id,
    )
