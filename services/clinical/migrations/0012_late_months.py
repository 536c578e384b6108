"""Months of the outbox that are made too late take over the rows that were written meanwhile."""

from shared.migrations import outbox_v5

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    outbox_v5.upgrade()
