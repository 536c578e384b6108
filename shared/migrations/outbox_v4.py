"""Step 4 of the outbox: events of several requests are added at once, each with its own trace. Never edited: add a v5.

The function with one trace for all stays beside it, for doors that were started before this step.
"""

from alembic import op

_ADD = """
CREATE FUNCTION outbox_add(
    in_sites text[], in_topics text[], in_keys text[], in_events uuid[], in_values bytea[], in_traceparents text[]
) RETURNS TABLE (out_sequence bigint, out_recorded_at timestamptz) LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$
BEGIN
    FOR i IN 1 .. cardinality(in_events) LOOP
        INSERT INTO outbox_head AS head (site_id, topic, key, sequence)
            VALUES (in_sites[i], in_topics[i], in_keys[i], 1)
            ON CONFLICT (site_id, topic, key) DO UPDATE SET sequence = head.sequence + 1
            RETURNING head.sequence INTO out_sequence;
        INSERT INTO outbox (site_id, event_id, topic, key, sequence, traceparent, value)
            VALUES (in_sites[i], in_events[i], in_topics[i], in_keys[i], out_sequence, in_traceparents[i], in_values[i])
            RETURNING recorded_at INTO out_recorded_at;
        RETURN NEXT;
    END LOOP;
END $$
"""
NAME = "outbox_add(text[], text[], text[], uuid[], bytea[], text[])"


def upgrade(*, worker_writes: bool = False) -> None:
    """`worker_writes`: the service's worker adds events too."""
    op.execute(_ADD)
    op.execute(f"REVOKE ALL ON FUNCTION {NAME} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {NAME} TO samepage_app{', samepage_worker' if worker_writes else ''}")
