"""Words sealed at rest, tombstones of erased patients, idempotency keys as hashes."""

from alembic import op

from shared.migrations import commands_v2, erasure_v1
from shared.migrations import walls_v1 as walls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Nothing was released that kept words in clear, and there is no key here to seal them with.
_REFUSE = """
DO $$ BEGIN
    IF EXISTS (
        SELECT FROM survey WHERE jsonb_path_exists(response, '$.concerns[*].words ? (@ != null)')
        OR response ->> 'matters_most' IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'The database of intake holds words in clear, from before the key ring. They are of a '
            'development version: make the databases anew (make clean).';
    END IF;
END $$
"""


def upgrade() -> None:
    with walls.down("survey"):
        op.execute(_REFUSE)
    op.execute("ALTER TABLE survey ADD COLUMN words text")
    op.execute("COMMENT ON COLUMN survey.words IS 'What the patient said in words, sealed for this record'")
    op.execute("COMMENT ON COLUMN survey.response IS 'As the patient gave it: answers and skips, in codes'")
    commands_v2.upgrade()
    erasure_v1.upgrade(app="SELECT, INSERT")
    walls.let_worker_write_outbox()
    erasure_v1.let_erased_go("survey", app=erasure_v1.TAKEN)
    erasure_v1.let_erased_go("visit", app="DELETE")
    erasure_v1.let_erased_go("patient", app="DELETE", worker="SELECT, DELETE")
