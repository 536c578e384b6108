"""Step 1 of erasing: the tombstones of a service that keeps patients. Never edited: add a v2."""

from alembic import op

from shared.migrations import walls_v1 as walls

TAKEN = "SELECT (site_id, patient_id), DELETE"  # by a role that sees nothing else there


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


def let_erased_go(table: str, *, app: str | None = None, worker: str = TAKEN, who: str = "patient_id") -> None:
    """Let rows be deleted: of those with a tombstone only. `app` and `worker` are what each needs, as in GRANT."""
    is_erased = f"erasure.site_id = {table}.site_id AND erasure.{who} = {table}.{who}"
    op.execute(
        f"CREATE POLICY erased ON {table} AS RESTRICTIVE FOR DELETE TO samepage_app, samepage_worker "
        f"USING (EXISTS (SELECT FROM erasure WHERE {is_erased}))"
    )
    walls.grant(table, app=app, worker=worker)
