"""For reconciliation: how far each stream was written. What was set aside can be dropped."""

from shared.migrations import delivery_v2, outbox_v2

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    outbox_v2.upgrade()
    delivery_v2.upgrade()
