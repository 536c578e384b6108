"""Tombstones of erased patients, idempotency keys as hashes."""

from shared.migrations import commands_v2, erasure_v1
from shared.migrations import walls_v1 as walls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    commands_v2.upgrade()
    erasure_v1.upgrade()
    walls.grant("feedback", worker="SELECT (site_id, patient_id), DELETE")
    for table in ("invitation", "patient"):
        walls.grant(table, worker="DELETE")
