"""A clinical fact that was entered in error counts nowhere, and stays known, for an older event of it may come late."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE clinical_fact ADD COLUMN counts boolean NOT NULL DEFAULT true")
    op.execute("COMMENT ON COLUMN clinical_fact.counts IS 'False: it was entered in error'")
    walls.grant("clinical_fact", worker="UPDATE (counts)")
