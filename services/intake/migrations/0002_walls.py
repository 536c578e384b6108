"""The walls. A survey's words are put in and not taken out again: no statement reads them."""

from shared.migrations import walls_v1 as walls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    walls.close_schema()
    walls.around_outbox()
    walls.around_commands()
    walls.around("site", app="SELECT, INSERT, UPDATE (name, site_type, time_zone)")
    walls.around("patient", app="SELECT, INSERT, UPDATE (consent, consent_decided_on, consent_reason)")
    walls.around(
        "visit",
        app="SELECT, INSERT, UPDATE (clinician_id, scheduled_at, state, checked_in_at, completed_at)",
    )
    walls.around("survey", app="SELECT (site_id, visit_id), INSERT")
