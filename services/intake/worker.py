"""Intake's Kafka door: it consumes nothing; it relays its outbox, finishes erasures that were begun, sends links,
escalates alerts that nobody took, and tells clinics that one waits."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import structlog

from services.intake.api.erasures import finish_erasures
from services.intake.api.escalation import escalate_alerts, measure_alerts
from services.intake.sending import Courier, LinkMaker, Notifier, messenger_of
from services.intake.settings import IntakeWorkerSettings
from shared.broker import Broker
from shared.db import RETRYABLE, Pool
from shared.errors import KeyRingAway
from shared.http.sessions import Clock, utc_now
from shared.keyring import KeyRing
from shared.worker import run_worker

_log = structlog.get_logger()
_FINISH_EVERY_S = 30.0
_ESCALATE_EVERY_S = 10.0


async def run(settings: IntakeWorkerSettings, broker: Broker) -> int:
    """Publish until told to stop; the exit code."""
    async with KeyRing(settings.keyring) as ring:
        return await run_worker(
            "intake",
            settings,
            broker,
            subscription=None,
            is_publisher=True,
            also=(
                lambda pool: keep_finishing_erasures(pool, ring),
                lambda pool: courier_of(settings, pool, ring).run(),
                keep_escalating_alerts,
                *told_by(settings),
            ),
        )


async def keep_finishing_erasures(pool: Pool, ring: KeyRing) -> None:
    """Look at once and then every half minute; what is away is looked for again."""
    while True:
        try:
            await finish_erasures(pool, ring)
        except (KeyRingAway, *RETRYABLE) as away:
            _log.warning("erasures are not looked at", failure=type(away).__name__)
        await asyncio.sleep(_FINISH_EVERY_S)


async def keep_escalating_alerts(pool: Pool, clock: Clock = utc_now) -> None:
    """Look at once and then every ten seconds; what was due meanwhile is due still."""
    while True:
        try:
            await escalate_alerts(pool, clock)
            await measure_alerts(pool, clock)
        except RETRYABLE as away:
            _log.warning("alerts are not looked at", failure=type(away).__name__)
        await asyncio.sleep(_ESCALATE_EVERY_S)


def told_by(settings: IntakeWorkerSettings) -> Sequence[Callable[[Pool], Coroutine[object, object, None]]]:
    """The job that tells clinics of their alerts, where there is a messenger to do it."""
    if settings.messenger is None:
        return []
    messenger, origin = messenger_of(settings.messenger), settings.platform.public_url("intake")
    return [lambda pool: Notifier(pool, messenger, origin).run()]


def courier_of(settings: IntakeWorkerSettings, pool: Pool, ring: KeyRing) -> Courier:
    """The courier that the settings ask for."""
    keys = [key for key in (settings.link_key, settings.other_link_key) if key is not None]
    links = LinkMaker(
        keys=[key.get_secret_value().encode() for key in keys],
        origin=settings.platform.public_urls.get("intake", ""),
    )
    messenger = None if settings.messenger is None else messenger_of(settings.messenger)
    return Courier(pool, ring, messenger, links)
