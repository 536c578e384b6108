"""Analytics' Kafka door: every stream into facts."""

from services.analytics import CONSUMES
from services.analytics.domain.pseudonyms import Pseudonyms
from services.analytics.handlers import applier
from services.analytics.settings import AnalyticsWorkerSettings
from shared.broker import Broker
from shared.delivery import AT_LEISURE_S, Subscription
from shared.worker import run_worker


def subscription_of(settings: AnalyticsWorkerSettings) -> Subscription:
    """What analytics reads, and the effect of it under the network's pseudonyms."""
    pseudonyms = Pseudonyms(settings.pseudonym_key.get_secret_value().encode())
    return Subscription("analytics", CONSUMES, applier(pseudonyms), gather_s=AT_LEISURE_S)


async def run(settings: AnalyticsWorkerSettings, broker: Broker) -> int:
    """Consume until told to stop; the exit code."""
    return await run_worker("analytics", settings, broker, subscription=subscription_of(settings), is_publisher=False)
