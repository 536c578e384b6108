"""Alerts with their rules and steps, and the list of patients at high risk."""

from alembic import op

from shared.migrations import erasure_v1
from shared.migrations import walls_v1 as walls

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE alert_rule (
    site_id text NOT NULL,
    number integer NOT NULL,
    rule_id text NOT NULL,
    rule jsonb NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_alert_rule PRIMARY KEY (site_id, number),
    CONSTRAINT fk_alert_rule_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
COMMENT ON COLUMN alert_rule.number IS 'Counts the changes of a site''s rules';
COMMENT ON COLUMN alert_rule.rule IS 'The whole rule as it stands after the change';
CREATE TABLE alert (
    site_id text NOT NULL,
    alert_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    survey_id uuid NOT NULL,
    visit_id uuid NOT NULL,
    form text NOT NULL,
    rule_id text NOT NULL,
    rule_version text NOT NULL,
    severity text NOT NULL,
    answer double precision NOT NULL,
    weight double precision NOT NULL,
    submitted_at timestamptz NOT NULL,
    raised_at timestamptz NOT NULL,
    is_late boolean NOT NULL,
    repeats uuid,
    state text NOT NULL,
    owner text,
    version integer NOT NULL,
    outcome text,
    closed_at timestamptz,
    waits_since timestamptz NOT NULL,
    escalates_after integer[] NOT NULL,
    escalates_at timestamptz,
    escalation smallint NOT NULL,
    CONSTRAINT pk_alert PRIMARY KEY (site_id, alert_id),
    CONSTRAINT fk_alert_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id)
);
COMMENT ON COLUMN alert.weight IS 'Of two answers to one rule the one with more is worse';
COMMENT ON COLUMN alert.repeats IS 'The alert that this one only repeats';
COMMENT ON COLUMN alert.version IS 'Counts what people did with it';
COMMENT ON COLUMN alert.escalates_after IS 'Minutes without an owner, one a level';
COMMENT ON COLUMN alert.escalates_at IS 'When the next level is due';
CREATE INDEX ix_alert_patient ON alert (site_id, patient_id, rule_id);
CREATE INDEX ix_alert_submitted_at ON alert (site_id, submitted_at);
CREATE INDEX ix_alert_waiting ON alert (site_id, raised_at) WHERE state <> 'closed';
CREATE INDEX ix_alert_due ON alert (escalates_at) WHERE escalates_at IS NOT NULL;
CREATE TABLE alert_step (
    site_id text NOT NULL,
    step_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    step text NOT NULL,
    done_at timestamptz NOT NULL,
    done_by text NOT NULL,
    owner text,
    outcome text,
    escalation smallint NOT NULL,
    note text,
    CONSTRAINT pk_alert_step PRIMARY KEY (site_id, step_id),
    CONSTRAINT fk_alert_step_alert FOREIGN KEY (site_id, alert_id) REFERENCES alert (site_id, alert_id)
);
COMMENT ON COLUMN alert_step.note IS 'What was written beside it, sealed for this step';
CREATE INDEX ix_alert_step_alert ON alert_step (site_id, alert_id);
CREATE TABLE high_risk (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    risk text NOT NULL,
    call_due_on date,
    flagged_by text NOT NULL,
    flagged_at timestamptz NOT NULL,
    ended_by text,
    ended_at timestamptz,
    CONSTRAINT pk_high_risk PRIMARY KEY (site_id, patient_id),
    CONSTRAINT fk_high_risk_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id)
);
CREATE TABLE huddle (
    site_id text NOT NULL,
    list_manager text NOT NULL,
    next_at timestamptz,
    CONSTRAINT pk_huddle PRIMARY KEY (site_id),
    CONSTRAINT fk_huddle_site FOREIGN KEY (site_id) REFERENCES site (site_id)
)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        op.execute(statement)
    walls.around("alert_rule", app="SELECT, INSERT")
    by_people = "state, owner, version, outcome, closed_at, waits_since, escalates_at, escalation"
    walls.around(
        "alert", app=f"SELECT, INSERT, UPDATE ({by_people})", worker="SELECT, UPDATE (escalates_at, escalation)"
    )
    walls.around("alert_step", app="SELECT, INSERT", worker="INSERT")
    walls.around(
        "high_risk", app="SELECT, INSERT, UPDATE (risk, call_due_on, flagged_by, flagged_at, ended_by, ended_at)"
    )
    walls.around("huddle", app="SELECT, INSERT, UPDATE (list_manager, next_at)")
    erasure_v1.let_erased_go("alert", app="DELETE", worker="DELETE")
    erasure_v1.let_erased_go("alert_step", app="DELETE")
    erasure_v1.let_erased_go("high_risk", app="DELETE")
