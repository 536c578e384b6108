"""Who broke the glass to a patient of another site, kept by the patient's site; who tried, by their own."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE broken_glass (
    site_id text NOT NULL,
    glass_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    subject text NOT NULL,
    of_sites text[] NOT NULL,
    reason text NOT NULL,
    words text NOT NULL,
    broken_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text,
    reviewed_at timestamptz,
    reviewed_by text,
    CONSTRAINT pk_broken_glass PRIMARY KEY (site_id, glass_id)
);
COMMENT ON COLUMN broken_glass.site_id IS 'Of the patient';
COMMENT ON COLUMN broken_glass.subject IS 'Who broke it: the subject of the token';
COMMENT ON COLUMN broken_glass.of_sites IS 'Of whom broke it, sorted';
COMMENT ON COLUMN broken_glass.words IS 'Sealed';
CREATE INDEX ix_broken_glass_patient ON broken_glass (site_id, patient_id, broken_at);
CREATE INDEX ix_broken_glass_broken_at ON broken_glass (site_id, broken_at);
CREATE TABLE glass_try (
    site_id text NOT NULL,
    try_id uuid NOT NULL,
    subject text NOT NULL,
    tried_at timestamptz NOT NULL,
    at_site text NOT NULL,
    patient_id uuid NOT NULL,
    glass_id uuid,
    CONSTRAINT pk_glass_try PRIMARY KEY (site_id, try_id)
);
COMMENT ON COLUMN glass_try.site_id IS 'Of who tried';
COMMENT ON COLUMN glass_try.at_site IS 'Where the patient should be';
COMMENT ON COLUMN glass_try.glass_id IS 'What it led to, null when to nothing';
CREATE INDEX ix_glass_try_subject ON glass_try (site_id, subject, tried_at)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    walls.around("broken_glass", app="SELECT, INSERT, UPDATE (ended_at, ended_by, reviewed_at, reviewed_by)")
    walls.around("glass_try", app="SELECT, INSERT")
