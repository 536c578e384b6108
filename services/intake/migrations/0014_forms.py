"""Forms that a site brings: kept for ever, one of a url and version."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE form_definition (
    site_id text NOT NULL,
    form_id uuid NOT NULL,
    url text NOT NULL,
    version text NOT NULL,
    status text NOT NULL,
    title text NOT NULL,
    resource jsonb NOT NULL,
    uploaded_by text NOT NULL,
    uploaded_at timestamptz NOT NULL,
    retired_at timestamptz,
    retired_by text,
    CONSTRAINT pk_form_definition PRIMARY KEY (site_id, form_id),
    CONSTRAINT fk_form_definition_site FOREIGN KEY (site_id) REFERENCES site (site_id)
);
COMMENT ON COLUMN form_definition.status IS 'What the form said of itself when it came';
COMMENT ON COLUMN form_definition.resource IS 'The FHIR Questionnaire, as it came';
CREATE UNIQUE INDEX uq_form_definition_version ON form_definition (site_id, url, version)
"""


def upgrade() -> None:
    for statement in _TABLE.split(";"):
        op.execute(statement)
    walls.around("form_definition", app="SELECT, INSERT, UPDATE (retired_at, retired_by)")
