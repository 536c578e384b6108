"""Patients, assessments, laboratory results, medicines, plan steps; the outbox, the commands and the reading."""

from alembic import op

from shared.migrations import commands_v1, delivery_v1, outbox_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE patient (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT pk_patient PRIMARY KEY (site_id, patient_id)
);
COMMENT ON COLUMN patient.sequence IS 'Of the newest enrolment seen';
CREATE TABLE assessment (
    site_id text NOT NULL,
    assessment_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    visit_id uuid,
    clinician_id text NOT NULL,
    activity text NOT NULL,
    assessed_at timestamptz NOT NULL,
    CONSTRAINT pk_assessment PRIMARY KEY (site_id, assessment_id),
    CONSTRAINT fk_assessment_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id)
);
CREATE INDEX ix_assessment_patient ON assessment (site_id, patient_id);
CREATE TABLE lab (
    site_id text NOT NULL,
    lab_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    loinc text NOT NULL,
    value double precision NOT NULL,
    unit text NOT NULL,
    comparator text,
    reference_low double precision,
    reference_high double precision,
    method text,
    taken_at timestamptz NOT NULL,
    reported jsonb NOT NULL,
    CONSTRAINT pk_lab PRIMARY KEY (site_id, lab_id),
    CONSTRAINT fk_lab_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id)
);
COMMENT ON COLUMN lab.reported IS 'Value, unit and reference range as the laboratory gave them';
CREATE INDEX ix_lab_patient ON lab (site_id, patient_id);
CREATE TABLE medication (
    site_id text NOT NULL,
    medication_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    name text NOT NULL,
    drug_class text NOT NULL,
    rxcui text,
    dose text,
    route text,
    started_on date NOT NULL,
    stopped_on date,
    stop_reason text,
    CONSTRAINT pk_medication PRIMARY KEY (site_id, medication_id),
    CONSTRAINT fk_medication_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id)
);
CREATE INDEX ix_medication_patient ON medication (site_id, patient_id);
CREATE TABLE plan_step (
    site_id text NOT NULL,
    step_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    visit_id uuid,
    what text NOT NULL,
    who text NOT NULL,
    due_on date,
    is_done boolean NOT NULL,
    done_on date,
    agreed_at timestamptz NOT NULL,
    CONSTRAINT pk_plan_step PRIMARY KEY (site_id, step_id),
    CONSTRAINT fk_plan_step_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id)
);
COMMENT ON COLUMN plan_step.what IS 'In clear: it stays in this database';
CREATE INDEX ix_plan_step_patient ON plan_step (site_id, patient_id)
"""


def upgrade() -> None:
    outbox_v1.upgrade()
    commands_v1.upgrade()
    delivery_v1.upgrade()
    for statement in _TABLES.split(";"):
        op.execute(statement)
