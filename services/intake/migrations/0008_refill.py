"""Events of the last minute are found quickly."""

from shared.migrations import outbox_v3

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    outbox_v3.upgrade()
