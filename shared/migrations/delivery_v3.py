"""Step 3 of reading: a place in a log that was made anew may hold another record. Never edited: add a v4."""

from shared.migrations import walls_v1 as walls


def upgrade() -> None:
    walls.grant("dead_letter", worker="UPDATE (key, sequence, headers, value, timestamp_ms)")
