"""The site, its patients with the steps of their consent, and their visits."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from services.intake.tables.metadata import metadata

site = Table(
    "site",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("site_type", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("shows_clinical_to_coordinators", Boolean, nullable=False, server_default=text("false")),
)

patient = Table(
    "patient",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("identifier_hash", LargeBinary, nullable=False),
    Column("enrolled_on", Date, nullable=False),
    Column("birth_year", Integer, nullable=False),
    Column("sex", Text, nullable=False),
    Column("education", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("diagnosis", Text, nullable=False),
    Column("clinician_id", Text),
    Column("consent", Text, nullable=False),
    Column("consent_decided_on", Date, nullable=False),
    Column("consent_reason", Text),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_patient_site"),
    Index("uq_patient_identifier", "site_id", "identifier_hash", unique=True),
)

consent_text = Table(
    "consent_text",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("language", Text, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("added_by", Text, nullable=False),
    ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_consent_text_site"),
)

consent_step = Table(
    "consent_step",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
    Column("number", SmallInteger, primary_key=True),
    Column("state", Text, nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("reason", Text),
    Column("mode", Text, comment="How it came in, null where nobody has said"),
    Column("text_version", Text),
    Column("text_language", Text),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
    ForeignKeyConstraint(
        ["site_id", "patient_id"], ["patient.site_id", "patient.patient_id"], name="fk_consent_step_patient"
    ),
    ForeignKeyConstraint(
        ["site_id", "text_version", "text_language"],
        ["consent_text.site_id", "consent_text.version", "consent_text.language"],
        name="fk_consent_step_text",
    ),
)

visit = Table(
    "visit",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column("visit_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    Column("clinician_id", Text, nullable=False),
    Column("scheduled_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("checked_in_at", DateTime(timezone=True)),
    Column("completed_at", DateTime(timezone=True)),
    Column("told_at", DateTime(timezone=True), comment="How new the news are that it rests on"),
    Column("cancel_reason", Text),
    Column("cancelled_by", Text, comment="On whose side the reason is, where it was called off"),
    ForeignKeyConstraint(["site_id", "patient_id"], ["patient.site_id", "patient.patient_id"], name="fk_visit_patient"),
    Index("ix_visit_patient", "site_id", "patient_id"),
    Index("ix_visit_scheduled", "site_id", "scheduled_at"),
)

visit_name = Table(
    "visit_name",
    metadata,
    Column("site_id", Text, primary_key=True),
    Column(
        "name_hash",
        LargeBinary,
        primary_key=True,
        comment="Keyed, of what the site's own system calls the visit, or of the number in that",
    ),
    Column("visit_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, nullable=False),
    ForeignKeyConstraint(["site_id", "visit_id"], ["visit.site_id", "visit.visit_id"], name="fk_visit_name_visit"),
    Index("ix_visit_name_patient", "site_id", "patient_id"),
)
