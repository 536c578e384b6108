"""What was set aside is known by itself and not by its place in a log."""

from shared.migrations import delivery_v4

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    delivery_v4.upgrade()
