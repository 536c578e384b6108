"""No two EHRs that count have one issuer or one FHIR server, whoever registers them at the same moment."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("issuer", "fhir_server"):
        op.execute(f"DROP INDEX ix_ehr_{column}")
        op.execute(f"CREATE UNIQUE INDEX uq_ehr_{column} ON ehr ({column}) WHERE revoked_at IS NULL")
