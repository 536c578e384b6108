"""Links that patients sign in with, clients of the sites' systems, and sessions."""

from alembic import op

from shared.migrations import erasure_v1, sessions_v1
from shared.migrations import walls_v1 as walls

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE link_rule (
    site_id text NOT NULL,
    asks_birth_year boolean NOT NULL,
    CONSTRAINT pk_link_rule PRIMARY KEY (site_id),
    CONSTRAINT fk_link_rule_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
CREATE TABLE visit_link (
    site_id text NOT NULL,
    link_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    opened_at timestamptz,
    wrong_answers smallint NOT NULL,
    CONSTRAINT pk_visit_link PRIMARY KEY (site_id, link_id),
    CONSTRAINT fk_visit_link_visit FOREIGN KEY (site_id, visit_id) REFERENCES visit (site_id, visit_id)
);
COMMENT ON COLUMN visit_link.secret_hash IS 'SHA-256, and the secret itself is kept nowhere';
COMMENT ON COLUMN visit_link.opened_at IS 'When it was opened last';
COMMENT ON COLUMN visit_link.wrong_answers IS 'Since the last right one';
CREATE UNIQUE INDEX uq_visit_link_secret ON visit_link (site_id, secret_hash);
CREATE INDEX ix_visit_link_visit ON visit_link (site_id, visit_id);
CREATE TABLE client (
    site_id text NOT NULL,
    client_id text NOT NULL,
    key_set jsonb NOT NULL,
    added_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT pk_client PRIMARY KEY (site_id, client_id),
    CONSTRAINT fk_client_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
COMMENT ON COLUMN client.key_set IS 'The client''s public keys (JWK Set)'
"""


def upgrade() -> None:
    sessions_v1.upgrade()
    for statement in _TABLES.split(";"):
        op.execute(statement)
    walls.around("link_rule", app="SELECT, INSERT, UPDATE (asks_birth_year)")
    walls.around("visit_link", app="SELECT, INSERT, UPDATE (revoked_at, opened_at, wrong_answers)")
    erasure_v1.let_erased_go("visit_link", app="DELETE")
    walls.around("client", app="SELECT, INSERT, UPDATE (key_set, added_at, revoked_at)")
