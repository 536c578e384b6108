"""Step 1 of the audit: the rows, the chains over them and how far the notary is. Never edited: add a v2.

Rows and chains can be added to and read, not changed: a trigger refuses everybody, whatever they were granted. Only
who owns the table can take the trigger away, and then the chain tells (`samepage audit verify`).
"""

from alembic import op

_TABLES = """
CREATE SEQUENCE audit_number;
CREATE TABLE audit (
    site_id text NOT NULL,
    number bigint NOT NULL DEFAULT nextval('audit_number'),
    xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    subject text NOT NULL,
    role text NOT NULL,
    kind text NOT NULL,
    purpose text NOT NULL,
    patient_id uuid,
    method text NOT NULL,
    route text NOT NULL,
    status smallint NOT NULL,
    request_id text NOT NULL,
    trace_id text NOT NULL,
    event_id uuid,
    asked text[] NOT NULL,
    CONSTRAINT ck_audit_kind CHECK (kind IN ('read', 'write', 'repeated', 'refused', 'denied', 'export')),
    CONSTRAINT pk_audit PRIMARY KEY (site_id, number)
);
CREATE INDEX ix_audit_xid ON audit (xid, number);
CREATE INDEX ix_audit_patient ON audit (patient_id, recorded_at) WHERE patient_id IS NOT NULL;
CREATE TABLE audit_chain (
    site_id text NOT NULL,
    height bigint NOT NULL,
    number bigint NOT NULL,
    row_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT pk_audit_chain PRIMARY KEY (site_id, height)
);
CREATE UNIQUE INDEX uq_audit_chain_number ON audit_chain (site_id, number);
CREATE TABLE notary_cursor (
    name text NOT NULL,
    xid bigint NOT NULL,
    lines bigint NOT NULL,
    CONSTRAINT pk_notary_cursor PRIMARY KEY (name)
);
COMMENT ON COLUMN audit.subject IS 'Who: the subject of the token';
COMMENT ON COLUMN audit.event_id IS 'What was written: the receipt';
COMMENT ON COLUMN audit.asked IS 'Ids that a refused request named, as name=id';
COMMENT ON COLUMN notary_cursor.xid IS 'Every row of an older transaction is on its chain';
COMMENT ON COLUMN notary_cursor.lines IS 'Signed lines in the book of heads'
"""

_REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""

# Where the server has the two roles: the application adds rows of sites that it has bound, and reads those; the worker
# chains. Neither is granted anything else.
_WALLS = """
DO $$
DECLARE
    bound text := 'site_id = ANY ((SELECT string_to_array(current_setting(''samepage.sites''), '',''))::text[])';
    closed text;
BEGIN
    IF (SELECT count(*) FROM pg_roles WHERE rolname IN ('samepage_app', 'samepage_worker')) < 2 THEN
        RETURN;
    END IF;
    FOREACH closed IN ARRAY ARRAY['audit', 'audit_chain'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', closed);
        EXECUTE format('CREATE POLICY app ON %I TO samepage_app USING (%s) WITH CHECK (%s)', closed, bound, bound);
        EXECUTE format('CREATE POLICY worker ON %I TO samepage_worker USING (true) WITH CHECK (true)', closed);
    END LOOP;
    GRANT SELECT, INSERT ON audit TO samepage_app, samepage_worker;
    GRANT USAGE ON SEQUENCE audit_number TO samepage_app, samepage_worker;
    GRANT SELECT, INSERT ON audit_chain TO samepage_worker;
    GRANT SELECT, UPDATE (xid, lines) ON notary_cursor TO samepage_worker;
END $$
"""


def upgrade() -> None:
    for statement in (*filter(None, map(str.strip, _TABLES.split(";"))), _REFUSE):
        op.execute(statement)
    op.execute("REVOKE ALL ON FUNCTION audit_refuse() FROM PUBLIC")
    for table in ("audit", "audit_chain"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        )
    op.execute("INSERT INTO notary_cursor (name, xid, lines) VALUES ('chain', 0, 0)")
    op.execute(_WALLS)
