"""Looks that nothing is heard of any more are closed by a time-out, and published as that: nobody knows how long.

Guarantee: each is closed once, however many workers look and however long none did. What the page says after all, such
as a tablet that was asleep, is believed then.
"""

from datetime import timedelta

from services.dashboard import store
from shared import audit, outbox
from shared.audit import Entry, Kind, Purpose, act_of_program
from shared.auth import Role
from shared.db import Pool, transaction
from shared.http.sessions import Clock
from shared.outbox import Draft

_AT_ONCE = 200


async def close_silent_views(pool: Pool, clock: Clock, silent_for: timedelta) -> int:
    """Close every look that began so long ago and was not heard of since; how many were."""
    closed = 0
    while found := await _close_some(pool, clock, silent_for):
        closed += found
    return closed


async def _close_some(pool: Pool, clock: Clock, silent_for: timedelta) -> int:
    before = clock() - silent_for
    async with transaction(pool) as connection:
        patients = set(await store.silent_views_of_all_sites(connection, before, _AT_ONCE))
    if not patients:
        return 0
    async with transaction(pool, locks=patients) as connection:
        views = await store.record_views_timed_out(connection, patients, before)
        drafts = [Draft(site_id, str(view.patient_id), view) for site_id, view in views]
        act = act_of_program("dashboard-worker", Role.SYSTEM, Purpose.CARE, method="JOB", route="close-silent-views")
        await outbox.add(connection, drafts)
        await audit.record(
            connection,
            act,
            [
                Entry(draft.site_id, Kind.WRITE, 200, view.patient_id, draft.event_id)
                for (_, view), draft in zip(views, drafts, strict=True)
            ],
        )
    return len(views)
