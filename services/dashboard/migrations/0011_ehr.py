"""EHRs of the sites, that show cards about patients and open their pages."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE ehr (
    site_id text NOT NULL,
    name text NOT NULL,
    issuer text NOT NULL,
    key_set text NOT NULL,
    fhir_server text NOT NULL,
    client_id text NOT NULL,
    origins text[] NOT NULL,
    added_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT pk_ehr PRIMARY KEY (site_id, name)
);
COMMENT ON COLUMN ehr.issuer IS 'iss of the tokens that it calls us with';
COMMENT ON COLUMN ehr.key_set IS 'Address of the keys (JWK Set) that sign them';
COMMENT ON COLUMN ehr.fhir_server IS 'iss of its launches';
COMMENT ON COLUMN ehr.client_id IS 'What we are called there';
COMMENT ON COLUMN ehr.origins IS 'Of its pages: they may frame ours, and call us';
CREATE INDEX ix_ehr_issuer ON ehr (issuer);
CREATE INDEX ix_ehr_fhir_server ON ehr (fhir_server)
"""
_CHANGED = "issuer, key_set, fhir_server, client_id, origins, added_at, revoked_at"


def upgrade() -> None:
    for statement in _TABLE.split(";"):
        op.execute(statement)
    # Who calls is looked up before it is known whose EHR it is. The door reads, and cannot change whom it believes.
    walls.around("ehr", app="SELECT", worker=f"SELECT, INSERT, UPDATE ({_CHANGED})", is_for_figures=True)
