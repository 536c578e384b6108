"""The courier: plans the messages of coming visits and sends what is due, for as long as the worker runs.

Guarantee: a message is sent once, as far as a mail server lets anybody know it.
- It is taken by one worker at a time, for a limited time, and judged anew under the patient's lock (`in_hand`).
- It is kept as `sending`, with its link, and committed before it is sent; what came of it is kept afterwards.
- Only where the worker or the connection is lost in between is it sent again, once (`domain/tries.py`).

Where a message goes is opened from its seal for the moment of sending; it and the link stand in no log and no metric.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson
import structlog

from services.intake import store
from services.intake.domain import (
    THE_WORKER,
    Channel,
    Delivery,
    DeliveryState,
    Outlook,
    StopReason,
    come_to,
    in_hand,
    plan,
    put_back,
    stop_reason,
)
from services.intake.pages.message import words_of
from services.intake.sending.links import LinkMaker, LinkToSend
from services.intake.sending.messenger import Message, Messenger, outcome_of
from services.intake.store import Addressed, Held, Unplanned
from shared import audit
from shared.audit import Entry, Kind, Purpose, act_of_program
from shared.auth import Role
from shared.db import Connection, Pool, SiteScope, transaction
from shared.http.sessions import Clock, utc_now
from shared.jobs import all_of, keep_doing
from shared.keyring import KeyRing
from shared.sealing import Patient, Words, WordsState, in_record
from shared.telemetry import MESSAGES, OLDEST_MESSAGE_DUE

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CourierSettings:
    """How often it looks, and how much it takes at once. `hold_s` is longer than any messenger may take."""

    look_s: float = 2.0
    plan_s: float = 30.0
    hold_s: float = 120.0
    at_once: int = 8
    planned_at_once: int = 500


class InHand(NamedTuple):
    """A message that is to be sent now."""

    held: Held
    delivery: Delivery
    link: LinkToSend
    addressed: Addressed
    outlook: Outlook


class Courier:
    """The courier of one worker; `run` ends by being cancelled only. Without a messenger it plans and sends nothing."""

    def __init__(
        self,
        pool: Pool,
        ring: KeyRing,
        messenger: Messenger | None,
        links: LinkMaker,
        *,
        settings: CourierSettings | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._pool = pool
        self._ring = ring
        self._messenger = messenger
        self._links = links
        self._settings = settings or CourierSettings()
        self._clock = clock
        self._plan_at = clock()

    async def run(self) -> None:
        """Plan and send."""
        await keep_doing(self._plan_and_send, every_s=self._settings.look_s, otherwise="courier waits")

    async def _plan_and_send(self) -> int:
        if (now := self._clock()) >= self._plan_at:
            is_all = await self.plan_visits() < self._settings.planned_at_once
            self._plan_at = now + timedelta(seconds=self._settings.plan_s if is_all else 0)
        sent = await self.send_due()
        await self._tell_oldest()
        return sent

    async def plan_visits(self) -> int:
        """Plan for visits that have come near, and again for those that stand otherwise than they did; how many."""
        async with transaction(self._pool) as connection:
            visits = await store.unplanned_visits_of_all_sites(
                connection, self._clock(), self._settings.planned_at_once
            )
        for visit in visits:
            async with transaction(self._pool, locks=[(visit.site_id, visit.patient_id)]) as connection:
                await self._plan(connection, visit)
        return len(visits)

    async def send_due(self) -> int:
        """Send what is due, some at once; how many were taken for it."""
        if self._messenger is None:
            return 0
        now = self._clock()
        until = now + timedelta(seconds=self._settings.hold_s)
        async with transaction(self._pool) as connection:
            due = await store.hold_due_deliveries(connection, now, until, self._settings.at_once)
        await all_of(self._deliver(self._messenger, held, until) for held in due)
        return len(due)

    async def _plan(self, connection: Connection, visit: Unplanned) -> None:
        outlook = await store.outlook(connection, SiteScope.of(visit.site_id), visit.visit_id)
        if outlook is not None:  # else erased meanwhile
            now = self._clock()
            why_not = stop_reason(outlook, now) or StopReason.NOT_NEEDED
            await store.record_plan(connection, visit, outlook.visit_at, plan(outlook, now), why_not)
            await store.record_basis(connection, visit)

    async def _deliver(self, messenger: Messenger, held: Held, until: datetime) -> None:
        ready = await self._taken_in_hand(held, until)
        if ready is None:
            return
        after = await self._tried(messenger, ready)
        async with transaction(self._pool) as connection:
            await store.record_progress(connection, held.site_id, ready.delivery, after)

    async def _taken_in_hand(self, held: Held, until: datetime) -> InHand | None:
        """Keep how a message that we hold goes on; the message when it is to be sent now."""
        scope = SiteScope.of(held.site_id)
        async with transaction(self._pool, locks=[(held.site_id, held.patient_id)]) as connection:
            before = await store.delivery(connection, scope, held.delivery_id)
            outlook = await store.outlook(connection, scope, held.visit_id)
            if before is None or outlook is None or before.held_until != until:
                return None
            delivery = in_hand(before, outlook, self._clock())
            if delivery.state is not DeliveryState.SENDING:
                await store.record_progress(connection, held.site_id, before, delivery)
                return None
            addressed = await store.addressed(connection, scope, held.patient_id)
            if addressed is None:
                return None
            link = await self._links.link(connection, held, outlook, self._clock())
            delivery = replace(delivery, link_id=link.link_id)
            await store.record_progress(connection, held.site_id, before, delivery)
            act = act_of_program(THE_WORKER, Role.SYSTEM, Purpose.CARE, method="JOB", route="send-link")
            await audit.record(connection, act, [Entry(held.site_id, Kind.WRITE, 201, held.patient_id)])
            return InHand(held, delivery, link, addressed, outlook)

    async def _tried(self, messenger: Messenger, ready: InHand) -> Delivery:
        delivery, channel = ready.delivery, ready.delivery.channel
        if channel is None or channel not in messenger.channels:
            return replace(delivery, state=DeliveryState.FAILED, reason="channel-not-served", ended_at=self._clock())
        opens = await self._ring.opener(Patient(ready.held.site_id, ready.held.patient_id))
        opened = opens(ready.addressed.addresses or "", in_record(ready.held.patient_id, "addresses"))
        if opened.state is not WordsState.READABLE:
            return put_back(delivery, "no-keys", self._clock())
        outcome, code = await outcome_of(messenger, _message(ready, channel, opened))
        MESSAGES.labels(outcome).inc()
        return come_to(delivery, outcome, code, self._clock())

    async def _tell_oldest(self) -> None:
        async with transaction(self._pool) as connection:
            OLDEST_MESSAGE_DUE.set(await store.oldest_due_of_all_sites(connection, self._clock()))


def _message(ready: InHand, channel: Channel, opened: Words) -> Message:
    outlook = ready.outlook
    sender_name = outlook.rule.sender_name or ready.addressed.site_name
    words = words_of(
        ready.addressed.language,
        channel,
        sender_name=sender_name,
        visit_at=outlook.visit_at.astimezone(outlook.zone),
        link=ready.link.address,
        is_reminder=outlook.last_sent_at is not None,
    )
    return Message(
        message_id=ready.delivery.delivery_id,
        channel=channel,
        to=orjson.loads(opened.text or "{}")[channel],
        sender_name=sender_name,
        subject=words.subject,
        text=words.text,
    )
