"""When each answer of a draft was given: one that was given before it and arrives late does not replace it."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE survey_draft ADD COLUMN entered_at jsonb NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE survey_draft ALTER COLUMN entered_at DROP DEFAULT")
    op.execute("COMMENT ON COLUMN survey_draft.entered_at IS 'When each answer was given, by item'")
    walls.grant("survey_draft", app="UPDATE (entered_at)")
