"""The dashboard's HTTP door without its audit: to see what the audit costs, and for nothing else."""

import sys
from collections.abc import Sequence

from deploy.doors import Door, run
from shared import audit
from shared.audit import Act, Entry
from shared.db import Connection


async def _forget(connection: Connection, act: Act, entries: Sequence[Entry]) -> None:
    """Put nothing on record."""


if __name__ == "__main__":
    audit.record = _forget
    sys.exit(run(Door("dashboard", "app")))
