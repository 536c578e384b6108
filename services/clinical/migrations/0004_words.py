"""Words sealed at rest, tombstones of erased patients, idempotency keys as hashes."""

from alembic import op

from shared.migrations import commands_v2, erasure_v1
from shared.migrations import walls_v1 as walls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Nothing was released that kept words in clear, and there is no key here to seal them with.
_REFUSE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM plan_step) THEN
        RAISE EXCEPTION 'The database of clinical holds words in clear, from before the key ring. They are of a '
            'development version: make the databases anew (make clean).';
    END IF;
END $$
"""


def upgrade() -> None:
    with walls.down("plan_step"):
        op.execute(_REFUSE)
    op.execute("COMMENT ON COLUMN plan_step.what IS 'Sealed for this record'")
    commands_v2.upgrade()
    erasure_v1.upgrade()
    for table in ("plan_step", "medication", "lab", "assessment"):
        erasure_v1.let_erased_go(table)
    erasure_v1.let_erased_go("patient", worker="DELETE")
