"""Sites, patients, visits, surveys; the outbox and the commands."""

from alembic import op

from shared.migrations import commands_v1, outbox_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE site (
    site_id text NOT NULL,
    name text NOT NULL,
    site_type text NOT NULL,
    time_zone text NOT NULL,
    CONSTRAINT pk_site PRIMARY KEY (site_id)
);
CREATE TABLE patient (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    identifier_hash bytea NOT NULL,
    enrolled_on date NOT NULL,
    birth_year integer NOT NULL,
    sex text NOT NULL,
    education text NOT NULL,
    language text NOT NULL,
    diagnosis text NOT NULL,
    clinician_id text,
    consent text NOT NULL,
    consent_decided_on date NOT NULL,
    consent_reason text,
    CONSTRAINT pk_patient PRIMARY KEY (site_id, patient_id),
    CONSTRAINT fk_patient_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
CREATE UNIQUE INDEX uq_patient_identifier ON patient (site_id, identifier_hash);
CREATE TABLE visit (
    site_id text NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    clinician_id text NOT NULL,
    scheduled_at timestamptz NOT NULL,
    state text NOT NULL,
    checked_in_at timestamptz,
    completed_at timestamptz,
    CONSTRAINT pk_visit PRIMARY KEY (site_id, visit_id),
    CONSTRAINT fk_visit_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id)
);
CREATE INDEX ix_visit_patient ON visit (site_id, patient_id);
CREATE TABLE survey (
    site_id text NOT NULL,
    survey_id uuid NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    form text NOT NULL,
    submitted_at timestamptz NOT NULL,
    response jsonb NOT NULL,
    scores jsonb NOT NULL,
    CONSTRAINT pk_survey PRIMARY KEY (site_id, survey_id),
    CONSTRAINT fk_survey_visit FOREIGN KEY (site_id, visit_id) REFERENCES visit (site_id, visit_id)
);
COMMENT ON COLUMN survey.response IS 'As the patient gave it: answers, skips and words';
CREATE UNIQUE INDEX uq_survey_visit ON survey (site_id, visit_id)
"""


def upgrade() -> None:
    outbox_v1.upgrade()
    commands_v1.upgrade()
    for statement in _TABLES.split(";"):
        op.execute(statement)
