"""A draft that begins again, after a survey that was entered in error, begins with the form of that day."""

from shared.migrations import walls_v1 as walls

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    walls.grant("survey_draft", app="UPDATE (form, started_at)")
