"""The number that a site's patients call."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE site ADD COLUMN care_line text")
    op.execute("COMMENT ON COLUMN site.care_line IS 'The number that patients call, if the site gave one'")
    walls.grant("site", worker="UPDATE (care_line)")
