"""A survey that was entered in error counts nowhere, and stays known, for an older event of it may come late."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE survey ADD COLUMN counts boolean NOT NULL DEFAULT true")
    op.execute("COMMENT ON COLUMN survey.counts IS 'False: it was entered in error'")
    walls.grant("survey", worker="UPDATE (counts)")
