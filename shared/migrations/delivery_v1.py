"""Step 1 of reading: how far each consumer is, what it applied, and what it set aside. Never edited: add a v2."""

from alembic import op

_TABLES = """
CREATE TABLE consumer_offset (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    last_event_id text,
    CONSTRAINT pk_consumer_offset PRIMARY KEY (consumer, topic, partition)
);
CREATE TABLE consumer_head (
    site_id text NOT NULL,
    consumer text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT pk_consumer_head PRIMARY KEY (site_id, consumer, topic, key)
) WITH (fillfactor = 80);
CREATE TABLE delivery (
    site_id text NOT NULL,
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    sent_at timestamptz NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_delivery PRIMARY KEY (site_id, consumer, event_id)
);
CREATE INDEX ix_delivery_event_id ON delivery (event_id);
CREATE TABLE dead_letter (
    site_id text NOT NULL,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    key text NOT NULL,
    sequence bigint,
    headers jsonb NOT NULL,
    value bytea NOT NULL,
    timestamp_ms bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT ck_dead_letter_state CHECK (state IN ('dead', 'parked', 'waiting')),
    CONSTRAINT pk_dead_letter PRIMARY KEY (site_id, consumer, topic, partition, record_offset)
);
CREATE INDEX ix_dead_letter_key ON dead_letter (site_id, consumer, topic, key)
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
