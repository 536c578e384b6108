"""Tombstones of erased patients, idempotency keys as hashes."""

from shared.migrations import commands_v2, erasure_v1

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    commands_v2.upgrade()
    erasure_v1.upgrade()
    erasure_v1.let_erased_go("feedback")
    for table in ("invitation", "patient"):
        erasure_v1.let_erased_go(table, worker="DELETE")
