"""A visit is found by its number whatever the system that the number is of: of two systems, two visits may have one."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE visit_name DROP CONSTRAINT pk_visit_name, "
        "ADD CONSTRAINT pk_visit_name PRIMARY KEY (site_id, name_hash, visit_id)"
    )
    op.execute(
        "COMMENT ON COLUMN visit_name.name_hash IS "
        "'Keyed, of what the site''s own system calls the visit, or of the number in that'"
    )
