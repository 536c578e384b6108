"""When a look was last heard of: a page that was just left, and is opened again, is the same look."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE view ADD COLUMN heard_at timestamptz")
    op.execute("COMMENT ON COLUMN view.heard_at IS 'Last, after it was opened; null when never'")
    walls.grant("view", app="UPDATE (heard_at)", worker="SELECT (heard_at)")
