"""Which facts were entered in error: why, by whom and when, beside the facts as they stood. Nobody changes that."""

from alembic import op

from shared.migrations import erasure_v1
from shared.migrations import walls_v1 as walls

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE entered_in_error (
    site_id text NOT NULL,
    fact_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    reason text NOT NULL,
    author text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT pk_entered_in_error PRIMARY KEY (site_id, fact_id),
    CONSTRAINT fk_entered_in_error_patient FOREIGN KEY (site_id, patient_id) REFERENCES patient (site_id, patient_id)
);
COMMENT ON COLUMN entered_in_error.fact_id IS 'Of an assessment, a result, a medicine or a step';
COMMENT ON COLUMN entered_in_error.author IS 'Subject of who said so';
CREATE INDEX ix_entered_in_error_patient ON entered_in_error (site_id, patient_id)
"""


def upgrade() -> None:
    for statement in _TABLE.split(";"):
        op.execute(statement)
    walls.around("entered_in_error", app="SELECT, INSERT")
    erasure_v1.let_erased_go("entered_in_error")
