"""Step 4 of reading: what was set aside is known by itself and not by its place. Never edited: add a v5."""

from alembic import op

from shared.migrations import walls_v1 as walls

_IDS = """
UPDATE dead_letter SET letter_id = left(encode(sha256(convert_to(
    concat_ws(' ', topic, partition, record_offset, key, headers), 'UTF8'
) || value), 'hex'), 32)::uuid
"""


def upgrade() -> None:
    op.execute("ALTER TABLE dead_letter ADD COLUMN letter_id uuid")
    op.execute("COMMENT ON COLUMN dead_letter.letter_id IS 'A digest of the record and of its place'")
    with walls.down("dead_letter"):
        op.execute(_IDS)
    op.execute("ALTER TABLE dead_letter DROP CONSTRAINT pk_dead_letter")
    op.execute("ALTER TABLE dead_letter ADD CONSTRAINT pk_dead_letter PRIMARY KEY (site_id, consumer, letter_id)")
    op.execute("REVOKE UPDATE (key, headers, value, timestamp_ms) ON dead_letter FROM samepage_worker")
