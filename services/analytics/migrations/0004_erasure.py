"""Tombstones of erased people, by pseudonym."""

from alembic import op

revision = "0004"
down_revision = "0001"
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
