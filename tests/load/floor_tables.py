"""The tables of the floor: what the product writes durably, and nothing to check it by."""

TABLES = """
CREATE TABLE survey (
    site_id text NOT NULL,
    survey_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    visit_id uuid NOT NULL,
    response jsonb NOT NULL,
    submitted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_id, survey_id)
);
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    event_id uuid NOT NULL,
    site_id text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL
);
CREATE INDEX ON outbox (xid, position);
CREATE TABLE cursor (xid bigint NOT NULL, position bigint NOT NULL);
INSERT INTO cursor VALUES (0, 0);
CREATE TABLE page (
    site_id text NOT NULL,
    patient_id uuid NOT NULL,
    json bytea NOT NULL,
    html bytea NOT NULL DEFAULT '',
    PRIMARY KEY (site_id, patient_id)
);
CREATE TABLE look (
    site_id text NOT NULL,
    look_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    looked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_id, look_id)
);
CREATE TABLE audit (
    site_id text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    patient_id uuid NOT NULL,
    what text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_id, position)
);
CREATE TABLE arrived (event_id text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE fact (
    site_id text NOT NULL,
    topic text NOT NULL,
    event_id text NOT NULL,
    sequence bigint NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (site_id, topic, event_id)
);
CREATE TABLE place (topic text, partition integer, next_offset bigint NOT NULL, PRIMARY KEY (topic, partition));
"""

WRITTEN = "SELECT (SELECT count(*) FROM outbox) AS events"
