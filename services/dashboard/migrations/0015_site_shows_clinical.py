"""Whether a site shows its coordinators what patients and clinicians say of the disease."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE site ADD COLUMN shows_clinical_to_coordinators boolean NOT NULL DEFAULT false")
    walls.grant("site", worker="UPDATE (shows_clinical_to_coordinators)")
