"""Tells a clinic's own people that an alert waits, for as long as the worker runs: to the addresses that they set.

Guarantees:
- A notice says that there is something to look at, at which clinic and where the list is, and nothing of the patient.
- Of an alert, and of each level that it reaches, a clinic is told once: it is marked as told, and the notice kept, in
  one commit before anything is sent. Then it goes as a link does: once as far as a mail server lets anybody know it,
  with a bound on tries, and whatever became of it stands beside the alert. What reached none of its addresses is told
  of again when it sets a new one.
- Many alerts at once make one notice; for a while after it what else comes waits for the next.
- What somebody took meanwhile is not told of any more.

The quiet hours of a clinic do not hold a notice back. They spare patients, whose visit is days away; here an answer of
the evening may not wait until the morning. Who is not to be woken is no address for alerts.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import structlog

from services.intake import store
from services.intake.domain import THE_WORKER, Channel, DeliveryState, Notice, come_to, notice_in_hand
from services.intake.pages.alert_message import words_of
from services.intake.sending.messenger import Message, Messenger, outcome_of
from services.intake.store import DueNotice
from shared import audit
from shared.audit import Entry, Kind, Purpose, act_of_program
from shared.auth import Role
from shared.db import Pool, transaction
from shared.http.sessions import Clock, utc_now
from shared.jobs import all_of, keep_doing
from shared.telemetry import ALERT_NOTICES

_log = structlog.get_logger()
_LOOK_S = 5.0
# Longer than any messenger may take.
_HOLD = timedelta(minutes=2)
_AT_ONCE = 8
_SITES_AT_ONCE = 100


class Notifier:
    """That of one worker; `run` ends by being cancelled only. `origin` is where the list of alerts stands."""

    def __init__(self, pool: Pool, messenger: Messenger, origin: str, *, clock: Clock = utc_now) -> None:
        self._pool = pool
        self._messenger = messenger
        self._address = f"{origin}/alerts"
        self._clock = clock

    async def run(self) -> None:
        """Tell and send."""
        await keep_doing(self._tell_and_send, every_s=_LOOK_S, otherwise="nobody is told of alerts")

    async def _tell_and_send(self) -> int:
        await self.tell()
        return await self.send_due()

    async def tell(self) -> int:
        """Make the notices of all sites that have something to be told of, and mark it as told; how many."""
        async with transaction(self._pool) as connection:
            now = self._clock()
            addresses = await store.hold_sites_to_tell(connection, now, _SITES_AT_ONCE)
            claimed = await store.record_told(connection, list(addresses), now) if addresses else []
            levels: dict[str, int] = {}
            for one in claimed:
                levels[one.site_id] = max(one.escalation, levels.get(one.site_id, 0))
            notices = [
                Notice(
                    site_id=site_id,
                    notice_id=uuid4(),
                    address=address,
                    is_escalated=level > 0,
                    made_at=now,
                    held_until=now,
                )
                for site_id, level in levels.items()
                for address in addresses[site_id]
            ]
            if notices:
                await store.record_notices(connection, notices)
                act = act_of_program(THE_WORKER, Role.SYSTEM, Purpose.CARE, method="JOB", route="tell-of-alerts")
                written = [Entry(one.site_id, Kind.WRITE, 200, one.patient_id) for one in claimed]
                await audit.record(connection, act, written)
        return len(notices)

    async def send_due(self) -> int:
        """Send what is due, some at once; how many were taken for it."""
        due = await self._taken_in_hand()
        await all_of(map(self._deliver, due))
        return len(due)

    async def _taken_in_hand(self) -> Sequence[DueNotice]:
        """Keep how the notices that are due go on; those that are to be sent now."""
        now = self._clock()
        ready = []
        async with transaction(self._pool) as connection:
            for due in await store.hold_due_notices(connection, now, _AT_ONCE):
                notice = notice_in_hand(due.notice, now + _HOLD, now, is_wanted=due.is_wanted)
                await store.record_notice_progress(connection, due.notice, notice)
                if notice.state is DeliveryState.SENDING:
                    ready.append(due._replace(notice=notice))
        return ready

    async def _deliver(self, ready: DueNotice) -> None:
        outcome, code = await outcome_of(self._messenger, _message(ready, self._address))
        ALERT_NOTICES.labels(outcome).inc()
        after = come_to(ready.notice, outcome, code, self._clock())
        async with transaction(self._pool) as connection:
            await store.record_notice_progress(connection, ready.notice, after)


def _message(ready: DueNotice, address: str) -> Message:
    words = words_of(ready.language, site_name=ready.site_name, address=address, is_escalated=ready.notice.is_escalated)
    return Message(
        message_id=ready.notice.notice_id,
        channel=Channel.EMAIL,
        to=ready.notice.address,
        sender_name=ready.site_name,
        subject=words.subject,
        text=words.text,
    )
