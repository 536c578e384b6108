"""Step 1 of the outbox: the event log of a service, its heads, and the relay's cursor. Never edited: add a v2."""

from alembic import op

_TABLES = """
CREATE SEQUENCE outbox_position;
CREATE TABLE outbox (
    site_id text NOT NULL,
    xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    position bigint NOT NULL DEFAULT nextval('outbox_position'),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    sequence bigint NOT NULL,
    traceparent text,
    value bytea NOT NULL,
    CONSTRAINT pk_outbox PRIMARY KEY (site_id, xid, position, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX ix_outbox_xid ON outbox (xid, position);
CREATE INDEX ix_outbox_event_id ON outbox (event_id);
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;
CREATE TABLE outbox_head (
    site_id text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT pk_outbox_head PRIMARY KEY (site_id, topic, key)
) WITH (fillfactor = 80);
CREATE TABLE relay_cursor (
    name text NOT NULL,
    xid bigint NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT pk_relay_cursor PRIMARY KEY (name)
);
"""

# Volatile, so that each inner statement sees what was committed before the caller's locks were granted. One CTE
# statement that did the same gave double and inverted sequences when measured.
_ADD = """
CREATE FUNCTION outbox_add(
    in_sites text[], in_topics text[], in_keys text[], in_events uuid[], in_values bytea[], in_traceparent text
) RETURNS TABLE (out_sequence bigint, out_recorded_at timestamptz) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    FOR i IN 1 .. cardinality(in_events) LOOP
        INSERT INTO outbox_head AS head (site_id, topic, key, sequence)
            VALUES (in_sites[i], in_topics[i], in_keys[i], 1)
            ON CONFLICT (site_id, topic, key) DO UPDATE SET sequence = head.sequence + 1
            RETURNING head.sequence INTO out_sequence;
        INSERT INTO outbox (site_id, event_id, topic, key, sequence, traceparent, value)
            VALUES (in_sites[i], in_events[i], in_topics[i], in_keys[i], out_sequence, in_traceparent, in_values[i])
            RETURNING recorded_at INTO out_recorded_at;
        RETURN NEXT;
    END LOOP;
END $$
"""

# A month ahead is enough for any pause of the job that calls this; rows without a partition go to the default one.
_PARTITIONS = """
CREATE FUNCTION outbox_make_partitions(in_months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month date;
BEGIN
    FOR i IN 0 .. in_months LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i);
        IF to_regclass('outbox_' || to_char(month, 'YYYYMM')) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)',
                'outbox_' || to_char(month, 'YYYYMM'),
                month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00'
            );
        END IF;
    END LOOP;
END $$
"""


def upgrade() -> None:
    for statement in (*filter(None, map(str.strip, _TABLES.split(";"))), _ADD, _PARTITIONS):
        op.execute(statement)
    op.execute("SELECT outbox_make_partitions(12)")
    op.execute("INSERT INTO relay_cursor (name, xid, position) VALUES ('kafka', 0, 0)")
