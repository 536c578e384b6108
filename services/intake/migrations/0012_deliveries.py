"""Contact data, sealed; a site's rule of sending links; the messages with their states."""

from alembic import op

from shared.migrations import erasure_v1
from shared.migrations import walls_v1 as walls

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE contact (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    addresses text,
    has_email boolean NOT NULL,
    has_phone boolean NOT NULL,
    preferred text,
    language text,
    wants_messages boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_contact PRIMARY KEY (site_id, patient_id),
    CONSTRAINT fk_contact_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id)
);
COMMENT ON COLUMN contact.addresses IS 'E-mail and telephone, sealed for this record';
CREATE TABLE delivery_rule (
    site_id text NOT NULL,
    is_on boolean NOT NULL,
    days_before smallint NOT NULL,
    send_at time NOT NULL,
    reminders smallint[] NOT NULL,
    quiet_begins time,
    quiet_ends time,
    channels text[] NOT NULL,
    sender_name text,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_delivery_rule PRIMARY KEY (site_id),
    CONSTRAINT fk_delivery_rule_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
CREATE TABLE delivery_plan (
    site_id text NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    basis text NOT NULL,
    CONSTRAINT pk_delivery_plan PRIMARY KEY (site_id, visit_id)
);
COMMENT ON COLUMN delivery_plan.basis IS 'How what its messages were planned from stood then';
CREATE TABLE link_delivery (
    site_id text NOT NULL,
    delivery_id uuid NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    kind text NOT NULL,
    visit_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    held_until timestamptz NOT NULL,
    state text NOT NULL,
    reason text,
    channel text,
    link_id uuid,
    attempts smallint NOT NULL,
    repeats smallint NOT NULL,
    made_by text NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_link_delivery PRIMARY KEY (site_id, delivery_id),
    CONSTRAINT fk_link_delivery_visit FOREIGN KEY (site_id, visit_id) REFERENCES visit (site_id, visit_id)
);
COMMENT ON COLUMN link_delivery.visit_at IS 'When the visit was to be, as it was planned';
COMMENT ON COLUMN link_delivery.held_until IS 'Nobody takes it before: a worker has it, or a try has just failed';
COMMENT ON COLUMN link_delivery.reason IS 'Why it was stopped, or the code that the last try ended with';
COMMENT ON COLUMN link_delivery.repeats IS 'Tries after one of which it is not known whether it went';
COMMENT ON COLUMN link_delivery.ended_at IS 'When it was taken, refused or given up';
CREATE UNIQUE INDEX uq_link_delivery_planned ON link_delivery (site_id, visit_id, kind, visit_at)
    WHERE kind <> 'by-hand';
CREATE INDEX ix_link_delivery_open ON link_delivery (due_at) WHERE state IN ('planned', 'sending');
CREATE INDEX ix_link_delivery_visit ON link_delivery (site_id, visit_id);
CREATE INDEX ix_visit_scheduled ON visit (site_id, scheduled_at)
"""
_CHANGED = "due_at, held_until, state, reason, channel, link_id, attempts, repeats, ended_at"


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    walls.around(
        "contact",
        app="SELECT, INSERT, UPDATE (addresses, has_email, has_phone, preferred, language, wants_messages, changed_at)",
        worker="SELECT",
    )
    erasure_v1.let_erased_go("contact", app="DELETE", worker="DELETE")
    walls.around(
        "delivery_rule",
        app="SELECT, INSERT, UPDATE (is_on, days_before, send_at, reminders, quiet_begins, quiet_ends, channels, "
        "sender_name, changed_at)",
        worker="SELECT",
    )
    walls.around("delivery_plan", worker="SELECT, INSERT, UPDATE (basis)")
    erasure_v1.let_erased_go("delivery_plan", app=erasure_v1.TAKEN, worker="DELETE")
    walls.around("link_delivery", app="SELECT, INSERT", worker=f"SELECT, INSERT, UPDATE ({_CHANGED})")
    erasure_v1.let_erased_go("link_delivery", app="DELETE", worker="DELETE")
    # What the worker has to know to send a link, and to make it.
    walls.grant("site", worker="SELECT (site_id, name, time_zone)")
    walls.grant("visit", worker="SELECT (visit_id, scheduled_at, state)")
    walls.grant("survey", worker="SELECT (visit_id, change)")
    op.execute("REVOKE SELECT (site_id, patient_id) ON visit_link FROM samepage_worker")
    walls.grant("visit_link", worker="SELECT, INSERT")
