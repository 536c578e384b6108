"""Until when the outboxes have a partition for each month: `samepage migrate` makes them a year ahead.

Behind it rows go to the default partition. None is lost or refused, but the next `samepage migrate` has to move them,
while those who read and write them wait.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from deploy.databases import connected
from deploy.doors import SERVICES, publishes

SOON = timedelta(days=90)
# The first month without one, from now on: one far ahead, of a clock that was wrong for a moment, says nothing.
_END = """
SELECT min(month) AT TIME ZONE 'UTC' FROM generate_series(
    date_trunc('month', now() AT TIME ZONE 'UTC'), now() AT TIME ZONE 'UTC' + interval '20 years', interval '1 month'
) AS month WHERE to_regclass('outbox_' || to_char(month, 'YYYYMM')) IS NULL
"""


async def months_end(workers: Mapping[str, str]) -> dict[str, datetime]:
    """Until when each publisher's outbox has partitions; `workers` are DSNs of the services' worker roles."""
    ends: dict[str, datetime] = {}
    for service in filter(publishes, SERVICES):
        async with connected(workers[service]) as connection:
            ends[service] = await connection.fetchval(_END)
    return ends
