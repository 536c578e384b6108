"""Clinical's Kafka door: learns who is enrolled, and is the relay of its outbox."""

from services.clinical import CONSUMES, handlers
from services.clinical.settings import ClinicalSettings
from shared.broker import Broker
from shared.delivery import Subscription
from shared.worker import run_worker

SUBSCRIPTION = Subscription("clinical", CONSUMES, handlers.apply)


async def run(settings: ClinicalSettings, broker: Broker) -> int:
    """Consume and publish until told to stop; the exit code."""
    return await run_worker("clinical", settings, broker, subscription=SUBSCRIPTION, is_publisher=True)
