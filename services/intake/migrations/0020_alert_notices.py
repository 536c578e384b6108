"""Whom a site tells that an alert waits, the notices that were made, and which level of an alert they told of."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE alert_notice_rule (
    site_id text NOT NULL,
    addresses text[] NOT NULL,
    language text NOT NULL,
    quiet_minutes smallint NOT NULL,
    changed_at timestamptz NOT NULL,
    told_at timestamptz,
    CONSTRAINT pk_alert_notice_rule PRIMARY KEY (site_id),
    CONSTRAINT fk_alert_notice_rule_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
COMMENT ON COLUMN alert_notice_rule.told_at IS 'When notices were made last';
CREATE TABLE alert_notice (
    site_id text NOT NULL,
    notice_id uuid NOT NULL,
    address text NOT NULL,
    is_escalated boolean NOT NULL,
    made_at timestamptz NOT NULL,
    held_until timestamptz NOT NULL,
    state text NOT NULL,
    reason text,
    attempts smallint NOT NULL,
    repeats smallint NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_alert_notice PRIMARY KEY (site_id, notice_id)
);
COMMENT ON COLUMN alert_notice.held_until IS 'Nobody takes it before: a worker has it, or a try has just failed';
COMMENT ON COLUMN alert_notice.reason IS 'Why it was stopped, or the code that the last try ended with';
COMMENT ON COLUMN alert_notice.repeats IS 'Tries after one of which it is not known whether it went';
CREATE INDEX ix_alert_notice_made_at ON alert_notice (site_id, made_at);
CREATE INDEX ix_alert_notice_open ON alert_notice (held_until) WHERE state IN ('planned', 'sending');
ALTER TABLE alert ADD COLUMN told_level smallint;
ALTER TABLE alert ADD COLUMN told_at timestamptz;
COMMENT ON COLUMN alert.told_level IS 'The level that a notice was made of, since it last began to wait';
COMMENT ON COLUMN alert.told_at IS 'When that notice was made'
"""


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        op.execute(statement)
    walls.around(
        "alert_notice_rule",
        app="SELECT, INSERT, UPDATE (addresses, language, quiet_minutes, changed_at)",
        worker="SELECT, UPDATE (told_at)",
    )
    walls.around(
        "alert_notice",
        app="SELECT",
        worker="SELECT, INSERT, UPDATE (held_until, state, reason, attempts, repeats, ended_at)",
    )
    walls.grant("alert", app="UPDATE (told_level, told_at)", worker="UPDATE (told_level, told_at)")
