"""Step 5 of the outbox: months that come too late take their rows out of the default partition. Never edited: add a v6.

Where nobody made partitions for a year, rows are in the default partition, and PostgreSQL refuses a month of which it
holds rows. Now they are moved, in the transaction that makes their month.
"""

from alembic import op

# Nobody is kept waiting where there is nothing to do; a file without pages holds no rows. Else everybody waits: a row
# whose way to the default partition was found before its month was made would be refused. The owner sees rows only
# while FORCE is lifted.
_PARTITIONS = """
CREATE OR REPLACE FUNCTION outbox_make_partitions(in_months integer) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    months date[] := ARRAY(
        SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i))::date
        FROM generate_series(0, in_months) AS i
        WHERE to_regclass(to_char(now() AT TIME ZONE 'UTC' + make_interval(months => i), '"outbox_"YYYYMM')) IS NULL
    );
    month date;
    partition text;
    begins text;
    ends text;
BEGIN
    IF cardinality(months) = 0 AND pg_relation_size('outbox_default') = 0 THEN
        RETURN;
    END IF;
    LOCK TABLE ONLY outbox IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE outbox_default NO FORCE ROW LEVEL SECURITY;
    months := months || ARRAY(
        SELECT DISTINCT date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date FROM outbox_default
    );
    FOREACH month IN ARRAY months LOOP
        partition := to_char(month, '"outbox_"YYYYMM');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        begins := month::text || ' 00:00:00+00';
        ends := (month + interval '1 month')::date::text || ' 00:00:00+00';
        EXECUTE format('CREATE TABLE %I (LIKE outbox INCLUDING DEFAULTS)', partition);
        EXECUTE format(
            'WITH moved AS (DELETE FROM outbox_default WHERE recorded_at >= %L AND recorded_at < %L RETURNING *) '
            'INSERT INTO %I SELECT * FROM moved', begins, ends, partition
        );
        EXECUTE format('ALTER TABLE outbox ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, begins, ends);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition);
    END LOOP;
    ALTER TABLE outbox_default FORCE ROW LEVEL SECURITY;
END $$
"""


def upgrade() -> None:
    op.execute(_PARTITIONS)
