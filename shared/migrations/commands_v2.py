"""Step 2 of the commands: idempotency keys are kept as hashes. Never edited: add a v3.

A client may have made its key of a patient's number, so the keys that stand in clear go, and their answers with them.
The wall around them is down for that moment, for no row is there for the owner behind it.
"""

from alembic import op

from shared.migrations import walls_v1 as walls


def upgrade() -> None:
    with walls.down("idempotency"):
        op.execute("DELETE FROM idempotency")
    op.execute("COMMENT ON COLUMN idempotency.key IS 'SHA-256 of the key: clients make theirs of what they like'")
    op.execute("COMMENT ON COLUMN idempotency.request_hash IS 'HMAC-SHA-256 of the request under the key'")
