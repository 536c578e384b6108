"""A form that came as a draft can be put to use."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE form_definition ADD COLUMN activated_at timestamptz, ADD COLUMN activated_by text")
    walls.grant("form_definition", app="UPDATE (activated_at, activated_by)")
