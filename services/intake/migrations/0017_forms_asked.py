"""A site says which of its own forms is asked of which diagnosis."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE survey_rule ADD COLUMN forms jsonb NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE survey_rule ALTER COLUMN forms DROP DEFAULT")
    op.execute("COMMENT ON COLUMN survey_rule.forms IS 'The form of the site''s own that is asked, by diagnosis'")
    walls.grant("survey_rule", app="UPDATE (forms)")
