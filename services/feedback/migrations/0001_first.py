"""Patients, invitations, feedback; the outbox, the commands and the reading."""

from alembic import op

from shared.migrations import commands_v1, delivery_v1, outbox_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# No foreign keys to patient or invitation: topics arrive in any order.
_TABLES = """
CREATE TABLE patient (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT pk_patient PRIMARY KEY (site_id, patient_id)
);
COMMENT ON COLUMN patient.sequence IS 'Of the newest enrolment seen';
CREATE TABLE invitation (
    site_id text NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    visit_sequence bigint NOT NULL DEFAULT 0,
    visit_state text,
    visit_at timestamptz,
    survey_sequence bigint NOT NULL DEFAULT 0,
    survey_id uuid,
    submitted_at timestamptz,
    CONSTRAINT pk_invitation PRIMARY KEY (site_id, visit_id)
);
COMMENT ON COLUMN invitation.visit_sequence IS '0: no visit has arrived yet';
COMMENT ON COLUMN invitation.visit_at IS 'The end of the visit, or else its time';
COMMENT ON COLUMN invitation.survey_sequence IS '0: no survey has arrived yet';
CREATE INDEX ix_invitation_patient ON invitation (site_id, patient_id);
CREATE TABLE feedback (
    site_id text NOT NULL,
    feedback_id uuid NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
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
    CONSTRAINT pk_feedback PRIMARY KEY (site_id, feedback_id)
);
COMMENT ON COLUMN feedback.effort_to_understand IS '0 to 9, null when skipped';
COMMENT ON COLUMN feedback.effort_to_listen IS '0 to 9, null when skipped';
COMMENT ON COLUMN feedback.effort_to_include IS '0 to 9, null when skipped';
CREATE UNIQUE INDEX uq_feedback_visit ON feedback (site_id, visit_id)
"""


def upgrade() -> None:
    outbox_v1.upgrade()
    commands_v1.upgrade()
    delivery_v1.upgrade()
    for statement in filter(None, map(str.strip, _TABLES.split(";"))):
        op.execute(statement)
