"""The projection, the sites, the views; the outbox, the commands and the reading."""

from alembic import op

from shared.migrations import commands_v1, delivery_v1, outbox_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE patient_page (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    facts jsonb NOT NULL,
    page bytea NOT NULL,
    version text NOT NULL,
    CONSTRAINT pk_patient_page PRIMARY KEY (site_id, patient_id)
);
COMMENT ON COLUMN patient_page.facts IS 'What the events say, folded';
COMMENT ON COLUMN patient_page.page IS 'The page as JSON, words still sealed';
COMMENT ON COLUMN patient_page.version IS 'Digest of the page: its ETag';
CREATE TABLE site (
    site_id text NOT NULL,
    name text NOT NULL,
    time_zone text NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT pk_site PRIMARY KEY (site_id)
);
CREATE TABLE view (
    site_id text NOT NULL,
    view_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    visit_id uuid,
    subject text NOT NULL,
    role text NOT NULL,
    context text NOT NULL,
    is_shared_screen boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    duration_ms integer,
    panels text[] NOT NULL,
    CONSTRAINT pk_view PRIMARY KEY (site_id, view_id)
);
COMMENT ON COLUMN view.subject IS 'Who looked: the subject of the token';
CREATE INDEX ix_view_patient ON view (site_id, patient_id, opened_at)
"""


def upgrade() -> None:
    outbox_v1.upgrade()
    commands_v1.upgrade()
    delivery_v1.upgrade()
    for statement in _TABLES.split(";"):
        op.execute(statement)
