"""Step 2 of reading: what was set aside can be dropped, on record. Never edited: add a v3."""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE dead_letter DROP CONSTRAINT ck_dead_letter_state")
    op.execute(
        "ALTER TABLE dead_letter ADD CONSTRAINT ck_dead_letter_state "
        "CHECK (state IN ('dead', 'parked', 'waiting', 'dropped'))"
    )
