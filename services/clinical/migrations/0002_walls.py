"""The walls. A plan's words are put in and not taken out again: no statement reads them."""

from shared.migrations import walls_v1 as walls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CHANGES = {
    "assessment": "visit_id, clinician_id, activity, assessed_at",
    "lab": "loinc, value, unit, comparator, reference_low, reference_high, method, taken_at, reported",
    "medication": "name, drug_class, rxcui, dose, route, started_on, stopped_on, stop_reason",
}


def upgrade() -> None:
    walls.close_schema()
    walls.around_outbox()
    walls.around_commands()
    walls.around_delivery()
    walls.around("patient", app="SELECT", worker="SELECT, INSERT, UPDATE (sequence)")
    for table, columns in _CHANGES.items():
        walls.around(table, app=f"SELECT, INSERT, UPDATE ({columns})")
    walls.around(
        "plan_step",
        app="SELECT (site_id, step_id, patient_id, agreed_at, done_on), INSERT, "
        "UPDATE (visit_id, what, who, due_on, is_done, done_on, agreed_at)",
    )
