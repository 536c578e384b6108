"""What the rows of a file that is tried are about: later rows about the same are tried after them."""

from alembic import op

from shared.migrations import walls_v1 as walls

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE import_tried (
    site_id text NOT NULL,
    import_id uuid NOT NULL,
    about bytea NOT NULL,
    line integer NOT NULL,
    part integer NOT NULL,
    CONSTRAINT pk_import_tried PRIMARY KEY (site_id, import_id, about, line),
    CONSTRAINT fk_import_tried_file FOREIGN KEY (site_id, import_id) REFERENCES import_file (site_id, import_id)
        ON DELETE CASCADE
);
COMMENT ON COLUMN import_tried.about IS 'The patient or visit: a keyed hash of what the site calls it, or our own id'
"""


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        op.execute(statement)
    walls.around("import_tried", app="SELECT, INSERT, DELETE")
