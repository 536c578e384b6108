"""One fact table a stream; the reading."""

from alembic import op

from shared.migrations import delivery_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE site (
    site_id text NOT NULL,
    name text NOT NULL,
    site_type text NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT pk_site PRIMARY KEY (site_id)
);
CREATE TABLE enrolment (
    site_id text NOT NULL,
    person uuid NOT NULL,
    enrolled_on date NOT NULL,
    birth_year integer NOT NULL,
    sex text NOT NULL,
    education text NOT NULL,
    language text NOT NULL,
    diagnosis text NOT NULL,
    clinician uuid,
    consent text NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT pk_enrolment PRIMARY KEY (site_id, person)
);
CREATE TABLE visit (
    site_id text NOT NULL,
    visit uuid NOT NULL,
    person uuid NOT NULL,
    clinician uuid NOT NULL,
    scheduled_at timestamptz NOT NULL,
    state text NOT NULL,
    completed_at timestamptz,
    sequence bigint NOT NULL,
    CONSTRAINT pk_visit PRIMARY KEY (site_id, visit)
);
CREATE INDEX ix_visit_person ON visit (site_id, person);
CREATE TABLE survey (
    site_id text NOT NULL,
    survey uuid NOT NULL,
    visit uuid NOT NULL,
    person uuid NOT NULL,
    submitted_at timestamptz NOT NULL,
    answered smallint NOT NULL,
    skipped smallint NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT pk_survey PRIMARY KEY (site_id, survey)
);
CREATE INDEX ix_survey_visit ON survey (site_id, visit);
CREATE TABLE clinical_fact (
    site_id text NOT NULL,
    fact uuid NOT NULL,
    person uuid NOT NULL,
    kind text NOT NULL,
    effective_at timestamptz NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT pk_clinical_fact PRIMARY KEY (site_id, fact)
);
CREATE TABLE view (
    site_id text NOT NULL,
    view uuid NOT NULL,
    visit uuid,
    person uuid NOT NULL,
    role text NOT NULL,
    context text NOT NULL,
    is_shared_screen boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    duration_ms integer,
    sequence bigint NOT NULL,
    CONSTRAINT pk_view PRIMARY KEY (site_id, view)
);
CREATE INDEX ix_view_visit ON view (site_id, visit);
CREATE TABLE feedback (
    site_id text NOT NULL,
    feedback uuid NOT NULL,
    visit uuid NOT NULL,
    person uuid NOT NULL,
    received_at timestamptz NOT NULL,
    effort_to_understand smallint,
    effort_to_listen smallint,
    effort_to_include smallint,
    helped_discussion boolean,
    helped_what_matters boolean,
    helped_decisions boolean,
    used_in_visit text NOT NULL,
    used_outside_visit text NOT NULL,
    used_over_one_month boolean,
    sequence bigint NOT NULL,
    CONSTRAINT pk_feedback PRIMARY KEY (site_id, feedback)
);
CREATE INDEX ix_feedback_visit ON feedback (site_id, visit)
"""


def upgrade() -> None:
    delivery_v1.upgrade()
    for statement in _TABLES.split(";"):
        op.execute(statement)
