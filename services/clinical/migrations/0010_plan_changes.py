"""A change of a step leaves what it does not name as it is: it is read, but for the words."""

from shared.migrations import walls_v1 as walls

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    walls.grant("plan_step", app="SELECT (visit_id, who, due_on, is_done)")
