"""How often somebody may try, counted over all doors of the service."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

COUNTED_FOR = timedelta(hours=1)


def wait_s(tries: Sequence[datetime], most: int, now: datetime) -> int:
    """Seconds until the next try, at most `most` an hour; 0 when it may go on. `tries` are the latest, newest first."""
    if len(tries) < most:
        return 0
    return max(0, math.ceil((tries[most - 1] + COUNTED_FOR - now).total_seconds()))
