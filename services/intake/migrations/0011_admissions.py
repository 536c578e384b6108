"""Consent texts, the steps of each patient's consent, visits that come from the site's own system, imports."""

from alembic import op

from shared.migrations import erasure_v1
from shared.migrations import walls_v1 as walls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE consent_text (
    site_id text NOT NULL,
    version text NOT NULL,
    language text NOT NULL,
    sha256 bytea NOT NULL,
    valid_from date NOT NULL,
    added_at timestamptz NOT NULL,
    added_by text NOT NULL,
    CONSTRAINT pk_consent_text PRIMARY KEY (site_id, version, language),
    CONSTRAINT fk_consent_text_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
CREATE TABLE consent_step (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    number smallint NOT NULL,
    state text NOT NULL,
    decided_on date NOT NULL,
    reason text,
    mode text,
    text_version text,
    text_language text,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    CONSTRAINT pk_consent_step PRIMARY KEY (site_id, patient_id, number),
    CONSTRAINT fk_consent_step_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id),
    CONSTRAINT fk_consent_step_text FOREIGN KEY (site_id, text_version, text_language)
        REFERENCES consent_text (site_id, version, language)
);
COMMENT ON COLUMN consent_step.mode IS 'How it came in, null where nobody has said';
ALTER TABLE visit ADD COLUMN told_at timestamptz, ADD COLUMN cancel_reason text;
COMMENT ON COLUMN visit.told_at IS 'How new the news are that it rests on';
CREATE TABLE visit_name (
    site_id text NOT NULL,
    name_hash bytea NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    CONSTRAINT pk_visit_name PRIMARY KEY (site_id, name_hash),
    CONSTRAINT fk_visit_name_visit FOREIGN KEY (site_id, visit_id) REFERENCES visit (site_id, visit_id)
);
COMMENT ON COLUMN visit_name.name_hash IS 'Keyed, of what the site''s own system calls the visit';
CREATE INDEX ix_visit_name_patient ON visit_name (site_id, patient_id);
CREATE TABLE import_file (
    site_id text NOT NULL,
    import_id uuid NOT NULL,
    kind text NOT NULL,
    stage text NOT NULL,
    described text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL,
    rows integer NOT NULL,
    parts integer NOT NULL,
    next_part integer NOT NULL,
    accepted integer NOT NULL,
    unchanged integer NOT NULL,
    refused integer NOT NULL,
    CONSTRAINT pk_import_file PRIMARY KEY (site_id, import_id),
    CONSTRAINT fk_import_file_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
COMMENT ON COLUMN import_file.described IS 'Its name and its columns, sealed';
CREATE TABLE import_part (
    site_id text NOT NULL,
    import_id uuid NOT NULL,
    number integer NOT NULL,
    content text NOT NULL,
    CONSTRAINT pk_import_part PRIMARY KEY (site_id, import_id, number),
    CONSTRAINT fk_import_part_file FOREIGN KEY (site_id, import_id) REFERENCES import_file (site_id, import_id)
        ON DELETE CASCADE
);
COMMENT ON COLUMN import_part.content IS 'Some rows of the file, sealed';
CREATE TABLE import_refusal (
    site_id text NOT NULL,
    import_id uuid NOT NULL,
    line integer NOT NULL,
    content text NOT NULL,
    CONSTRAINT pk_import_refusal PRIMARY KEY (site_id, import_id, line),
    CONSTRAINT fk_import_refusal_file FOREIGN KEY (site_id, import_id) REFERENCES import_file (site_id, import_id)
        ON DELETE CASCADE
);
COMMENT ON COLUMN import_refusal.content IS 'The row and what is wrong with it, sealed';
CREATE TABLE import_known (
    site_id text NOT NULL,
    row_hash bytea NOT NULL,
    patient_id uuid NOT NULL,
    CONSTRAINT pk_import_known PRIMARY KEY (site_id, row_hash)
);
COMMENT ON COLUMN import_known.row_hash IS 'Keyed, of a row that is in';
CREATE INDEX ix_import_known_patient ON import_known (site_id, patient_id)
"""
# Steps before the last one are in the outbox only, which the application cannot read.
_STEPS_SO_FAR = """
INSERT INTO consent_step (site_id, patient_id, number, state, decided_on, reason, recorded_at, recorded_by)
SELECT site_id, patient_id, 1, consent, consent_decided_on, consent_reason, now(), 'migration' FROM patient
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    with walls.down("patient"):
        op.execute(_STEPS_SO_FAR)
    walls.around("consent_text", app="SELECT, INSERT")
    walls.around("consent_step", app="SELECT, INSERT")
    erasure_v1.let_erased_go("consent_step", app="DELETE")
    walls.grant("visit", app="UPDATE (told_at, cancel_reason)")
    walls.around("visit_name", app="SELECT, INSERT")
    erasure_v1.let_erased_go("visit_name", app="DELETE")
    moving = "stage, described, moved_at, rows, parts, next_part, accepted, unchanged, refused"
    walls.around("import_file", app=f"SELECT, INSERT, DELETE, UPDATE ({moving})")
    walls.around("import_part", app="SELECT, INSERT, DELETE")
    walls.around("import_refusal", app="SELECT, INSERT, DELETE")
    walls.around("import_known", app="SELECT, INSERT")
    erasure_v1.let_erased_go("import_known", app="DELETE")
