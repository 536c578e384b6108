"""Who did what with whose data, and the chains over it."""

from shared.migrations import audit_v1

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    audit_v1.upgrade()
