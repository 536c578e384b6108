"""The dashboard's Kafka door: it builds the pages, relays who looked at them, and closes looks that fell silent."""

import asyncio
from datetime import timedelta

import structlog

from services.dashboard import CONSUMES
from services.dashboard.api.closing import close_silent_views
from services.dashboard.handlers import apply
from services.dashboard.settings import DashboardSettings
from shared.broker import Broker
from shared.db import RETRYABLE, Pool
from shared.delivery import Subscription
from shared.http.sessions import Clock, utc_now
from shared.worker import run_worker

_log = structlog.get_logger()
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
    """Look at once and then every half minute; what was due meanwhile is due still."""
    while True:
        try:
            await close_silent_views(pool, clock, silent_for)
        except RETRYABLE as away:
            _log.warning("silent views are not looked at", failure=type(away).__name__)
        await asyncio.sleep(_CLOSE_EVERY_S)
