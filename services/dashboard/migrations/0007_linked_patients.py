"""Patients of two sites: a row a side, and the codes and tries that lead there."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE link_code (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    agreed text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT pk_link_code PRIMARY KEY (site_id, patient_id)
);
COMMENT ON COLUMN link_code.code_hash IS 'SHA-256, and the code itself is kept nowhere';
CREATE UNIQUE INDEX uq_link_code_hash ON link_code (site_id, code_hash);
CREATE TABLE link_try (
    site_id text NOT NULL,
    try_id uuid NOT NULL,
    subject text NOT NULL,
    tried_at timestamptz NOT NULL,
    CONSTRAINT pk_link_try PRIMARY KEY (site_id, try_id)
);
CREATE INDEX ix_link_try_subject ON link_try (site_id, subject, tried_at);
CREATE TABLE linked_patient (
    site_id text NOT NULL,
    link_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    other_site text NOT NULL,
    other_name text NOT NULL,
    other_patient_id uuid,
    since timestamptz NOT NULL,
    agreed text NOT NULL,
    agreed_with text NOT NULL,
    ended_at timestamptz,
    ended_by text,
    CONSTRAINT pk_linked_patient PRIMARY KEY (site_id, link_id)
);
COMMENT ON COLUMN linked_patient.link_id IS 'Of this side: the other has its own';
COMMENT ON COLUMN linked_patient.other_patient_id IS 'Null when one of the two was erased';
COMMENT ON COLUMN linked_patient.agreed_with IS 'To whom of this site the patient said yes';
CREATE INDEX ix_linked_patient_patient ON linked_patient (site_id, patient_id);
CREATE INDEX ix_linked_patient_other ON linked_patient (other_site, other_patient_id)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    renewed = "code_hash, agreed, made_by, made_at, expires_at, used_at"
    walls.around("link_code", app=f"SELECT, INSERT, UPDATE ({renewed})")
    walls.around("link_try", app="SELECT, INSERT")
    walls.around(
        "linked_patient",
        app="SELECT, INSERT, UPDATE (ended_at, ended_by)",
        worker="SELECT (site_id, patient_id, other_site, other_patient_id, ended_at, ended_by), "
        "UPDATE (other_patient_id, ended_at, ended_by)",
    )
