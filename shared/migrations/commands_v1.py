"""Step 1 of the commands: the stored answer of every idempotency key. Never edited: add a v2."""

from alembic import op


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE idempotency (
            site_id text NOT NULL,
            key text NOT NULL,
            request_hash bytea NOT NULL,
            status smallint NOT NULL,
            answer bytea NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_idempotency PRIMARY KEY (site_id, key)
        )
        """
    )
