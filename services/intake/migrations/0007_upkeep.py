"""For reconciliation: how far each stream was written."""

from shared.migrations import outbox_v2

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    outbox_v2.upgrade()
