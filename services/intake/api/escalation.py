"""Alerts that nobody takes escalate: when is a column of theirs, so that a restart forgets none.

Guarantee: an escalation has one effect, however many workers look and however long none did: a row in `alert_step` of
the kind `escalated`, written with the alert's new level. After a pause an alert goes in one step to the level that it
has reached, of which the clinic is told (`sending.notices`).
"""

from uuid import uuid4

from services.intake import store
from services.intake.domain import StepKind, alert_escalated
from shared import audit
from shared.audit import Entry, Kind, Purpose, act_of_program
from shared.auth import Role
from shared.db import Pool, transaction
from shared.http.sessions import Clock
from shared.telemetry import ALERTS, ALERTS_LOOKED_AT, ALERTS_OLDEST_UNOWNED

CLOCK = "clock"
_AT_ONCE = 500


async def escalate_alerts(pool: Pool, clock: Clock) -> int:
    """Escalate every alert that is due by now; how many did."""
    escalated = 0
    while held := await _escalate_some(pool, clock):
        escalated += held
    return escalated


async def _escalate_some(pool: Pool, clock: Clock) -> int:
    async with transaction(pool) as connection:
        now = clock()
        due = await store.hold_due_alerts(connection, now, _AT_ONCE)
        if not due:
            return 0
        reached = [alert_escalated(alert, now) for alert in due]
        steps = [(alert, store.AlertStep(uuid4(), StepKind.ESCALATED, now, CLOCK)) for alert in reached]
        await store.record_escalations(connection, steps)
        act = act_of_program("intake-worker", Role.SYSTEM, Purpose.CARE, method="JOB", route="escalate-alerts")
        await audit.record(connection, act, [Entry(one.site_id, Kind.WRITE, 200, one.patient_id) for one in reached])
    return len(due)


async def measure_alerts(pool: Pool, clock: Clock) -> None:
    """Say in metrics how many alerts wait, over all sites."""
    now = clock()
    async with transaction(pool) as connection:
        waiting = await store.waiting_alerts_of_all_sites(connection, now)
    ALERTS.labels("open").set(waiting.open)
    ALERTS.labels("unowned").set(waiting.unowned)
    ALERTS.labels("escalated").set(waiting.escalated)
    ALERTS.labels("untold").set(waiting.untold)
    since = waiting.oldest_unowned_at
    ALERTS_OLDEST_UNOWNED.set(0 if since is None else max(0.0, (now - since).total_seconds()))
    ALERTS_LOOKED_AT.set(now.timestamp())
