"""Step 2 of the outbox: the worker's role may see how far each stream was written. Never edited: add a v3."""

from shared.migrations import walls_v1 as walls


def upgrade() -> None:
    walls.grant("outbox_head", worker="SELECT")
