"""How it is known that a look is over. The worker closes those that nothing was heard of, and publishes that."""

from alembic import op

from shared.migrations import outbox_v4
from shared.migrations import walls_v1 as walls

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BUT_NOT_WHO = (
    "site_id, view_id, patient_id, visit_id, role, context, is_shared_screen, opened_at, duration_ms, panels, closed_by"
)


def upgrade() -> None:
    op.execute("ALTER TABLE view ADD COLUMN closed_by text")
    op.execute("COMMENT ON COLUMN view.closed_by IS 'How it is known that it is over; null while it is not'")
    with walls.down("view"):
        op.execute("UPDATE view SET closed_by = 'beacon' WHERE duration_ms IS NOT NULL")
    op.execute("CREATE INDEX ix_view_open ON view (opened_at) WHERE closed_by IS NULL")
    walls.grant("view", app="UPDATE (closed_by)", worker=f"SELECT ({_BUT_NOT_WHO}), UPDATE (closed_by)")
    walls.let_worker_write_outbox()
    op.execute(f"GRANT EXECUTE ON FUNCTION {outbox_v4.NAME} TO samepage_worker")
