"""The dashboard's Kafka door: it builds the pages, relays who looked at them, and closes looks that fell silent."""

from datetime import timedelta

from services.dashboard import CONSUMES
from services.dashboard.api.closing import close_silent_views
from services.dashboard.handlers import apply
from services.dashboard.settings import DashboardSettings
from shared.broker import Broker
from shared.db import Pool
from shared.delivery import Subscription
from shared.http.sessions import Clock, utc_now
from shared.jobs import keep_doing
from shared.worker import run_worker

SUBSCRIPTION = Subscription("dashboard", CONSUMES, apply)
_CLOSE_EVERY_S = 30.0


async def run(settings: DashboardSettings, broker: Broker) -> int:
    """Consume and publish until told to stop; the exit code."""
    silent_for = timedelta(seconds=settings.silent_s)
    return await run_worker(
        "dashboard",
        settings,
        broker,
        subscription=SUBSCRIPTION,
        is_publisher=True,
        also=(lambda pool: keep_closing_views(pool, silent_for),),
    )


async def keep_closing_views(pool: Pool, silent_for: timedelta, clock: Clock = utc_now) -> None:
    """Every half minute."""

    async def close() -> None:
        await close_silent_views(pool, clock, silent_for)

    await keep_doing(close, every_s=_CLOSE_EVERY_S, otherwise="silent views are not looked at")
