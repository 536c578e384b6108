"""The walls. The application reads the pages and writes who looked; the worker makes the pages."""

from shared.migrations import walls_v1 as walls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    walls.close_schema()
    walls.around_outbox()
    walls.around_commands()
    walls.around_delivery()
    walls.around("patient_page", app="SELECT", worker="SELECT, INSERT, UPDATE (facts, page, version)")
    walls.around("site", app="SELECT", worker="SELECT, INSERT, UPDATE (name, time_zone, sequence)")
    walls.around("view", app="SELECT, INSERT, UPDATE (duration_ms, panels)")
