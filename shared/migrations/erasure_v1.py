"""Step 1 of erasing: the tombstones of a service that keeps patients. Never edited: add a v2."""

from alembic import op

from shared.migrations import walls_v1 as walls


def upgrade(*, app: str = "SELECT") -> None:
    """`app` is what the application may do with tombstones: the worker puts them up, except where erasing begins."""
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
    walls.around("erasure", app=app, worker="SELECT, INSERT")
