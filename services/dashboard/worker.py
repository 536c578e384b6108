"""The dashboard's Kafka door: it builds the pages, and relays who looked at them."""

from services.dashboard import CONSUMES
from services.dashboard.handlers import apply
from services.dashboard.settings import DashboardSettings
from shared.broker import Broker
from shared.delivery import Subscription
from shared.worker import run_worker

SUBSCRIPTION = Subscription("dashboard", CONSUMES, apply)


async def run(settings: DashboardSettings, broker: Broker) -> int:
    """Consume and publish until told to stop; the exit code."""
    return await run_worker("dashboard", settings, broker, subscription=SUBSCRIPTION, is_publisher=True)
