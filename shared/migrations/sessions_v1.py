"""Step 1 of signing in: sessions of a service's pages, one-time tokens that were spent. Never edited: add a v2."""

from alembic import op

from shared.migrations import walls_v1 as walls

_SESSIONS = """
CREATE TABLE session (
    session_hash bytea NOT NULL,
    subject text NOT NULL,
    role text NOT NULL,
    sites text[] NOT NULL,
    patient_id uuid,
    provider_session text,
    id_token text,
    opened_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    CONSTRAINT pk_session PRIMARY KEY (session_hash)
) WITH (fillfactor = 80);
COMMENT ON COLUMN session.session_hash IS 'SHA-256 of the secret in the cookie';
COMMENT ON COLUMN session.provider_session IS 'sid at the provider, for its word that the person signed out';
CREATE INDEX ix_session_ends_at ON session (ends_at);
CREATE INDEX ix_session_subject ON session (subject);
CREATE TABLE ended_subject (
    subject text NOT NULL,
    ended_at timestamptz NOT NULL,
    CONSTRAINT pk_ended_subject PRIMARY KEY (subject)
);
COMMENT ON COLUMN ended_subject.subject IS 'Whose sessions are over (shared.revocations)'
"""
_SPENT_TOKENS = """
CREATE TABLE spent_token (
    site_id text NOT NULL,
    issuer text NOT NULL,
    token_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_spent_token PRIMARY KEY (site_id, issuer, token_id)
);
CREATE INDEX ix_spent_token_expires_at ON spent_token (expires_at)
"""


def upgrade(*, takes_assertions: bool = True) -> None:
    for statement in _SESSIONS.split(";"):
        op.execute(statement)
    walls.grant("session", app="SELECT, INSERT, UPDATE (seen_at), DELETE")
    walls.grant("ended_subject", app="SELECT", worker="SELECT, INSERT")
    if takes_assertions:
        for statement in _SPENT_TOKENS.split(";"):
            op.execute(statement)
        walls.around("spent_token", app="SELECT, INSERT, DELETE")
