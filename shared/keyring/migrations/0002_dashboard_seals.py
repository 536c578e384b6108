"""The dashboard seals too: why somebody of another site opened a page is said in words."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT INSERT ON site_key, patient_key TO keyring_dashboard")
