"""Step 1 of erasing: the tombstones of a service that keeps patients. Never edited: add a v2."""

from alembic import op


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE erasure (
            site_id text NOT NULL,
            patient_id uuid NOT NULL,
            erased_at timestamptz NOT NULL,
            CONSTRAINT pk_erasure PRIMARY KEY (site_id, patient_id)
        )
        """
    )
