"""The walls. An answer is put in and not taken out again: the application can see only that it was given."""

from shared.migrations import walls_v1 as walls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_VISIT = "visit_sequence, visit_state, visit_at"
_SURVEY = "survey_sequence, survey_id, submitted_at"


def upgrade() -> None:
    walls.close_schema()
    walls.around_outbox()
    walls.around_commands()
    walls.around_delivery()
    walls.around("patient", app="SELECT", worker="SELECT, INSERT, UPDATE (sequence)")
    walls.around("invitation", app="SELECT", worker=f"SELECT, INSERT, UPDATE ({_VISIT}, {_SURVEY})")
    walls.around("feedback", app="SELECT (site_id, visit_id), INSERT")
