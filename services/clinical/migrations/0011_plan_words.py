"""A step knows the event that told of it last, so that words are not put back over newer ones."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plan_step", sa.Column("event_id", sa.Uuid))
    op.execute("COMMENT ON COLUMN plan_step.event_id IS 'That told of it last; null before this was kept'")
    walls.grant("plan_step", app="SELECT (event_id), UPDATE (event_id)")
