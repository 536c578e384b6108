"""Intake's Kafka door: it consumes nothing; it relays its outbox, finishes erasures that were begun, sends links,
escalates alerts that nobody took, and tells clinics that one waits."""

from collections.abc import Callable, Coroutine, Sequence

from services.intake.api.erasures import finish_erasures
from services.intake.api.escalation import escalate_alerts, measure_alerts
from services.intake.sending import Courier, LinkMaker, Notifier, messenger_of
from services.intake.settings import IntakeWorkerSettings
from shared.broker import Broker
from shared.db import Pool
from shared.http.sessions import Clock, utc_now
from shared.jobs import keep_doing
from shared.keyring import KeyRing
from shared.worker import run_worker

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
    """Every half minute."""

    async def finish() -> None:
        await finish_erasures(pool, ring)

    await keep_doing(finish, every_s=_FINISH_EVERY_S, otherwise="erasures are not looked at")


async def keep_escalating_alerts(pool: Pool, clock: Clock = utc_now) -> None:
    """Every ten seconds."""

    async def escalate() -> None:
        await escalate_alerts(pool, clock)
        await measure_alerts(pool, clock)

    await keep_doing(escalate, every_s=_ESCALATE_EVERY_S, otherwise="alerts are not looked at")


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
