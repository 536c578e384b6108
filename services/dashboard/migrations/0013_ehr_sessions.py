"""Whoever revokes an EHR ends the sessions that it opened."""

from shared.migrations import walls_v1 as walls

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    walls.grant("session", worker="SELECT (provider_session), DELETE")
