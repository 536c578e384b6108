"""Sessions of patients."""

from shared.migrations import sessions_v1

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    sessions_v1.upgrade()
