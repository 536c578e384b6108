"""Pages whose words are sealed for their event; idempotency keys as hashes."""

from alembic import op

from shared.migrations import commands_v2
from shared.migrations import walls_v1 as walls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Nothing was released that sealed words otherwise, and no key is left that opens them.
_REFUSE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM patient_page) THEN
        RAISE EXCEPTION 'The database of the dashboard holds pages from before the key ring. They are of a '
            'development version: make the databases anew (make clean).';
    END IF;
END $$
"""


def upgrade() -> None:
    with walls.down("patient_page"):
        op.execute(_REFUSE)
    commands_v2.upgrade()
