"""The walls. The application makes figures of every site out of pseudonymised facts and can change nothing."""

from shared.migrations import walls_v1 as walls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FACTS = {
    "site": "name, site_type, sequence",
    "enrolment": "enrolled_on, birth_year, sex, education, language, diagnosis, clinician, consent, sequence",
    "visit": "person, clinician, scheduled_at, state, completed_at, sequence",
    "survey": "visit, person, submitted_at, answered, skipped, sequence",
    "view": "visit, person, role, context, is_shared_screen, opened_at, duration_ms, sequence",
    "feedback": "visit, person, received_at, effort_to_understand, effort_to_listen, effort_to_include, "
    "helped_discussion, helped_what_matters, helped_decisions, used_in_visit, used_outside_visit, "
    "used_over_one_month, sequence",
}


def upgrade() -> None:
    walls.close_schema()
    walls.around_delivery(is_for_figures=True)
    for table, columns in _FACTS.items():
        walls.around(table, app="SELECT", worker=f"SELECT, INSERT, UPDATE ({columns})", is_for_figures=True)
    facts = "SELECT, INSERT, UPDATE (person, kind, effective_at, sequence)"
    walls.around("clinical_fact", worker=facts, is_for_figures=True)  # no figure is made of it
