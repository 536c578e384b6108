"""The application sees which of what was set aside was dropped: nobody has to look at that any more."""

from shared.migrations import walls_v1 as walls

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    walls.grant("dead_letter", app="SELECT (state)")
