"""Who entered each answer of a draft: to some, only their own are shown."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE survey_draft ADD COLUMN entered_by jsonb NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE survey_draft ALTER COLUMN entered_by DROP DEFAULT")
    op.execute("COMMENT ON COLUMN survey_draft.entered_by IS 'The subject who entered each answer, by item'")
    walls.grant("survey_draft", app="UPDATE (entered_by)")
