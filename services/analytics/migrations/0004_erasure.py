"""Tombstones of erased people, by pseudonym."""

from alembic import op

from shared.migrations import erasure_v1
from shared.migrations import walls_v1 as walls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE erasure (
            site_id text NOT NULL,
            person uuid NOT NULL,
            CONSTRAINT pk_erasure PRIMARY KEY (site_id, person)
        )
        """
    )
    walls.around("erasure", worker="SELECT, INSERT", is_for_figures=True)
    for table in ("enrolment", "visit", "survey", "clinical_fact", "view", "feedback"):
        erasure_v1.let_erased_go(table, worker="DELETE", who="person")
