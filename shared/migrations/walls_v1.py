"""Step 1 of the walls: for a role that is not meant to see a row, the row does not exist. Never edited: add a v2.

Every table with a site has row-level security, forced on its owner too. Its policies say which sites a role reaches:
the application those that its transaction has bound (`shared.db.transaction`), the worker every site, the owner none.
Its grants say what a role may do there at all. The two roles are made with the database (`deploy.databases`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op

_APP, _WORKER = "samepage_app", "samepage_worker"
# Evaluated once a statement. Fails where nothing was ever bound; where something was, it is '' afterwards: no site.
BOUND_SITES = "site_id = ANY ((SELECT string_to_array(current_setting('samepage.sites'), ','))::text[])"

# As in step 1 of the outbox; a partition is closed by itself too, for it can be named without its parent.
_PARTITIONS = """
CREATE OR REPLACE FUNCTION outbox_make_partitions(in_months integer) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    month date;
    partition text;
BEGIN
    FOR i IN 0 .. in_months LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i);
        partition := 'outbox_' || to_char(month, 'YYYYMM');
        IF to_regclass(partition) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)', partition,
                month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00'
            );
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition);
        END IF;
    END LOOP;
END $$
"""
_CLOSE_PARTITIONS = """
DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'outbox'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition);
    END LOOP;
END $$
"""
_ADD = "outbox_add(text[], text[], text[], uuid[], bytea[], text)"


def close_schema() -> None:
    """The roles may find what is in the schema, and nobody else may."""
    op.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {_APP}, {_WORKER}")


def around(table: str, *, app: str | None = None, worker: str | None = None, is_for_figures: bool = False) -> None:
    """Close a table with a site. `app` and `worker` are what each role may do there, as in GRANT; None is nothing.

    `is_for_figures`: the application makes figures of all sites together, so it sees every site and changes nothing.
    """
    sites = "FOR SELECT TO {0} USING (true)" if is_for_figures else "TO {0} USING ({1}) WITH CHECK ({1})"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY app ON {table} {sites.format(_APP, BOUND_SITES)}")
    op.execute(f"CREATE POLICY worker ON {table} TO {_WORKER} USING (true) WITH CHECK (true)")
    grant(table, app=app, worker=worker)


@contextmanager
def down(table: str) -> Iterator[None]:
    """In a migration that reads or changes rows: the owner is let through for as long."""
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def grant(table: str, *, app: str | None = None, worker: str | None = None) -> None:
    """What each role may do with a table, as in GRANT."""
    for role, privileges in ((_APP, app), (_WORKER, worker)):
        if privileges is not None:
            op.execute(f"GRANT {privileges} ON {table} TO {role}")


def around_outbox() -> None:
    """The application appends and never reads what an event said; the worker sends it; nobody changes one."""
    progress = "site_id, xid, position, recorded_at, event_id, topic, key, sequence"
    around("outbox", app=f"SELECT ({progress}), INSERT", worker="SELECT")
    around("outbox_head", app="SELECT, INSERT, UPDATE (sequence)")
    grant("relay_cursor", app="SELECT", worker="SELECT, UPDATE (xid, position)")
    op.execute(f"GRANT USAGE ON SEQUENCE outbox_position TO {_APP}")
    op.execute(_CLOSE_PARTITIONS)
    op.execute(_PARTITIONS)
    op.execute(f"ALTER FUNCTION {_ADD} SET search_path = public, pg_temp")
    op.execute(f"REVOKE ALL ON FUNCTION {_ADD}, outbox_make_partitions(integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_ADD} TO {_APP}")


def let_worker_write_outbox() -> None:
    """For a service whose worker finishes what its door began, with the events that belong to it."""
    grant("outbox", worker="INSERT")
    grant("outbox_head", worker="SELECT, INSERT, UPDATE (sequence)")
    op.execute(f"GRANT USAGE ON SEQUENCE outbox_position TO {_WORKER}")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_ADD} TO {_WORKER}")


def around_commands() -> None:
    """A stored answer is never changed."""
    around("idempotency", app="SELECT, INSERT")


def around_delivery(*, is_for_figures: bool = False) -> None:
    """The worker keeps account of its reading; the application sees what has arrived, and figures how much has not."""
    around("delivery", app="SELECT", worker="SELECT, INSERT", is_for_figures=is_for_figures)
    letters = "SELECT (site_id)" if is_for_figures else None
    keeping = "SELECT, INSERT, DELETE, UPDATE (state, reason)"
    around("dead_letter", app=letters, worker=keeping, is_for_figures=is_for_figures)
    around("consumer_head", worker="SELECT, INSERT, UPDATE (sequence)", is_for_figures=is_for_figures)
    grant("consumer_offset", worker="SELECT, INSERT, UPDATE (next_offset, last_event_id)")
