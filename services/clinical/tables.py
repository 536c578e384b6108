"""The tables of clinical. The site leads every key; each row is how a thing stands now, the outbox how it stood.

What was entered in error keeps its row as it stood, and has another that says so.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

from shared.tables import add_audit, add_delivery, add_erasure, add_outbox, new_metadata

metadata = new_metadata()
add_audit(metadata)
add_outbox(metadata)
add_delivery(metadata)
add_erasure(metadata)

patient = Table(
    "patient",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("sequence", BigInteger, nullable=False, comment="Of the newest enrolment seen"),
)


def _of_patient(table: str) -> tuple[SchemaItem, ...]:
    """A row belongs to a patient of the same site, and is found by that patient."""
    return (
        ForeignKeyConstraint(
            ["site_id", "patient_id"], ["patient.site_id", "patient.patient_id"], name=f"fk_{table}_patient"
        ),
        Index(f"ix_{table}_patient", "site_id", "patient_id"),
    )


assessment = Table(
    "assessment",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("assessment_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("visit_id", Uuid),
    Column("clinician_id", Text, nullable=False),
    Column("activity", Text, nullable=False),
    Column("assessed_at", DateTime(timezone=True), nullable=False),
    *_of_patient("assessment"),
)

lab = Table(
    "lab",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("lab_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("loinc", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("unit", Text, nullable=False),
    Column("comparator", Text),
    Column("reference_low", Double),
    Column("reference_high", Double),
    Column("method", Text),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    Column("reported", JSONB, nullable=False, comment="Value, unit and reference range as the laboratory gave them"),
    *_of_patient("lab"),
)

medication = Table(
    "medication",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("medication_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("drug_class", Text, nullable=False),
    Column("rxcui", Text),
    Column("dose", Text),
    Column("route", Text),
    Column("started_on", Date, nullable=False),
    Column("stopped_on", Date),
    Column("stop_reason", Text),
    *_of_patient("medication"),
)

plan_step = Table(
    "plan_step",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("step_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("visit_id", Uuid),
    Column("what", Text, nullable=False, comment="Sealed for this record"),
    Column("who", Text, nullable=False),
    Column("due_on", Date),
    Column("is_done", Boolean, nullable=False),
    Column("done_on", Date),
    Column("agreed_at", DateTime(timezone=True), nullable=False),
    Column("event_id", Uuid, comment="That told of it last; null before this was kept"),
    *_of_patient("plan_step"),
)

entered_in_error = Table(
    "entered_in_error",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("fact_id", Uuid, primary_key=True, comment="Of an assessment, a result, a medicine or a step"),
    Column("patient_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False, comment="Subject of who said so"),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    *_of_patient("entered_in_error"),
)
