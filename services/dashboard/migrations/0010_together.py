"""Events of several requests are added at once."""

from shared.migrations import outbox_v4

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    outbox_v4.upgrade()
