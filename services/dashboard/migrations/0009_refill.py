"""Events of the last minute are found quickly; a place in a log that was made anew may hold another record."""

from shared.migrations import delivery_v3, outbox_v3

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    delivery_v3.upgrade()
    outbox_v3.upgrade()
