"""Who called a visit off, beside why it does not take place."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE visit ADD COLUMN cancelled_by text")
    op.execute("COMMENT ON COLUMN visit.cancelled_by IS 'On whose side the reason is, where it was called off'")
    walls.grant("visit", app="UPDATE (cancelled_by)")
